// One guided question: its look, and how an answer is read.
// The terminal must have let go of the input before; afterwards the input is free again.

import { Chalk } from "chalk";
import { printable } from "../printable.js";
import { ask, type PromptStreams } from "./asking.js";
import { askChoice } from "./choosing.js";
import type { Argument, Scope } from "./command.js";

/** One question of a line, without its colon. */
export interface Question<T> {
  ask: string;
  /** shown, and read when nothing was typed; undefined: nothing is read as it is */
  fallback: string | undefined;
  /** what is typed is not shown */
  hidden?: boolean;
  /** Throws VnetError with one line that says what is allowed. */
  read: (text: string) => T;
}

const INDENT = "    ";

/** The argument's value, from a list where it has one; otherwise as askQuestion. */
export function askArgument<T>(
  argument: Argument<T>,
  scope: Scope,
  streams: PromptStreams,
): Promise<T> {
  const choices = argument.choices?.(scope.control);
  if (choices && !argument.fallback)
    return askChoice(argument, choices, scope, streams);
  const fallback = argument.fallback?.(scope);
  const question: Question<T> = {
    ask: argument.ask,
    fallback: fallback?.text,
    read: (text) =>
      fallback?.text === text ? fallback.value : argument.parse(text, scope),
  };
  return askQuestion(question, streams);
}

/**
 * The answer's value, asked as `    to vnetid: ` or `    ip (127.0.0.1): `; a wrong one is explained and asked again. Rejects
 * with Cancelled.
 */
export function askQuestion<T>(
  { ask: text, fallback = "", hidden = false, read }: Question<T>,
  streams: PromptStreams,
): Promise<T> {
  const chalk = new Chalk({ level: streams.screen.color ? 1 : 0 });
  const start = INDENT + printable(text);
  const offer = printable(fallback);
  return ask(
    {
      label:
        offer === ""
          ? [{ text: `${start}: ` }]
          : [
              { text: `${start} ` },
              { text: `(${offer}):`, paint: chalk.dim },
              { text: " " },
            ],
      finalLabel: `${start}: `,
      hidden,
      offered: fallback === "" ? [] : [fallback],
      read(given) {
        const answer = given === "" ? fallback : given;
        return { value: read(answer), shown: answer };
      },
    },
    streams,
  );
}
