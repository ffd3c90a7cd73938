// Two duplexes in memory, as src/net/duplex-pair.ts makes them, that count what was written and cut what arrives.

import {
  joinEnds,
  PairEnd as PlainEnd,
  type DuplexPair,
} from "../../src/net/duplex-pair.js";

/** @param bytes how much each side buffers before it says that it is full */
export function createDuplexPair(bytes = 16 * 1024): DuplexPair<PairEnd> {
  return joinEnds(new PairEnd(bytes), new PairEnd(bytes));
}

export class PairEnd extends PlainEnd {
  /** how often something was written in one piece (one system call, were it a socket) */
  writes = 0;
  bytesWritten = 0;
  /** cuts what arrives here into reads */
  cut: (bytes: Buffer) => readonly Buffer[] = (bytes) => [bytes];

  protected override pass(
    chunks: readonly Buffer[],
    done: (error?: Error | null) => void,
  ): void {
    const bytes = Buffer.concat(chunks);
    this.writes++;
    this.bytesWritten += bytes.length;
    super.pass([bytes], done);
  }

  protected override arrive(chunks: readonly Buffer[]): boolean {
    return super.arrive(chunks.flatMap(this.cut));
  }
}
