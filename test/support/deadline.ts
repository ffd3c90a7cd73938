// Waiting in tests: for a promise, or for a condition that nothing announces.
// Whatever is waited for has a name, which the error tells.

import { setImmediate, setTimeout as sleep } from "node:timers/promises";

/** Long enough for a busy machine: only a failing test waits this long. */
export const DEADLINE_MS = 30_000;

/** The promise's own outcome, or an error once the time is over. */
export async function within<T>(
  what: string,
  promise: Promise<T>,
  timeoutMs = DEADLINE_MS,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`not within ${timeoutMs} ms: ${what}`));
    }, timeoutMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Asks again and again until the answer is neither false, null nor undefined,
 * and resolves with it. What `check` throws counts as not yet.
 */
export async function eventually<T>(
  what: string,
  check: () => T | false | null | undefined,
  timeoutMs = DEADLINE_MS,
): Promise<T> {
  const end = performance.now() + timeoutMs;
  let cause: unknown;
  for (let round = 0; ; round++) {
    try {
      const answer = check();
      if (answer !== false && answer != null) return answer;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    if (performance.now() > end)
      throw new Error(`not within ${timeoutMs} ms: ${what}`, { cause });
    // Most things are only a few turns of the event loop away.
    await (round < 50 ? setImmediate() : sleep(2));
  }
}
