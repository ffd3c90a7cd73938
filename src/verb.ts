// `./vnet VERB ARGUMENTS`: what a program does besides running, as data, and the command line of it.

import { existsSync } from "node:fs";
import { parseArgs } from "node:util";
import { messageOf, VnetError } from "./errors.js";
import { nearestName } from "./nearest.js";
import { printable } from "./printable.js";

/** 0 fine, 1 failed at run time, 2 usage or configuration error, 3 done, but not all of it: what is missing was told. */
export type ExitStatus = 0 | 1 | 2 | 3;

/** Does something and ends. */
export interface Verb {
  /** what follows the word, as the usage shows it: `FILE`, `[FILE]` where it may be left out */
  readonly parameters: readonly string[];
  /** what it does, in whole lines */
  readonly help: string;
  /** its options that take a value, each with the word for that: `{ group: "G" }` */
  readonly options?: Readonly<Record<string, string>>;
  /** … and those that may be given several times */
  readonly lists?: Readonly<Record<string, string>>;
  run: (
    args: string[],
    noColor: boolean,
    options: Readonly<Record<string, string | undefined>>,
    lists: Readonly<Record<string, readonly string[]>>,
  ) => Promise<ExitStatus>;
}

export interface VerbCall {
  program: string;
  /** how the program was called: `./vnet` */
  called: string;
  word: string;
  /** the command line behind the word */
  words: string[];
}

/** What a program knows of the first word of its command line. */
export interface KnownWords {
  name: string;
  called: string;
  verbs: Readonly<Record<string, Verb>>;
  /** what its terminal does with these words: a guest does, too, or a running node only; null: nothing */
  commandFor?: (words: readonly string[]) => "guest" | "node" | null;
}

/** Throws VnetError `usage` for a first word that looks like a verb and is neither one nor the name of a file. */
export function refuseUnknownWord(known: KnownWords, words: string[]): void {
  const { name, called } = known;
  const [word = ""] = words;
  if (!/^[a-z][a-z_-]*$/i.test(word) || existsSync(word)) return;
  const verbs = Object.keys(known.verbs);
  const who = known.commandFor?.(words.map((each) => each.toLowerCase()));
  if (who === "guest" || who === "node") {
    const line = printable(words.join(" "));
    const instead =
      who === "guest"
        ? `a guest runs it with ${called} config.ini -e '${line}'`
        : insteadOf(words, called);
    throw new VnetError(
      "usage",
      `${name}: ${line} is a command of a running node's terminal; ${instead}`,
    );
  }
  const near = nearestName(word, verbs);
  const hint = near === undefined ? "" : `, did you mean ${near}?`;
  throw new VnetError(
    "usage",
    `${name}: ${word} is no verb, and no file here has that name${hint}; the verbs are ${verbs.join(", ")}; see ${called} --help`,
  );
}

/** Of what only a node does that stays. */
function insteadOf(words: readonly string[], called: string): string {
  const [kind = "", ...rest] = words;
  const option = ["serve", "use"].find((each) => each === kind.toLowerCase());
  const [what = "", ...more] = /^(?:run|new)$/i.test(rest[0] ?? "")
    ? rest.slice(1)
    : rest;
  const isWhole = /^[\w.@:-]+$/.test(what) && more.length === 0;
  return option === undefined
    ? "type it there"
    : `type it there, or start a node with --${option} ${isWhole ? what : "SPEC"} or a section [${option}.X] of its file; see ${called} --help`;
}

/** Rejects with VnetError `usage`. `help`: that was asked for. */
export async function runVerb(
  verb: Verb,
  call: VerbCall,
): Promise<ExitStatus | "help"> {
  const { parameters } = verb;
  const fail = (text: string, cause?: unknown) =>
    new VnetError(
      "usage",
      `${call.program} ${call.word}: ${text}; usage: ${usageOf(verb, call)}`,
      { cause },
    );
  const { values, positionals } = parse(verb, call.words, fail);
  if (values.help === true) return "help";
  const needed = parameters.filter((each) => !each.startsWith("[")).length;
  if (positionals.length < needed)
    throw fail(`${parameters[positionals.length] ?? ""} is missing`);
  if (positionals.length > parameters.length)
    throw fail(
      parameters.length === 0
        ? "nothing may follow"
        : `more than ${parameters.join(" and ")}`,
    );
  const options = Object.keys(verb.options ?? {}).map((name) => {
    const value = (values as Record<string, unknown>)[name];
    return [name, typeof value === "string" ? value : undefined] as const;
  });
  const lists = Object.keys(verb.lists ?? {}).map((name) => {
    const value = (values as Record<string, unknown>)[name];
    const texts = Array.isArray(value) ? value.map(String) : [];
    return [name, texts] as const;
  });
  return verb.run(
    positionals,
    values["no-color"] === true,
    Object.fromEntries(options),
    Object.fromEntries(lists),
  );
}

export function verbHelp(verb: Verb, call: VerbCall): string {
  return `Usage: ${usageOf(verb, call)}\n\n${verb.help}`;
}

function usageOf(
  { parameters, options = {}, lists = {} }: Verb,
  { called, word }: VerbCall,
): string {
  const own = [
    ...Object.entries(options).map(([name, value]) => `[--${name} ${value}]`),
    ...Object.entries(lists).map(([name, value]) => `[--${name} ${value}]…`),
  ];
  return [called, word, ...parameters, ...own].join(" ");
}

function optionsOf(names: readonly string[], multiple: boolean) {
  return Object.fromEntries(
    names.map((name) => [name, { type: "string" as const, multiple }]),
  );
}

function parse(
  { options = {}, lists = {} }: Verb,
  args: string[],
  fail: (text: string, cause: unknown) => VnetError,
) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        ...optionsOf(Object.keys(options), false),
        ...optionsOf(Object.keys(lists), true),
        help: { type: "boolean", short: "h" },
        "no-color": { type: "boolean" },
      },
    });
  } catch (cause) {
    throw fail(messageOf(cause), cause);
  }
}
