// A command that only looks (`show`, `ping`, `help`) is over at once when nobody waits for it any more: what it would still
// print is dropped. One that changes something goes on, and what comes of it is printed.

import { VnetError } from "../errors.js";
import { Cancelled } from "./command.js";
import type { Surroundings } from "./invocation.js";

/** The same, but silent once `signal` is aborted. */
export function whileWaitedFor(surroundings: Surroundings): Surroundings {
  const { signal } = surroundings;
  return {
    ...surroundings,
    write: (text) => (signal.aborted ? undefined : surroundings.write(text)),
    writeLine: async (pieces) => {
      if (!signal.aborted) await surroundings.writeLine(pieces);
    },
  };
}

/** As `run`, but rejects with Cancelled as soon as `signal` is aborted. */
export async function endedBy(
  signal: AbortSignal,
  run: Promise<void>,
): Promise<void> {
  let end = (): void => undefined;
  const aborted = new Promise<void>((_, reject) => {
    end = () => reject(new Cancelled("cancelled"));
    signal.addEventListener("abort", end, { once: true });
  });
  try {
    await Promise.race([run, aborted]);
  } finally {
    signal.removeEventListener("abort", end);
    if (signal.aborted) void run.catch(unlessBug);
  }
}

function unlessBug(error: unknown): void {
  if (!(error instanceof VnetError || error instanceof Cancelled)) throw error;
}
