// Those who found no channel. The services that they mean take turns, so that a crowd at one does not hold up the
// others; of one service the one who waits longest is first. Whoever is gone by then steps behind all others: his
// service hears of him as it would over TCP, as long as that takes nothing from those who are still there.

import { VnetError } from "../errors.js";
import type { Channel } from "./channel.js";

/** Those who are gone; more than that are let go, and no service hears of them. */
const MAX_GONE = 16;

interface Waiter {
  resolve: (channel: Channel) => void;
  reject: (error: VnetError) => void;
}

/** Which service somebody waits for: its serveid, an unserve's number below zero, or 0 for none. */
export type Turn = number;

/** Of a ping or an inquiry, which says nothing of how many users are to come. */
export const NO_USER: Turn = 0;

export class WaitingLine {
  /** by service, the one whose turn is next first; sets keep the order, and one in the middle steps out at no cost */
  private readonly lines = new Map<Turn, Set<Waiter>>();
  private readonly gone = new Set<Waiter>();
  private count = 0;

  /** How many are still there. */
  get present(): number {
    return this.count;
  }

  /** How many channels are to be made for them: for those who are gone one at a time, and only when nobody else waits. */
  get wanted(): number {
    return this.count || Math.min(this.gone.size, 1);
  }

  /**
   * Resolves when it is one's turn. Rejects with VnetError.
   * @param gone aborted when the one for whom it is has gone
   */
  join(turn: Turn, gone?: AbortSignal): Promise<Channel> {
    return new Promise((resolve, reject) => {
      const waiter: Waiter = { resolve, reject };
      const stepBack = () => {
        // His turn may have come already.
        if (!this.remove(turn, waiter)) return;
        if (this.gone.size < MAX_GONE) this.gone.add(waiter);
        else reject(new VnetError("closed", "nobody waits for it any more"));
      };
      const line = this.lines.get(turn) ?? new Set();
      this.lines.set(turn, line.add(waiter));
      this.count++;
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
   * Those of the longest line hear that there is none for them: it is their number that is too large.
   * @param count all of them where it is not said
   */
  turnAway(error: VnetError, count = Infinity): void {
    for (let left = count; left > 0 && this.count > 0; left--)
      this.takeFrom(this.longest())?.reject(error);
    if (this.count > 0) return;
    // For those who are gone nobody tries again.
    for (const waiter of this.gone) waiter.reject(error);
    this.gone.clear();
  }

  private next(): Waiter | undefined {
    const [turn] = this.lines.keys();
    if (turn !== undefined) {
      const waiter = this.takeFrom(turn);
      const line = this.lines.get(turn);
      // Its next turn is behind those of all others.
      if (line !== undefined && this.lines.delete(turn))
        this.lines.set(turn, line);
      return waiter;
    }
    const [waiter] = this.gone;
    if (waiter !== undefined) this.gone.delete(waiter);
    return waiter;
  }

  private takeFrom(turn: Turn): Waiter | undefined {
    const [waiter] = this.lines.get(turn) ?? [];
    if (waiter !== undefined) this.remove(turn, waiter);
    return waiter;
  }

  /** False: it is not there any more. */
  private remove(turn: Turn, waiter: Waiter): boolean {
    const line = this.lines.get(turn);
    if (line?.delete(waiter) !== true) return false;
    if (line.size === 0) this.lines.delete(turn);
    this.count--;
    return true;
  }

  private longest(): Turn {
    let longest: { turn: Turn; size: number } = { turn: 0, size: 0 };
    for (const [turn, { size }] of this.lines)
      if (size > longest.size) longest = { turn, size };
    return longest.turn;
  }
}
