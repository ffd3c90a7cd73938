// Whether whoever waits for an answer is still there: a socket that nobody reads does not tell of its reset.
// Neither reads for others nor closes: its owner does.

import type { Duplex } from "node:stream";

export class HangUp {
  private readonly controller = new AbortController();
  private readonly looking: NodeJS.Immediate;

  /**
   * From the next turn of the event loop on, so that it costs nothing where nobody has to wait. What comes is kept in
   * the duplex for its next reader, one high-water mark of it at the most; behind that a reset is not seen.
   */
  constructor(private readonly duplex: Duplex) {
    this.looking = setImmediate(() => {
      if (!duplex.destroyed) duplex.read(0);
    });
    // The next owner's listener comes beside it.
    duplex.on("error", () => undefined);
    duplex.once("close", this.seen);
  }

  /** Aborted when the duplex is closed or reset; its orderly end (FIN) alone is none. */
  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** Idempotent. */
  ignore(): void {
    clearImmediate(this.looking);
    this.duplex.off("close", this.seen);
  }

  private readonly seen = () => {
    this.controller.abort();
  };
}
