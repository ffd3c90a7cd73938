// What the log says of connections that came to nothing: so many lines a second, and of the others their number, as
// whoever makes them could fill a disk.

import type { Log, LogEvent } from "../log.js";
import { Allowance } from "../net/allowance.js";

const LINES_PER_SECOND = 5;
/** The others are counted for this long, and told in one line. */
const SUM_AFTER_MS = 1_000;

export class Complaints {
  private readonly allowance = new Allowance(LINES_PER_SECOND);
  private leftOut = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly log: Log) {}

  add(event: LogEvent): void {
    if (this.leftOut === 0 && this.allowance.draw(0) === 0) {
      this.allowance.draw(1);
      this.log.warn(event);
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
    this.timer = undefined;
    const { leftOut } = this;
    this.leftOut = 0;
    this.log.warn(
      `${leftOut} more ${leftOut === 1 ? "connection" : "connections"} that came to nothing`,
    );
  }
}
