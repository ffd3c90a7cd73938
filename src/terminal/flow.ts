// Writes without filling the memory: what the reader has not taken yet is waited for, as long as there is a reader.

import { once } from "node:events";

interface Buffered {
  writableNeedDrain?: boolean;
  writableLength?: number;
}

/** Echo of what is typed that waits for the screen; with more, typing waits too. */
const MAX_ECHO_BYTES = 1024 * 1024;

/** The reader takes nothing at the moment, and enough waits for it; `drain` tells when it goes on. */
export function isFull(output: NodeJS.WritableStream): boolean {
  return (output as Buffered).writableNeedDrain === true;
}

/**
 * Called at each key. Commands can be typed while the screen stands still, and their echo waits; it is only that what is
 * pasted then without end does not fill the memory.
 */
export function holdTyping(
  input: NodeJS.ReadableStream,
  output: NodeJS.WritableStream,
): void {
  const { writableLength = 0 } = output as Buffered;
  if (writableLength < MAX_ECHO_BYTES || input.isPaused()) return;
  input.pause();
  output.once("drain", () => input.resume());
}

/** Resolves when more may be written, or nobody reads any more. */
export async function put(
  output: NodeJS.WritableStream,
  text: string,
): Promise<void> {
  output.write(text);
  await drained(output);
}

/** One line that comes in pieces. */
export async function putLine(
  output: NodeJS.WritableStream,
  pieces: AsyncIterable<string>,
): Promise<void> {
  for await (const piece of pieces) await put(output, piece);
  await put(output, "\n");
}

/** As `put`, of what was written before. */
export async function drained(output: NodeJS.WritableStream): Promise<void> {
  if (!isFull(output)) return;
  const over = new AbortController();
  const { signal } = over;
  // An error is heard elsewhere: here it only ends the wait.
  const ends = ["drain", "close", "error"].map((event) =>
    once(output, event, { signal }).catch(() => undefined),
  );
  await Promise.race(ends);
  over.abort();
}
