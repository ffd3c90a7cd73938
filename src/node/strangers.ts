// How many channels of nodes that have not shown the secret may be in the making at once: each holds a leg, perhaps a program,
// and whoever says nothing holds it until the handshake's time is over. Those beyond wait for a moment. This node's own
// channels, and those of whom it has met, have the other places.

import { VnetError } from "../errors.js";

export interface StrangersLimits {
  /** in the making at once: of all, and of one key */
  all: number;
  ofOne: number;
}

/** Then its ticket is still good for a leg that tells the other node. */
const WAIT_MS = 5_000;

/** As many as an honest node has in the making, see channel/pool.ts `maxConnecting`. */
const MAX_WAITING_OF_ONE = 128;
const MAX_WAITING = 2_000;

export class Crowded extends VnetError {
  constructor() {
    super(
      "refused",
      "too many channels are in the making already, of it or of other nodes that have not shown the secret",
    );
  }
}

interface Waiting {
  key: string;
  /** @param isCounted it has a place */
  go: (isCounted: boolean) => void;
  turnAway: () => void;
}

export class Strangers {
  /** by key; only those that have some */
  private readonly making = new Map<string, number>();
  private all = 0;
  private readonly waiting = new Set<Waiting>();

  constructor(
    private readonly limits: () => StrangersLimits,
    private readonly isMet: (key: string) => boolean,
  ) {}

  /** Runs it when there is a place for that key. Rejects with Crowded where there is none in time. */
  async run<T>(key: string, step: () => Promise<T>): Promise<T> {
    if (!(await this.enter(key))) return step();
    try {
      return await step();
    } finally {
      this.count(key, -1);
      this.goOn();
    }
  }

  /** Those that wait. */
  turnAway(): void {
    for (const { turnAway } of [...this.waiting]) turnAway();
  }

  /** Resolves with whether it is counted. */
  private async enter(key: string): Promise<boolean> {
    if (this.isMet(key)) return false;
    if (!this.hasPlace(key)) return this.wait(key);
    this.count(key, 1);
    return true;
  }

  private hasPlace(key: string): boolean {
    const { all, ofOne } = this.limits();
    return this.all < all && (this.making.get(key) ?? 0) < ofOne;
  }

  private count(key: string, by: 1 | -1): void {
    this.all += by;
    const now = (this.making.get(key) ?? 0) + by;
    if (now > 0) this.making.set(key, now);
    else this.making.delete(key);
  }

  private wait(key: string): Promise<boolean> {
    const own = [...this.waiting].filter((each) => each.key === key).length;
    if (own >= MAX_WAITING_OF_ONE || this.waiting.size >= MAX_WAITING)
      return Promise.reject(new Crowded());
    return new Promise((resolve, reject) => {
      const leave = () => {
        clearTimeout(timer);
        this.waiting.delete(waiting);
      };
      const waiting: Waiting = {
        key,
        go: (isCounted) => {
          leave();
          resolve(isCounted);
        },
        turnAway: () => {
          leave();
          reject(new Crowded());
        },
      };
      const timer = setTimeout(waiting.turnAway, WAIT_MS);
      this.waiting.add(waiting);
    });
  }

  /** Whoever was met meanwhile, and those for whom there is a place. */
  private goOn(): void {
    for (const { key, go } of [...this.waiting])
      if (this.isMet(key)) go(false);
      else if (this.hasPlace(key)) {
        this.count(key, 1);
        go(true);
      }
  }
}
