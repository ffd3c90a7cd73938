// Long work in portions: a list of whatever length holds up the event loop, and with it the node, for a moment only.
// Measured in time, so that it holds on a slow machine too.

import { setImmediate as turn } from "node:timers/promises";
import { Cancelled } from "./command.js";

/** What one turn of the event loop may take; whoever waits for others waits for a few of these. */
const PORTION_MS = 5;

/** When this turn's portion is over: one for all, as they share the one event loop. */
let until = 0;

/** In one portion, however fast they are made. */
const MAX_ITEMS = 200;

/** Looking at the clock costs as much as a cheap item. */
const ITEMS_BETWEEN_LOOKS = 8;

/**
 * The items of a lazy list, as many at a time as a turn allows; making an item is the work that is divided. Between two
 * portions everything else has its turn. Rejects with Cancelled when `signal` is aborted.
 * @param most in one portion
 */
export async function* inPortions<T>(
  items: Iterable<T>,
  signal?: AbortSignal,
  most = MAX_ITEMS,
): AsyncGenerator<T[], void, undefined> {
  let portion: T[] = [];
  // What was done before, in this turn, counts as well.
  if (performance.now() >= until) await nextTurn(signal);
  for (const item of items) {
    portion.push(item);
    const looks = portion.length % ITEMS_BETWEEN_LOOKS === 0;
    const isOver = looks && performance.now() >= until;
    if (!isOver && portion.length < most) continue;
    yield portion;
    portion = [];
    if (performance.now() >= until) await nextTurn(signal);
  }
  if (portion.length > 0) yield portion;
}

async function nextTurn(signal: AbortSignal | undefined): Promise<void> {
  await turn();
  if (signal?.aborted === true) throw new Cancelled("cancelled");
  until = performance.now() + PORTION_MS;
}

/** One by one, as they are asked for. */
export function* mapped<T, R>(
  items: Iterable<T>,
  make: (item: T) => R,
): Generator<R, void, undefined> {
  for (const item of items) yield make(item);
}

/** All of them but those that are null, made in portions. */
export async function collect<T>(
  items: Iterable<T | null>,
  signal?: AbortSignal,
): Promise<T[]> {
  const all: T[] = [];
  for await (const portion of inPortions(items, signal))
    for (const item of portion) if (item !== null) all.push(item);
  return all;
}

/** In order, as by `sort`: portions are sorted by themselves, and merged item by item. */
export async function sorted<T>(
  items: Iterable<T>,
  compare: (a: T, b: T) => number,
  signal?: AbortSignal,
): Promise<T[]> {
  let runs: T[][] = [];
  for await (const portion of inPortions(items, signal))
    runs.push(portion.sort(compare));
  while (runs.length > 1) {
    const merged: T[][] = [];
    for (let at = 0; at < runs.length; at += 2)
      merged.push(
        await collect(
          merge(runs[at] ?? [], runs[at + 1] ?? [], compare),
          signal,
        ),
      );
    runs = merged;
  }
  return runs[0] ?? [];
}

function* merge<T>(
  a: readonly T[],
  b: readonly T[],
  compare: (a: T, b: T) => number,
): Generator<T> {
  let [atA, atB] = [0, 0];
  while (atA < a.length || atB < b.length) {
    const [first, second] = [a[atA], b[atB]];
    const takesA =
      atB >= b.length ||
      (atA < a.length && compare(first as T, second as T) <= 0);
    yield (takesA ? first : second) as T;
    if (takesA) atA++;
    else atB++;
  }
}
