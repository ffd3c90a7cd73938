// How long the event loop is held up by some work, in time of the processor, so that others on this machine do not count.
// What earlier tests left is collected first, as a collection's threads count too.
// Asked as a share of the work: on a fast machine the longest hold-up is short, on a slow one it is a small share.

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** What nothing may hold up a node for longer. */
const BOUND_MS = 50;

export interface Turns {
  /** the longest turn of the event loop meanwhile */
  longestMs: number;
  /** what is allowed: work in one piece is beyond it, unless it is short */
  allowedMs: number;
}

function usedMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

export async function turnsOf(work: () => Promise<unknown>): Promise<Turns> {
  collectGarbage();
  const begun = usedMs();
  let last = begun;
  let longestMs = 0;
  let isOver = false;
  const turn = () => {
    const now = usedMs();
    longestMs = Math.max(longestMs, now - last);
    last = now;
    if (!isOver) setImmediate(turn);
  };
  setImmediate(turn);
  await work();
  isOver = true;
  await new Promise((resolve) => setImmediate(resolve));
  return { longestMs, allowedMs: Math.max(BOUND_MS, (usedMs() - begun) / 2) };
}
