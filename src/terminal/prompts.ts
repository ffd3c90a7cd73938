// One guided question, put by inquirer on the terminal's own input and output.
// The terminal must have let go of the input before; afterwards the input is free again.

import { Chalk } from "chalk";
import type { Interface } from "node:readline";
import { Writable } from "node:stream";
import { VnetError } from "../errors.js";
import { Cancelled, type Argument, type Scope } from "./command.js";
import { printable } from "../printable.js";
import type { Screen } from "../screen/screen.js";

export interface PromptStreams {
  input: NodeJS.ReadableStream;
  output: NodeJS.WritableStream;
  /** what `output` is like */
  screen: Screen;
  /** aborted when the terminal closes */
  signal: AbortSignal;
}

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

/** The argument's value; otherwise as askQuestion. */
export function askArgument<T>(
  argument: Argument<T>,
  scope: Scope,
  streams: PromptStreams,
): Promise<T> {
  const fallback = argument.fallback?.(scope);
  const question: Question<T> = {
    ask: argument.ask,
    fallback: fallback?.text,
    read: (text) =>
      fallback?.text === text ? fallback.value : argument.parse(text, scope),
  };
  return askQuestion(question, streams);
}

/** The answer's value; a wrong answer is explained and asked again. Ctrl-C and Ctrl-D reject with Cancelled. */
export async function askQuestion<T>(
  { ask: message, fallback, hidden = false, read }: Question<T>,
  { input, output, screen, signal }: PromptStreams,
): Promise<T> {
  // Loaded with the first question: it takes longer to load than all the rest, and most runs ask nothing.
  const { default: inquirer } = await import("inquirer");

  // inquirer never settles when its input ends or Ctrl-D closes its readline.
  const given = new AbortController();
  const giveUp = () => given.abort();
  const onKey = (_text: unknown, key?: Parameters<Interface["write"]>[1]) => {
    if (key?.ctrl && key.name === "d") giveUp();
  };
  input.once("end", giveUp);
  input.on("keypress", onKey);
  const ask = inquirer.createPromptModule({
    input,
    output: lend(output, screen),
    signal: AbortSignal.any([signal, given.signal]),
  });
  try {
    const answers = await ask<{ answer: string }>([
      {
        type: "input",
        name: "answer",
        message: printable(message),
        default: fallback,
        validate: (text: string) => explain(() => read(text.trim())),
        transformer: (text: string) =>
          hidden ? "*".repeat(text.length) : text,
        theme: themeFor(
          fallback !== undefined && fallback !== "",
          screen.color,
        ),
      },
    ]);
    return read(answers.answer.trim());
  } catch (error) {
    if (isGivenUp(error)) throw new Cancelled("cancelled");
    throw error;
  } finally {
    input.off("end", giveUp);
    input.off("keypress", onKey);
  }
}

// inquirer ends the output that it is given; this one's end reaches nobody.
function lend(output: PromptStreams["output"], screen: Screen): Writable {
  const lent = new Writable({
    write(chunk: Buffer, _encoding, done) {
      output.write(chunk);
      done();
    },
  });
  return Object.defineProperty(lent, "columns", { get: () => screen.columns });
}

/** true, or the one line that inquirer shows below the question */
function explain(read: () => unknown): true | string {
  try {
    read();
    return true;
  } catch (error) {
    if (error instanceof VnetError) return printable(error.message);
    throw error;
  }
}

// `    to vnetid: 01` and `    ip (127.0.0.1): `, the way the original asked.
function themeFor(hasDefault: boolean, color: boolean) {
  const chalk = new Chalk({ level: color ? 1 : 0 });
  return {
    prefix: "   ",
    style: {
      message: (text: string, status: string) =>
        hasDefault && status === "idle" ? text : `${text}:`,
      defaultAnswer: (text: string) => chalk.dim(`(${text}):`),
      answer: (text: string) => chalk.cyan(text),
      error: (text: string) => chalk.red(`    ${text}`),
    },
  };
}

function isGivenUp(error: unknown): boolean {
  return (
    error instanceof Error &&
    ["ExitPromptError", "AbortPromptError", "CancelPromptError"].includes(
      error.name,
    )
  );
}
