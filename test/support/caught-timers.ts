// For pauses that grow: while `body` runs no timer fires by itself; the test sees what is waiting, and lets it come.

export class CaughtTimers {
  readonly #waiting = new Map<number, { delayMs: number; fire: () => void }>();
  #next = 1;

  /** The pauses that are being waited out, in ms. */
  get delays(): number[] {
    return [...this.#waiting.values()].map(({ delayMs }) => delayMs);
  }

  /** Lets all that wait now come. */
  fire(): void {
    const all = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { fire } of all) fire();
  }

  set = (fire: () => void, delayMs = 0): number => {
    this.#waiting.set(this.#next, { delayMs, fire });
    return this.#next++;
  };

  clear = (timer: unknown): void => {
    this.#waiting.delete(timer as number);
  };
}

/** Promises resolve as ever while `body` runs; nothing in it may wait for a real timer. */
export async function withCaughtTimers(
  body: (timers: CaughtTimers) => Promise<void>,
): Promise<void> {
  const { setTimeout, clearTimeout } = globalThis;
  const timers = new CaughtTimers();
  const caught = { setTimeout: timers.set, clearTimeout: timers.clear };
  Object.assign(globalThis, caught);
  try {
    await body(timers);
  } finally {
    Object.assign(globalThis, { setTimeout, clearTimeout });
  }
}
