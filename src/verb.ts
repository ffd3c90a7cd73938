// `./vnet VERB ARGUMENTS`: what a program does besides running, as data, and the command line of it.

import { parseArgs } from "node:util";
import { messageOf, VnetError } from "./errors.js";

/** 0 fine, 1 failed at run time, 2 usage or configuration error. */
export type ExitStatus = 0 | 1 | 2;

/** Does something and ends. */
export interface Verb {
  /** what follows the word, as the usage shows it: `FILE`, `[FILE]` where it may be left out */
  readonly parameters: readonly string[];
  /** what it does, in whole lines */
  readonly help: string;
  run: (args: string[], noColor: boolean) => Promise<ExitStatus>;
}

export interface VerbCall {
  program: string;
  word: string;
  /** the command line behind the word */
  words: string[];
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
  const { values, positionals } = parse(call.words, fail);
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
  return verb.run(positionals, values["no-color"] === true);
}

export function verbHelp(verb: Verb, call: VerbCall): string {
  return `Usage: ${usageOf(verb, call)}\n\n${verb.help}`;
}

function usageOf({ parameters }: Verb, { program, word }: VerbCall): string {
  return [`./${program}`, word, ...parameters].join(" ");
}

function parse(
  args: string[],
  fail: (text: string, cause: unknown) => VnetError,
) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        help: { type: "boolean", short: "h" },
        "no-color": { type: "boolean" },
      },
    });
  } catch (cause) {
    throw fail(messageOf(cause), cause);
  }
}
