// Writes without filling the memory: what the reader has not taken yet is waited for, as long as there is a reader.

import { once } from "node:events";

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
  const { writableNeedDrain } = output as { writableNeedDrain?: boolean };
  if (writableNeedDrain !== true) return;
  const over = new AbortController();
  const { signal } = over;
  // An error is heard elsewhere: here it only ends the wait.
  const ends = ["drain", "close", "error"].map((event) =>
    once(output, event, { signal }).catch(() => undefined),
  );
  await Promise.race(ends);
  over.abort();
}
