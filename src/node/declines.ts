// Offers of channels that this node cannot take for want of descriptors or programs. Their tickets are used up by legs that end at
// once, so that the node that asked hears of it now and not when its patience is over. A few legs at a time.

import { performance } from "node:perf_hooks";
import type { Duplex } from "node:stream";
import { VnetError } from "../errors.js";

/** As many descriptors of the reserve are used for it. */
const MAX_AT_ONCE = 4;
/** Then the tickets of those that wait are too old, or nearly so. */
const PATIENCE_MS = 8_000;
const MAX_WAITING = 10_000;

export class Declines {
  private readonly waiting: { ticket: string; until: number }[] = [];
  private running = 0;

  /** @param openLeg connects, and sends the ticket; rejects with VnetError */
  constructor(private readonly openLeg: (ticket: string) => Promise<Duplex>) {}

  add(ticket: string): void {
    if (this.waiting.length >= MAX_WAITING) return;
    this.waiting.push({ ticket, until: performance.now() + PATIENCE_MS });
    if (this.running < MAX_AT_ONCE) void this.run();
  }

  private async run(): Promise<void> {
    this.running++;
    for (let next = this.waiting.shift(); next; next = this.waiting.shift())
      if (performance.now() < next.until) await this.decline(next.ticket);
    this.running--;
  }

  private async decline(ticket: string): Promise<void> {
    try {
      const leg = await this.openLeg(ticket);
      await new Promise<void>((resolve) => {
        leg.once("error", () => undefined);
        leg.once("close", resolve);
        leg.end(() => leg.destroy());
      });
    } catch (error) {
      if (!(error instanceof VnetError)) throw error;
      // The other node has to wait, then.
    }
  }
}
