// The terminal, from the person's side: keys, escape sequences, pastes and lines of all kinds, in windows of all sizes.

import { commands } from "../../../src/terminal/commands/commands.js";
import type { Random } from "../../support/random.js";
import { mutate, pick } from "../mutator.js";
import { target } from "../target.js";
import { anySize } from "../terminal/screen.js";
import { SECRET_LETTERS } from "../terminal/secret-session.js";
import {
  encodeSetting,
  encodeStep,
  type Setting,
  type Step,
} from "../terminal/steps.js";
import { terminalStage } from "./stages.js";

const MAX_STEPS = 400;
const MAX_PASTE = 30_000;
const MAX_SERVES = 300;

const CONTROLS = Array.from({ length: 32 }, (_, at) => String.fromCharCode(at));
const CSI_KEYS = [
  ...["A", "B", "C", "D", "E", "F", "G", "H", "P", "Q", "R", "S", "Z", "u"],
  ...["1~", "2~", "3~", "4~", "5~", "6~", "7~", "8~", "11~", "15~", "24~"],
  ...["I", "O", "0n", "12;40R", "?1;2c", "?62;22c", ">0;276;0c", "M !!"],
  ...["<0;10;10M", "<65;1;1m", "200~", "201~", "97;5u", "13;2u", "27;5;9~"],
];
const ESCAPES = [
  ...CSI_KEYS.map((key) => `\u001b[${key}`),
  ...["2", "3", "4", "5", "6", "8"].flatMap((modifier) =>
    ["A", "B", "C", "D", "H", "F"].map((key) => `\u001b[1;${modifier}${key}`),
  ),
  ...["A", "B", "C", "D", "H", "F", "P", "Q", "R", "S", "M"].map(
    (key) => `\u001bO${key}`,
  ),
  ..."abcdefghijklmnopqrstuvwxyz.<>\u007f\b\r\t\u001b[O"
    .split("")
    .map((key) => `\u001b${key}`),
  // Answers of terminals to what nobody asked, and what breaks off.
  "\u001b]11;rgb:0000/0000/0000\u0007",
  "\u001b]52;c;aGVscA==\u001b\\",
  "\u001bP>|XTerm(370)\u001b\\",
  ...["\u001b", "\u001b[", "\u001bO", "\u001b[1;", "\u001b[[", "\u001b[?"],
  ...["\u001b[999999999999A", "\u001b[;;;;;;~", "\u001b[[A", "\u001b[[5~"],
];
const CHARACTERS = [
  ...["é", "ß", "ж", "中", "文", "あ", "한", "글", "Ａ", "ﾊ", "Ω", "€", "ﬁ"],
  ...["e\u0301", "\u0301", "a\u0300\u0323", "ᄒ\u1161\u11ab", "ก็", "ক্ষ"],
  ...["👍", "👍🏽", "👨‍👩‍👧", "🇩🇪", "❤️", "☺", "1️⃣", "\u{1f9d1}\u200d\u{1f4bb}"],
  ...["\u200b", "\u200d", "\u2060", "\ufeff", "\u00ad", "\u034f", "\u180e"],
  ...["\u202e", "\u202a", "\u2066", "\u200f", "\u061c", "שלום", "مرحبا"],
  ...["\u0080", "\u0085", "\u009b", "\u009b2J", "\u008d", "\u2028", "\u2029"],
  ...["\u00a0", "\u3000", "\u2800", "\u3164", "\u115f", "\ue000", "\uffff"],
  ...["\u{10ffff}", "\u{1f468}", "\u{20000}", "\u{e0041}", "\u{1d173}"],
];
/** Half characters, overlong ones, surrogates, what is above Unicode, and other encodings. */
const BAD_UTF8 = [
  ...["80", "bf", "c0af", "c3", "e4", "e4b8", "f0", "f09f91", "ff", "fe"],
  ...["eda080", "edb080", "eda0bdedb18d", "f4908080", "f8888080", "e28080"],
  ...["d6d0cec4", "c7d1b1db", "93fa967b", "fffe41", "00"],
].map((hex) => Buffer.from(hex, "hex"));
const ANSWERS = [
  ...["1", "2", "9", "7", "700", "8888", "127.0.0.1", "web", "y", "n", "", "?"],
  ...["::1", "65536", "-1", "0", "ssh", "remote-ssh", "#", "'", '"', "a b"],
];
const WORDS = [
  ...ANSWERS,
  ...["--json", "--limit", "--limit=3", "--help", "port=80", "ip=nas", "a=b"],
  ...["exec:cat", "/dev/null", "~", "ssh@home", "home:127.0.0.1:22", '"a b"'],
];

