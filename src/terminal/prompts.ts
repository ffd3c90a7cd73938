// One guided question, put by inquirer on the terminal's own input and output.
// The terminal must have let go of the input before; afterwards the input is free again.

import { Chalk } from "chalk";
import type { Interface } from "node:readline";
import { Writable } from "node:stream";
import { VnetError } from "../errors.js";
import { Cancelled, type Argument, type Scope } from "./command.js";
import { printable } from "./printable.js";

export interface PromptStreams {
  input: NodeJS.ReadableStream;
  output: NodeJS.WritableStream & { columns?: number };
  color: boolean;
  /** aborted when the terminal closes */
  signal: AbortSignal;
}

/** The argument's value; a wrong answer is explained and asked again. Ctrl-C and Ctrl-D reject with Cancelled. */
export async function askArgument<T>(
  argument: Argument<T>,
  scope: Scope,
  { input, output, color, signal }: PromptStreams,
): Promise<T> {
  // Loaded with the first question: it takes longer to load than all the rest, and most runs ask nothing.
  const { default: inquirer } = await import("inquirer");
  const fallback = argument.fallback?.(scope);
  const read = (text: string): T =>
    fallback?.text === text.trim()
      ? fallback.value
      : argument.parse(text.trim(), scope);

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
    output: lend(output),
    signal: AbortSignal.any([signal, given.signal]),
  });
  try {
    const answers = await ask<{ answer: string }>([
      {
        type: "input",
        name: "answer",
        message: printable(argument.ask),
        default: fallback?.text,
        validate: (text: string) => explain(() => read(text)),
        theme: themeFor(fallback !== undefined && fallback.text !== "", color),
      },
    ]);
    return read(answers.answer);
  } catch (error) {
    if (isGivenUp(error)) throw new Cancelled("cancelled");
    throw error;
  } finally {
    input.off("end", giveUp);
    input.off("keypress", onKey);
  }
}

// inquirer ends the output that it is given; this one's end reaches nobody.
function lend(output: PromptStreams["output"]): Writable {
  const lent = new Writable({
    write(chunk: Buffer, _encoding, done) {
      output.write(chunk);
      done();
    },
  });
  return Object.defineProperty(lent, "columns", { get: () => output.columns });
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
