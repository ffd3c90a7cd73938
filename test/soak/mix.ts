// What happens in a soak, all at the same time and by one seed: some acts again and again by several workers, some now and
// then. Can be held, so that nothing happens while samples are taken. Counts what was done, and what should not have been.

import { setTimeout as sleep } from "node:timers/promises";
import { within } from "../support/deadline.js";
import { Random } from "../support/random.js";
import type { Unrest } from "./unrest.js";

export interface Act {
  name: string;
  /** now and then: about once in so many milliseconds; absent: all the time, by the workers */
  everyMs?: number;
  /** of the workers' turns, beside the other frequent acts; 1 when absent */
  weight?: number;
  /** what may excuse that it fails; absent: nothing */
  unrest?: Unrest;
  run(random: Random): Promise<void>;
}

export interface MixOptions {
  seed: number;
  workers: number;
  /** how long all of it lasts; the rare acts come at least once */
  spanMs: number;
  /** hears of each fault when it is found */
  say: (line: string) => void;
}

export interface Deeds {
  done: number;
  /** failed while something was done to the LAN that may break it */
  excused: number;
  failed: number;
}

/** Longer than anything that ends well may take. */
const ACT_MS = 60_000;
/** What went wrong is told so many times; all are counted. */
const MAX_TOLD = 50;

export class Mix {
  readonly deeds = new Map<string, Deeds>();
  readonly faults: string[] = [];
  #state: "held" | "running" | "ended" = "held";
  #opened = gate();
  readonly #running = new Set<Promise<void>>();
  readonly #loops: Promise<void>[] = [];

  readonly #say: (line: string) => void;

  constructor(
    acts: readonly Act[],
    { seed, workers, spanMs, say }: MixOptions,
  ) {
    this.#say = say;
    for (const { name } of acts)
      this.deeds.set(name, { done: 0, excused: 0, failed: 0 });
    const frequent = acts
      .filter(({ everyMs }) => everyMs === undefined)
      .flatMap((act) => Array.from({ length: act.weight ?? 1 }, () => act));
    const seeds = new Random(seed);
    // One for each, so that what one does next is not changed by how long another one takes.
    const fresh = () => new Random(seeds.between(0, 0xffff_ffff));
    for (let count = 0; count < workers; count++) {
      const random = fresh();
      this.#loops.push(
        this.#repeat(
          random,
          () => frequent[random.between(0, frequent.length - 1)],
          () => random.between(0, 20),
        ),
      );
    }
    for (const act of acts) {
      if (act.everyMs === undefined) continue;
      const period = Math.round(Math.min(act.everyMs, spanMs / 2));
      const random = fresh();
      this.#loops.push(
        this.#repeat(
          random,
          () => act,
          (turn) => random.between(0, turn === 0 ? period : 2 * period),
        ),
      );
    }
  }

  resume(): void {
    if (this.#state !== "held") return;
    this.#state = "running";
    this.#opened.open();
  }

  /** Begins nothing more, and resolves when what was begun is over. */
  async hold(): Promise<void> {
    if (this.#state === "running") {
      this.#state = "held";
      this.#opened = gate();
    }
    await Promise.all(this.#running);
  }

  async end(): Promise<void> {
    await this.hold();
    this.#state = "ended";
    this.#opened.open();
    await Promise.all(this.#loops);
  }

  get summary(): string {
    const sum = { done: 0, excused: 0, failed: 0 };
    for (const deeds of this.deeds.values())
      for (const key of ["done", "excused", "failed"] as const)
        sum[key] += deeds[key];
    return `${sum.done} done, ${sum.excused} excused, ${sum.failed} failed`;
  }

  /** @param restMs before each turn, while nothing is held */
  async #repeat(
    random: Random,
    next: () => Act | undefined,
    restMs: (turn: number) => number,
  ): Promise<void> {
    for (let turn = 0; ; turn++) {
      await this.#rest(restMs(turn));
      while (this.#state === "held") await this.#opened.passed;
      if (this.#state === "ended") return;
      const act = next();
      if (act === undefined) return;
      const deed = this.#carryOut(act, random);
      this.#running.add(deed);
      await deed;
      this.#running.delete(deed);
    }
  }

  /** In small parts, so that the end need not wait for it. */
  async #rest(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 250) {
      await sleep(Math.min(left, 250));
      await this.#opened.passed;
      if (this.#state === "ended") return;
    }
  }

  async #carryOut(act: Act, random: Random): Promise<void> {
    const deeds = this.deeds.get(act.name);
    const wasUnrest = act.unrest?.watch() ?? (() => false);
    try {
      await within(act.name, act.run(random), ACT_MS);
      if (deeds) deeds.done++;
    } catch (error) {
      if (deeds) deeds[wasUnrest() ? "excused" : "failed"]++;
      if (wasUnrest() || this.faults.length >= MAX_TOLD) return;
      const text = error instanceof Error ? error.message : String(error);
      const fault = `${act.name}: ${text.slice(0, 600)}`;
      this.faults.push(`${new Date().toISOString()} ${fault}`);
      this.#say(fault);
    }
  }
}

function gate(): { passed: Promise<void>; open: () => void } {
  let open: () => void = () => undefined;
  const passed = new Promise<void>((resolve) => (open = resolve));
  return { passed, open };
}
