// The end of a program in good order: nothing new begins, what runs has its time, and a second signal ends it at once.

import { performance } from "node:perf_hooks";
import { count } from "./count.js";
import type { Log } from "./log.js";

/** What can end in good order. */
export interface Drainable {
  /** Nothing new begins from now on; what runs goes on. */
  retire(): Promise<void>;
  /** How many streams still run. */
  readonly running: number;
}

export interface ShutdownOptions {
  /** of the first signal */
  signal: string;
  what: Drainable;
  /** that running streams have */
  drainSeconds: number;
  /** resolves with the next signal */
  nextSignal: Promise<string>;
  log: Log;
}

const LOOK_MS = 50;

/** A hub's nodes need a moment to close the channels that have no stream. */
const SETTLE_MS = 300;

/** Resolves when nothing runs any more, the time is over, or the next signal came. The caller closes then. */
export async function drain(options: ShutdownOptions): Promise<void> {
  const { signal, what, drainSeconds, nextSignal, log } = options;
  await what.retire();
  if (drainSeconds > 0) await untilCalm(what, SETTLE_MS);
  const before = what.running;
  if (before === 0 || drainSeconds === 0) {
    log.info({ who: signal, what: "ends this program" });
    return;
  }
  log.info({
    who: signal,
    what: `ends this program when ${count(before, "stream")} ended, in ${drainSeconds} s at the latest, or at once with the next signal`,
  });
  const waiting = new AbortController();
  const outcome = await Promise.race([
    untilCalm(what, drainSeconds * 1000, waiting.signal).then((isCalm) =>
      isCalm ? "all streams have ended" : "the time is over",
    ),
    nextSignal,
  ]);
  waiting.abort();
  const left = what.running;
  log.info(
    left === 0 ? outcome : `${outcome}, ${count(left, "stream")} cut off`,
  );
}

/** False when something still runs after that time, or it is not waited for any more. */
function untilCalm(
  what: Drainable,
  timeoutMs: number,
  abort?: AbortSignal,
): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  return new Promise((resolve) => {
    const look = () => {
      if (what.running === 0) resolve(true);
      else if (abort?.aborted === true || performance.now() >= deadline)
        resolve(false);
      else setTimeout(look, LOOK_MS);
    };
    look();
  });
}
