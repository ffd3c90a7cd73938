// What is to be written to one connection in this moment, in as few writes as it takes. The connection is its owner's.

import type { Duplex } from "node:stream";

/** Copying so much costs less than a second write. */
const COPY_BYTES = 16 * 1024;

export class Outbox {
  /** all that was ever put in */
  total = 0;
  private pieces: Buffer[] = [];
  private bytes = 0;

  constructor(private readonly to: Duplex) {}

  add(piece: Buffer): void {
    this.pieces.push(piece);
    this.bytes += piece.length;
    this.total += piece.length;
  }

  /** Of text that has one character a byte. */
  addHead(text: string): void {
    this.add(Buffer.from(text, "latin1"));
  }

  /** False: full; `drain` tells when more may come. */
  flush(): boolean {
    const { to, pieces, bytes } = this;
    const [only] = pieces;
    if (only === undefined || to.destroyed || to.writableEnded)
      return !to.writableNeedDrain;
    this.pieces = [];
    this.bytes = 0;
    if (pieces.length === 1) return to.write(only);
    if (bytes <= COPY_BYTES) return to.write(Buffer.concat(pieces, bytes));
    to.cork();
    for (const piece of pieces) to.write(piece);
    to.uncork();
    return !to.writableNeedDrain;
  }
}
