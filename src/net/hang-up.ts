// Whether whoever waits for an answer is still there: a socket that nobody reads does not tell of its reset.
// Neither reads for others nor closes: its owner does.

import { setMaxListeners } from "node:events";
import type { Duplex } from "node:stream";
import { tellTrueEnd } from "./socket-handle.js";

/** Of more at the same time it is not looked for: what each says meanwhile is in memory. */
const MAX_LOOKING = 256;
let looking = 0;

export class HangUp {
  private readonly controller = new AbortController();
  private readonly start: NodeJS.Immediate;
  private isLooking = false;

  /**
   * From the next turn of the event loop on, so that it costs nothing where nobody has to wait. What comes is kept in
   * the duplex for its next reader, one high-water mark of it at the most; behind that a reset is not seen.
   */
  constructor(private readonly duplex: Duplex) {
    // Each serve that is tried for him listens.
    setMaxListeners(0, this.signal);
    this.start = setImmediate(() => {
      if (duplex.destroyed || looking >= MAX_LOOKING) return;
      this.isLooking = true;
      looking++;
      tellTrueEnd(duplex);
      duplex.read(0);
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
    clearImmediate(this.start);
    this.duplex.off("close", this.seen);
    this.stopLooking();
  }

  private readonly seen = () => {
    this.stopLooking();
    this.controller.abort();
  };

  private stopLooking(): void {
    if (this.isLooking) looking--;
    this.isLooking = false;
  }
}
