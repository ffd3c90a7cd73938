// Runs lines without a person: piped input for a node that stays, -e for a guest that leaves.
// Asks nothing, colours nothing; a command's output goes to output, its failure to errorOutput. Waits for whoever reads
// them, and between two lines lets the network have its turn.

import { setImmediate as nextTurn } from "node:timers/promises";
import type { NodeConfig } from "../config/config.js";
import { VnetError, type VnetErrorCode } from "../errors.js";
import type { NodeControl } from "../node/control.js";
import type { Saves } from "./command.js";
import { failureLines } from "./failure.js";
import { drained, put } from "./flow.js";
import type { InputLine } from "./input-lines.js";
import { invoke } from "./invocation.js";
import { printable } from "../printable.js";
import type { Screen } from "../screen/screen.js";

export interface ScriptOptions {
  control: NodeControl;
  output: NodeJS.WritableStream;
  errorOutput: NodeJS.WritableStream;
  loadConfig(path: string | null): Promise<NodeConfig>;
  /** absent: there is no place to save anything */
  saves?: Saves | undefined;
  /** how wide the output is, asked for each line anew; absent: lines of any length */
  screen?: Pick<Screen, "columns">;
  /** the end is near: no further line is run, and nothing is waited for */
  signal?: AbortSignal;
}

/** Exit statuses of -e, and of a script that says `exit`. */
const FINE = 0;
const FAILED = 1;
const USAGE = 2;
export type ScriptStatus = typeof FINE | typeof FAILED | typeof USAGE;

/** `left`: by its `exit`; else its lines are at their end. The status is that of its last command before. */
export interface ScriptEnd {
  left: boolean;
  status: ScriptStatus;
}

const SLOW_MS = 1_000;

/**
 * Each line of `input` is a command, one after the other; a failed one does not stop the rest. The next line is asked for
 * when whoever reads the output has taken what the one before printed.
 */
export async function runScript(
  options: ScriptOptions & {
    input: AsyncIterable<InputLine>;
    /** awaited before the first line is run */
    start?: () => Promise<void>;
  },
): Promise<ScriptEnd> {
  let status: ScriptStatus = FINE;
  let hasStarted = false;
  for await (const line of options.input) {
    if (!hasStarted) await options.start?.();
    hasStarted = true;
    if (options.signal?.aborted === true) break;
    if ("problem" in line) {
      await put(options.errorOutput, `${line.problem}\n`);
      status = USAGE;
    } else if (!isBlank(line.text)) {
      const { left, failure } = await runLine(line.text, options);
      if (left) return { left, status };
      status = statusOf(failure);
    }
    await nextTurn();
  }
  return { left: false, status };
}

/**
 * Runs the lines until one fails or leaves; says of one that takes long that it is waited for. Resolves to the exit status:
 * 0 fine, 1 failed, 2 usage error.
 */
export async function runCommands(
  lines: Iterable<string>,
  options: ScriptOptions,
): Promise<ScriptStatus> {
  for (const line of lines) {
    let hasSaid = false;
    const running = runLine(line, options, () => (hasSaid = true));
    const { left, failure } = await sayIfSlow(running, () => {
      // It is its reader who takes his time then.
      if (!hasSaid)
        options.errorOutput.write(`waiting for \`${printable(line)}\` ...\n`);
    });
    if (failure) return statusOf(failure);
    if (left) break;
    await nextTurn();
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
      saves: options.saves,
      look: () => ({ columns: screen?.columns ?? Infinity, color: false }),
      write: (text) => say(`${text}\n`),
      writeLine: async (pieces) => {
        for await (const piece of pieces) await say(piece);
        await say("\n");
      },
      ask: null,
      leave: () => (left = true),
      signal: options.signal ?? new AbortController().signal,
    });
    // Not everything that a command says is waited for.
    await drained(output);
    return { left, failure: null };
  } catch (error) {
    if (!(error instanceof VnetError)) throw error;
    await put(errorOutput, `${failureLines(error).join("\n")}\n`);
    return { left, failure: error.code };
  }
}

/** What parseLine takes for no command. */
function isBlank(line: string): boolean {
  return /^\s*(?:#|$)/.test(line);
}

function statusOf(failure: VnetErrorCode | null): ScriptStatus {
  if (failure === null) return FINE;
  return failure === "usage" || failure === "config" ? USAGE : FAILED;
}
