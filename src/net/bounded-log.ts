// A log for what others may make happen as often as they like: so many lines, and of the rest their number, as they could
// fill a disk.

import type { Log, LogEvent, LogLevel } from "../log.js";
import { Allowance } from "./allowance.js";

export interface BoundedLogOptions {
  log: Log;
  perSecond: number;
  /** lines in stock after a time of calm */
  burst: number;
  /** the line that stands for so many others */
  sum: (count: number) => LogEvent | string;
}

/** The others are counted for this long, and told in one line, a warning if one of them is. */
const SUM_AFTER_MS = 1_000;

type Level = Exclude<LogLevel, "debug">;

export class BoundedLog implements Log {
  private readonly allowance: Allowance;
  private leftOut = 0;
  private level: Level = "info";
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly options: BoundedLogOptions) {
    this.allowance = new Allowance(options.perSecond, options.burst);
  }

  /** Not bounded: who wants to see everything, sees it. */
  debug(event: LogEvent | string): void {
    this.options.log.debug(event);
  }

  info(event: LogEvent | string): void {
    this.add("info", event);
  }

  warn(event: LogEvent | string): void {
    this.add("warn", event);
  }

  error(event: LogEvent | string): void {
    this.add("error", event);
  }

  /** Says what there is still to say. Idempotent. */
  close(): void {
    clearTimeout(this.timer);
    if (this.leftOut > 0) this.sumUp();
  }

  private add(level: Level, event: LogEvent | string): void {
    if (this.leftOut === 0 && this.allowance.draw(0) === 0) {
      this.allowance.draw(1);
      this.options.log[level](event);
      return;
    }
    this.leftOut++;
    if (level !== "info") this.level = "warn";
    this.timer ??= setTimeout(() => {
      this.sumUp();
    }, SUM_AFTER_MS);
  }

  private sumUp(): void {
    const { log, sum } = this.options;
    const { leftOut, level } = this;
    this.timer = undefined;
    this.leftOut = 0;
    this.level = "info";
    log[level](sum(leftOut));
  }
}