/** A line as somebody may type it, right or nearly right. */
function commandLine(random: Random): string {
  // Whoever leaves begins a new session, which is short of breath soon.
  const { name } = pick(random, commands);
  const command = name === "exit" && random.chance(0.9) ? "help" : name;
  const words = Array.from({ length: random.between(0, 3) }, () =>
    pick(random, WORDS),
  );
  const line = [command, ...words].join(" ");
  if (random.chance(0.8)) return line;
  return mutate(random, Buffer.from(line)).toString();
}

function character(random: Random): Buffer {
  if (random.chance(0.75))
    return Buffer.from(String.fromCharCode(random.between(0x20, 0x7e)));
  if (random.chance(0.9)) return Buffer.from(pick(random, CHARACTERS));
  return pick(random, BAD_UTF8);
}

function text(random: Random, count: number): Buffer {
  return Buffer.concat(Array.from({ length: count }, () => character(random)));
}

/** Of a few characters or tens of kB, as one read. */
function paste(random: Random): Buffer {
  const longest = random.chance(0.01)
    ? MAX_PASTE
    : random.chance(0.05)
      ? 2_000
      : 60;
  const length = random.between(2, longest);
  const kind = random.between(0, 5);
  let bytes: Buffer = Buffer.from("x".repeat(length));
  if (kind === 1) bytes = text(random, length);
  else if (kind === 2) bytes = random.bytes(length);
  else if (kind === 3)
    bytes = Buffer.from(
      Array.from({ length: random.between(1, 12) }, () =>
        commandLine(random),
      ).join(pick(random, ["\r", "\n", "\r\n"])),
    );
  else if (kind === 4)
    bytes = Buffer.from(pick(random, CHARACTERS).repeat(length));
  if (random.chance(0.4))
    bytes = Buffer.from(`\u001b[200~${bytes.toString()}\u001b[201~`);
  if (random.chance(0.3)) bytes = Buffer.concat([bytes, Buffer.from("\r")]);
  return bytes.subarray(0, MAX_PASTE);
}

/** One after the other, each an input of its own. */
function keyByKey(line: string): Step[] {
  return Array.from(line, (key) => keys(key));
}

function keys(given: string | Buffer): Step {
  // What marks the others' words (see screen.ts) is nothing that a person types here.
  const bytes = Buffer.from(given);
  return { kind: "keys", bytes: isMarked(bytes) ? Buffer.from("m") : bytes };
}

function isMarked(bytes: Buffer): boolean {
  return /[\u2067\ufff9\u{e0042}\u2062]/u.test(bytes.toString());
}

/** What happens next: one input or a few that belong together. */
function next(random: Random): Step[] {
  const kind = random.between(0, 999);
  if (kind < 380) return [keys(character(random))];
  if (kind < 500) return [keys(pick(random, CONTROLS))];
  if (kind < 510) return [keys("\u007f")];
  if (kind < 620) return [keys(pick(random, ESCAPES))];
  if (kind < 640) {
    const [a, b] = [pick(random, ESCAPES), pick(random, ESCAPES)];
    return [keys(mutate(random, Buffer.from(a), Buffer.from(b)))];
  }
  if (kind < 690) return [keys("\t")];
  if (kind < 760) return [keys(`${commandLine(random)}\r`)];
  if (kind < 800) return [...keyByKey(commandLine(random)), keys("\r")];
  if (kind < 820) return [keys(`${pick(random, ANSWERS)}\r`), { kind: "wait" }];
  if (kind < 840) return [...keyByKey(pick(random, ANSWERS)), keys("\r")];
  if (kind < 860) return [keys("\u0012"), ...keyByKey(pick(random, WORDS))];
  if (kind < 900) return [keys(paste(random))];
  if (kind < 930) return [{ kind: "resize", size: anySize(random) }];
  if (kind < 950)
    return [
      {
        kind: "notices",
        count: random.between(1, random.chance(0.1) ? 300 : 4),
      },
    ];
  if (kind < 960) return [{ kind: random.chance(0.3) ? "stop" : "go on" }];
  return kind < 970
    ? [{ kind: "wait" }]
    : [keys(pick(random, ["\u007f", "\u0017"]))];
}

