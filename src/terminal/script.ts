// Runs lines without a person: piped input for a node that stays, -e for a guest that leaves.
// Asks nothing, colours nothing; a command's output goes to output, its failure to errorOutput.

import type { NodeConfig } from "../config/config.js";
import { VnetError, type VnetErrorCode } from "../errors.js";
import type { NodeControl } from "../node/control.js";
import { put } from "./flow.js";
import { invoke } from "./invocation.js";
import { printable } from "../printable.js";
import type { Screen } from "../screen/screen.js";

export interface ScriptOptions {
  control: NodeControl;
  output: NodeJS.WritableStream;
  errorOutput: NodeJS.WritableStream;
  loadConfig(path: string | null): Promise<NodeConfig>;
  /** how wide the output is, asked for each line anew; absent: lines of any length */
  screen?: Pick<Screen, "columns">;
}

/** What ended a script: its `exit`, or the end of its input. */
export type ScriptEnd = "exit" | "end";

const SLOW_MS = 1_000;

/** Exit statuses of -e. */
const FINE = 0;
const FAILED = 1;
const USAGE = 2;

/**
 * Each line of `input` is a command, one after the other; a failed one does not stop the rest.
 * "exit": the script asked to leave. "end": no more lines, the node goes on.
 */
export async function runScript(
  options: ScriptOptions & { input: AsyncIterable<string> },
): Promise<ScriptEnd> {
  for await (const line of options.input) {
    const { left } = await runLine(line, options);
    if (left) return "exit";
  }
  return "end";
}

/**
 * Runs the lines until one fails or leaves; says of one that takes long that it is waited for. Resolves to the exit status:
 * 0 fine, 1 failed, 2 usage error.
 */
export async function runCommands(
  lines: Iterable<string>,
  options: ScriptOptions,
): Promise<number> {
  for (const line of lines) {
    let hasSaid = false;
    const running = runLine(line, options, () => (hasSaid = true));
    const { left, failure } = await sayIfSlow(running, () => {
      // It is its reader who takes his time then.
      if (!hasSaid)
        options.errorOutput.write(`waiting for \`${printable(line)}\` ...\n`);
    });
    if (failure) return isUsage(failure) ? USAGE : FAILED;
    if (left) break;
  }
  return FINE;
}

/** `say` is called once when the work takes longer than a person waits without a word. */
export async function sayIfSlow<T>(
  work: Promise<T>,
  say: () => void,
): Promise<T> {
  const timer = setTimeout(say, SLOW_MS);
  try {
    return await work;
  } finally {
    clearTimeout(timer);
  }
}

async function runLine(
  line: string,
  options: ScriptOptions,
  onSaid?: () => void,
): Promise<{ left: boolean; failure: VnetErrorCode | null }> {
  const { control, output, errorOutput, screen } = options;
  let left = false;
  const say = (text: string) => {
    onSaid?.();
    return put(output, text);
  };
  try {
    await invoke(line, {
      control,
      loadConfig: (path) => options.loadConfig(path),
      look: () => ({ columns: screen?.columns ?? Infinity, color: false }),
      write: (text) => say(`${text}\n`),
      writeLine: async (pieces) => {
        for await (const piece of pieces) await say(piece);
        await say("\n");
      },
      ask: null,
      leave: () => (left = true),
      signal: new AbortController().signal,
    });
    return { left, failure: null };
  } catch (error) {
    if (!(error instanceof VnetError)) throw error;
    errorOutput.write(`${printable(error.message)}\n`);
    return { left, failure: error.code };
  }
}

function isUsage(code: VnetErrorCode): boolean {
  return code === "usage" || code === "config";
}
