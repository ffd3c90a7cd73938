// How fast something may go: a bucket that holds two seconds' worth. Only counts; whoever draws does the waiting.

import { performance } from "node:perf_hooks";

export class Allowance {
  private left: number;
  private drawnAt = performance.now();

  constructor(private readonly perSecond: number) {
    this.left = 2 * perSecond;
  }

  /** How long to wait now, in ms; 0 while there is something left. */
  draw(count: number): number {
    const now = performance.now();
    const gained = ((now - this.drawnAt) / 1000) * this.perSecond;
    this.drawnAt = now;
    this.left = Math.min(2 * this.perSecond, this.left + gained) - count;
    return this.left >= 0 ? 0 : (-this.left / this.perSecond) * 1000;
  }
}
