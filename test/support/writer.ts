// Somebody who writes as fast as he may: for tests of what a slow reader does to him.

import type { Duplex } from "node:stream";

/** More than any buffer on the way may hold: who gets here is not held back at all. */
const TOO_MUCH_BYTES = 64 * 1024 * 1024;

export class Writer {
  bytes = 0;
  private stopped = false;
  private readonly piece: Buffer;

  constructor(
    private readonly duplex: Duplex,
    pieceBytes: number,
  ) {
    this.piece = Buffer.alloc(pieceBytes, "x");
    duplex.on("drain", () => {
      this.write();
    });
    this.write();
  }

  /** Ends his half. */
  stop(): void {
    this.stopped = true;
    this.duplex.end();
  }

  /**
   * Resolves when nothing more can be written. For duplexes in memory: there everything moves with the turns of the
   * event loop, so that many without a byte mean that it stands.
   */
  async untilStalled(): Promise<void> {
    for (let seen = -1; seen !== this.bytes;) {
      if (this.bytes >= TOO_MUCH_BYTES) throw new Error("it is never full");
      seen = this.bytes;
      for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
    }
  }

  private write(): void {
    while (!this.stopped && this.bytes < TOO_MUCH_BYTES) {
      this.bytes += this.piece.length;
      if (!this.duplex.write(this.piece)) return;
    }
  }
}
