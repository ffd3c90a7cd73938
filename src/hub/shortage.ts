// Notices that the hub is about to run out of descriptors, and says so in the log: once a minute, however many are
// turned away for it.

import { performance } from "node:perf_hooks";
import type { Log } from "../log.js";
import { openFiles } from "../net/open-files.js";

const TELL_AGAIN_MS = 60_000;

export class Shortage {
  private toldAt = -Infinity;

  /** @param makeRoom turns away somebody who has proved nothing; false: there is nobody */
  constructor(
    private readonly log: Log,
    private readonly makeRoom: () => boolean = () => false,
    private readonly now = () => performance.now(),
  ) {}

  /**
   * Whether whoever comes now has to be turned away, unless it is a node.
   * @param coming descriptors that are on their way already
   */
  isThere(coming = 0): boolean {
    if (!openFiles.isShort(coming)) return false;
    if (this.now() - this.toldAt < TELL_AGAIN_MS) return true;
    this.toldAt = this.now();
    this.log.warn(
      `${openFiles.reason}: new channels and users are turned away until others end; nodes may still come`,
    );
    return true;
  }

  /** The same for a new channel, which has two legs: strangers go first. */
  isThereForChannel(coming: number): boolean {
    return this.isThere(coming) && !(this.makeRoom() && this.makeRoom());
  }

  get reason(): string {
    return `at the hub ${openFiles.reason}`;
  }
}
