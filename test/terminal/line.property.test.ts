import { expect } from "chai";
import fc from "fast-check";
import { VnetError } from "../../src/errors.js";
import { Cancelled } from "../../src/terminal/command.js";
import { bindWords, parseLine } from "../../src/terminal/command-line.js";
import { commands } from "../../src/terminal/commands/commands.js";
import { complete } from "../../src/terminal/completion.js";
import { invoke } from "../../src/terminal/invocation.js";
import { quoteWord, splitLine } from "../../src/terminal/words.js";
import {
  fakeConfig,
  FakeNode,
  REMOTE_NODE,
  SSH,
} from "../support/fake-node.js";
import {
  always,
  anyText,
  outcomeOf,
  printableText,
} from "../support/property.js";

const names = commands.map(({ name }) => name);
const argumentNames = commands.flatMap(({ args }) =>
  Object.values(args).map(({ name }) => name),
);

/** What may stand in a line: nearly right, in every way. */
const anyWord = fc.oneof(
  fc.constantFrom(
    ...["--json", "--help", "--", "01", "1", "700", "000", "1000", "ssh"],
    ...["ssh@remote-ssh", "remote-ssh", "127.0.0.1", "::1", "22", "65536"],
    ...["unix:/a", "exec:sh -c x", '"', "'", '""', "\\", "all", "hub", "#"],
    ...["remote-ssh:22", "b:::1:22", "__proto__", "constructor", "toString"],
  ),
  fc
    .tuple(fc.constantFrom(...argumentNames, "x", "__proto__"), anyText(10))
    .map(([name, value]) => `${name}=${value}`),
  printableText(0, 20),
  anyText(),
);

const anyLine = fc.oneof(
  fc
    .tuple(fc.constantFrom(...names), fc.array(anyWord, { maxLength: 7 }))
    .map(([name, words]) => [name, ...words].join(" ")),
  fc.array(anyWord, { maxLength: 5 }).map((words) => words.join(" ")),
  anyText(200),
);

function populated(): FakeNode {
  const node = new FakeNode();
  node.remoteList = [SSH, { ...SSH, serveid: 3, name: 'it"s', info: "\u001b" }];
  node.nodeList.push({ ...REMOTE_NODE, vnetid: 3, name: "a b\u001b[2J" });
  return node;
}

describe("a line at the terminal, whatever it says,", () => {
  always("is split into words", anyLine, (line) => {
    const { words } = splitLine(line);
    for (const { start } of words) expect(start).to.be.below(line.length);
  });

  always(
    "has each word that was quoted, as it was",
    fc.array(fc.oneof(printableText(0, 30), anyText()), { maxLength: 5 }),
    (texts) => {
      const { words, open } = splitLine(
        texts.map((text) => quoteWord(text)).join(" "),
      );
      expect(open).to.equal(null);
      expect(words.map(({ text }) => text)).to.deep.equal(texts);
    },
  );

  always(
    "is a command and its arguments, or an error of usage",
    anyLine,
    (line) => {
      outcomeOf(() => {
        const parsed = parseLine(commands, line);
        if (parsed !== null) bindWords(parsed.command, parsed.words);
      }, "usage");
    },
  );

  always("can be completed", anyLine, async (line) => {
    const [hits, replaced] = await complete(commands, populated(), line);
    expect(line.endsWith(replaced)).to.equal(true);
    for (const hit of hits) expect(hit).not.to.match(/\p{Cc}/u);
  });

  always(
    "does what it says, or fails as a command may; what it prints is fit to be shown",
    anyLine,
    fc.boolean(),
    fc.boolean(),
    async (line, online, asks) => {
      const control = populated();
      control.online = online;
      let printed = "";
      try {
        await invoke(line, {
          control,
          loadConfig: async () => fakeConfig(),
          look: () => ({ columns: 80, color: false }),
          write: (text) => void (printed += text),
          writeLine: async (pieces) => {
            for await (const piece of pieces) printed += piece;
          },
          // Nobody is there to answer, or whoever is there cancels.
          ask: asks ? () => Promise.reject(new Cancelled("cancelled")) : null,
          leave: () => undefined,
          signal: new AbortController().signal,
        });
      } catch (error) {
        if (!(error instanceof VnetError) && !(error instanceof Cancelled))
          throw error;
      }
      expect(printed).not.to.match(/[^\P{Cc}\n]/u);
    },
  );
});
