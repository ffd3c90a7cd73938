// What the log says of something that others may do as often as they like: so many lines, and of the rest their number,
// as they could fill a disk.

import type { Log, LogEvent } from "../log.js";
import { Allowance } from "../net/allowance.js";

export interface BoundedLogOptions {
  log: Log;
  level: "info" | "warn";
  perSecond: number;
  /** lines in stock after a time of calm */
  burst: number;
  /** the line that stands for so many others */
  sum: (count: number) => LogEvent | string;
}

/** The others are counted for this long, and told in one line. */
const SUM_AFTER_MS = 1_000;

export class BoundedLog {
  private readonly allowance: Allowance;
  private leftOut = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly options: BoundedLogOptions) {
    this.allowance = new Allowance(options.perSecond, options.burst);
  }

  add(event: LogEvent): void {
    const { log, level } = this.options;
    if (this.leftOut === 0 && this.allowance.draw(0) === 0) {
      this.allowance.draw(1);
      log[level](event);
      return;
    }
    this.leftOut++;
    this.timer ??= setTimeout(() => {
      this.sumUp();
    }, SUM_AFTER_MS);
  }

  /** Says what there is still to say. Idempotent. */
  close(): void {
    clearTimeout(this.timer);
    if (this.leftOut > 0) this.sumUp();
  }

  private sumUp(): void {
    const { log, level, sum } = this.options;
    this.timer = undefined;
    const { leftOut } = this;
    this.leftOut = 0;
    log[level](sum(leftOut));
  }
}
