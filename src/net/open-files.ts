// How many files this process may have open, sockets included, and a few that are kept free of users: for control links,
// without which nobody could come back. A process has one such limit, so there is one of these.

import { closeSync, openSync } from "node:fs";
import { devNull } from "node:os";
import { VnetError } from "../errors.js";

/** Whoever looks opens fewer than so many descriptors until the next look. */
const OPENED_BY_LOOK = 16;

/** Kept free: a sixteenth of all, within these bounds. */
const RESERVE = { part: 1 / 16, min: 12, max: 256 };

export class OpenFiles {
  private most = Infinity;
  /** at the last real look: what was free for users, and how many looks that is good for */
  private slack = 0;
  private looksLeft = 0;

  /** How many there may be; Infinity: no limit is known, and nothing is kept free. */
  get limit(): number {
    return this.most;
  }

  /** Only programs know it. */
  setLimit(limit: number): void {
    this.most = limit;
    this.looksLeft = 0;
  }

  /** What there is of it for users. */
  get room(): number {
    const { part, min, max } = RESERVE;
    return (
      this.most - Math.min(Math.max(Math.floor(this.most * part), min), max)
    );
  }

  /**
   * Whether only the reserve is left.
   * @param coming how many are on their way already, and will be open soon
   */
  isShort(coming = 0): boolean {
    if (this.limit === Infinity) return false;
    // While there are plenty, to count them for each connection would cost more than it tells.
    if (this.looksLeft > 0 && coming < this.slack / 2) {
      this.looksLeft--;
      return false;
    }
    this.slack = this.room - lowestFree();
    this.looksLeft = Math.floor(this.slack / OPENED_BY_LOOK);
    return this.slack <= coming;
  }

  /** Throws VnetError `network` that says what to do when only the reserve is left. */
  refuseWhenShort(coming = 0): void {
    if (this.isShort(coming)) throw new VnetError("network", this.reason);
  }

  /** What to say of it, with what to do. */
  get reason(): string {
    return `the limit of ${this.limit} open files is reached (raise it: \`ulimit -n\`, or LimitNOFILE= of the systemd unit)`;
  }
}

/** The limit of this process. */
export const openFiles = new OpenFiles();

/**
 * The number that the next descriptor will get. POSIX gives the lowest one that is free, so that all below are in use;
 * to ask costs some microseconds, to count them much more.
 */
function lowestFree(): number {
  try {
    const descriptor = openSync(devNull, "r");
    closeSync(descriptor);
    return descriptor;
  } catch {
    // Not one is left.
    return Infinity;
  }
}
