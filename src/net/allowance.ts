// How fast something may go: a bucket that fills up while nothing is drawn. Only counts; whoever draws does the waiting.

import { performance } from "node:perf_hooks";

export class Allowance {
  private left: number;
  private drawnAt = performance.now();

  /** @param burst what it holds; two seconds' worth where it is not said */
  constructor(
    private readonly perSecond: number,
    private readonly burst = 2 * perSecond,
  ) {
    this.left = burst;
  }

  /** How long to wait now, in ms; 0 while there is something left. */
  draw(count: number): number {
    const now = performance.now();
    const gained = ((now - this.drawnAt) / 1000) * this.perSecond;
    this.drawnAt = now;
    this.left = Math.min(this.burst, this.left + gained) - count;
    return this.left >= 0 ? 0 : (-this.left / this.perSecond) * 1000;
  }
}