/** Letters of a secret, keys, pastes of several lines. */
function nextOfSecret(random: Random): Step[] {
  const letters = Array.from(
    { length: random.between(1, random.chance(0.02) ? 9_000 : 30) },
    () => SECRET_LETTERS.charAt(random.between(0, SECRET_LETTERS.length - 1)),
  ).join("");
  const kind = random.between(0, 99);
  if (kind < 30) return keyByKey(letters.slice(0, 12));
  if (kind < 45) return [keys(`${letters}\r`), { kind: "wait" }];
  if (kind < 55) return [keys(`\u001b[200~${letters}\n${letters}\u001b[201~`)];
  if (kind < 60) return [keys(letters), keys(pick(random, BAD_UTF8))];
  if (kind < 70) return [keys(pick(random, CONTROLS))];
  if (kind < 80) return [keys(pick(random, ESCAPES))];
  if (kind < 85) return [keys(mutate(random, Buffer.from(letters)))];
  if (kind < 90) return [{ kind: "resize", size: anySize(random) }];
  if (kind < 92) return [{ kind: random.chance(0.3) ? "stop" : "go on" }];
  return kind < 96 ? [{ kind: "wait" }] : [keys("\r")];
}

/** Bytes of a script, in pieces as a pipe may bring them. */
function nextOfScript(random: Random): Step[] {
  const kind = random.between(0, 99);
  const end = pick(random, ["\n", "\n", "\n", "\r\n", "\r", ""]);
  if (kind < 50) return [keys(`${commandLine(random)}${end}`)];
  if (kind < 60) return keyByKey(`${commandLine(random)}${end}`);
  if (kind < 75) {
    const line = text(random, random.between(0, 60));
    return [keys(Buffer.concat([line, Buffer.from(end)]))];
  }
  if (kind < 80) return [keys(pick(random, BAD_UTF8)), keys("\n")];
  if (kind < 88) return [keys(random.bytes(random.between(1, 3_000)))];
  if (kind < 90) return [keys("x".repeat(random.between(1, 70_000)))];
  if (kind < 95) return [{ kind: "notices", count: 1 }];
  return [{ kind: "stop" }];
}

function terminalTarget(
  name: string,
  about: string,
  kind: Setting["kind"],
  next: (random: Random) => Step[],
) {
  return target({
    ...{ name, about, stage: terminalStage, width: 1 },
    script: (random) => {
      const way = encodeSetting({
        ...anySize(random),
        kind,
        color: random.chance(0.5),
        serves: random.chance(0.8)
          ? random.between(0, 5)
          : random.between(0, MAX_SERVES),
        seed: random.between(0, 0xffff_ffff),
      });
      const steps: Step[] = [];
      const count = random.between(1, MAX_STEPS);
      while (steps.length < count) steps.push(...next(random));
      const rest = { cutting: "whole", ending: "wait", way } as const;
      return { steps: steps.map(encodeStep), ...rest };
    },
    play: (stage, script, index) => stage.play(script, index),
  });
}

export const terminalTargets = [
  terminalTarget(
    "terminal",
    "the terminal, from the person's side",
    "terminal",
    next,
  ),
  terminalTarget(
    "terminal-secret",
    "a question whose answer is not shown",
    "secret",
    nextOfSecret,
  ),
  terminalTarget("terminal-script", "a piped script", "script", nextOfScript),
];
