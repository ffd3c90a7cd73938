// Those who found no channel, the one who waits longest first. Whoever is gone by then steps behind all others: his
// service hears of him as it would over TCP, as long as that takes nothing from those who are still there.

import { VnetError } from "../errors.js";
import type { Channel } from "./channel.js";

/** Those who are gone; more than that are let go, and no service hears of them. */
const MAX_GONE = 16;

interface Waiter {
  resolve: (channel: Channel) => void;
  reject: (error: VnetError) => void;
}

export class WaitingLine {
  /** Sets keep the order, and one in the middle can step out at no cost */
  private readonly waiters = new Set<Waiter>();
  private readonly gone = new Set<Waiter>();

  /** How many are still there. */
  get present(): number {
    return this.waiters.size;
  }

  /** How many channels are to be made for them: for those who are gone one at a time, and only when nobody else waits. */
  get wanted(): number {
    return this.waiters.size || Math.min(this.gone.size, 1);
  }

  /**
   * Resolves when it is one's turn. Rejects with VnetError.
   * @param gone aborted when the one for whom it is has gone
   */
  join(gone?: AbortSignal): Promise<Channel> {
    return new Promise((resolve, reject) => {
      const waiter: Waiter = { resolve, reject };
      const stepBack = () => {
        // His turn may have come already.
        if (!this.waiters.delete(waiter)) return;
        if (this.gone.size < MAX_GONE) this.gone.add(waiter);
        else reject(new VnetError("closed", "nobody waits for it any more"));
      };
      this.waiters.add(waiter);
      if (gone?.aborted === true) stepBack();
      else gone?.addEventListener("abort", stepBack, { once: true });
    });
  }

  /** False: nobody waits. */
  serve(channel: Channel): boolean {
    const waiter = this.next();
    waiter?.resolve(channel);
    return waiter !== undefined;
  }

  /**
   * The next ones hear that there is none for them.
   * @param count all of them where it is not said
   */
  turnAway(error: VnetError, count = Infinity): void {
    let left = count;
    for (const waiter of this.waiters) {
      if (left-- <= 0) return;
      this.waiters.delete(waiter);
      waiter.reject(error);
    }
    // For those who are gone nobody tries again.
    for (const waiter of this.gone) waiter.reject(error);
    this.gone.clear();
  }

  private next(): Waiter | undefined {
    for (const line of [this.waiters, this.gone]) {
      const [waiter] = line;
      if (waiter === undefined) continue;
      line.delete(waiter);
      return waiter;
    }
    return undefined;
  }
}
