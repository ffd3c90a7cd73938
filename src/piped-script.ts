// The commands of a node whose standard input is no terminal: they wait for the hub, as -e does, and their end leaves the node
// running. Uses `process` as the programs do.

import { messageOf, VnetError } from "./errors.js";
import type { Node } from "./node/node.js";
import { printable } from "./printable.js";
import { inputLines, type InputLine } from "./terminal/input-lines.js";
import {
  runScript,
  sayIfSlow,
  type ScriptOptions,
  type ScriptStatus,
} from "./terminal/script.js";

/** Commands wait this long for the hub; deriving the key alone takes seconds on a busy machine. */
const HUB_TIMEOUT_MS = 8_000;

export interface PipedScript extends Pick<
  ScriptOptions,
  "loadConfig" | "saves" | "screen"
> {
  node: Node;
  /** whether the commands wait for the hub */
  waits: boolean;
  /** the node ends: no further line is run */
  signal: AbortSignal;
}

/** Resolves with the status of the last command when one of them says `exit`; else never. */
export async function pipedScript(script: PipedScript): Promise<ScriptStatus> {
  const { node, waits, signal, ...more } = script;
  const { left, status } = await runScript({
    control: node,
    input: standardInput(signal),
    output: process.stdout,
    errorOutput: process.stderr,
    ...more,
    signal,
    ...(waits && { start: () => untilReady(node, signal) }),
  });
  if (!left) await new Promise<never>(() => undefined);
  return status;
}

/** Rejects with VnetError. Says after a second that it is waited for. */
export function untilOnline(node: Node): Promise<void> {
  return sayIfSlow(node.online(HUB_TIMEOUT_MS), () => tellWaiting(node));
}

/**
 * Never rejects. A hub that is not there in time is told of, and the lines run without it: what they make is used when it
 * comes, and those that need it say so. Else a script would hang for as long as it is away.
 */
async function untilReady(node: Node, signal: AbortSignal): Promise<void> {
  const time = AbortSignal.any([signal, AbortSignal.timeout(HUB_TIMEOUT_MS)]);
  const ready = async () => {
    await node.online(HUB_TIMEOUT_MS, signal);
    await Promise.race([node.ready(), aborted(time)]);
  };
  try {
    await sayIfSlow(ready(), () => tellWaiting(node));
  } catch (error) {
    if (!(error instanceof VnetError)) throw error;
    if (signal.aborted) return;
    const why = printable(error.message);
    process.stderr.write(`${why}; the commands do not wait any longer\n`);
  }
}

function tellWaiting(node: Node): void {
  const { hub, waitsFor, link } = node.view();
  const why = waitsFor === null ? "" : `: ${printable(waitsFor)}`;
  const what =
    link === "online" ? "its serves and uses" : `the hub ${hub}${why}`;
  process.stderr.write(`waiting for ${what} ...\n`);
}

/** What cannot be read any more is at its end; so is that of `nohup`, which is open for writing only. */
async function* standardInput(signal: AbortSignal): AsyncGenerator<InputLine> {
  try {
    yield* inputLines(process.stdin as AsyncIterable<Buffer>);
  } catch (error) {
    if (signal.aborted) return;
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EBADF") return;
    yield {
      problem: `standard input cannot be read any more: ${messageOf(error)}`,
    };
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
