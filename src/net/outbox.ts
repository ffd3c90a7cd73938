// What waits to be sent on a duplex. Bounded in bytes and in time, as its other end may never read: frames that go to
// many are kept once for all of them, until the duplex takes them.

import type { Duplex } from "node:stream";

/** The whole directory of the largest group, twice over. */
const MAX_BYTES = 8 * 1024 * 1024;

/** What the duplex is given at once; more would be a copy of its own in TLS. */
const BATCH_BYTES = 64 * 1024;

export interface OutboxOptions {
  duplex: Duplex;
  /** when nothing was taken for so long, the other end does not read */
  stallMs: number;
  onStall: () => void;
  /** something was taken */
  onTaken: () => void;
}

export class Outbox {
  private waiting: Buffer[] = [];
  private waitingBytes = 0;
  private isFull = false;
  private stallTimer: NodeJS.Timeout | undefined;

  constructor(private readonly options: OutboxOptions) {
    options.duplex.on("drain", () => {
      this.drained();
    });
  }

  /** All that has not left. */
  get bytes(): number {
    return this.waitingBytes + this.options.duplex.writableLength;
  }

  /** False: it would be too much, and was not taken. */
  add(frame: Buffer): boolean {
    if (this.bytes + frame.length > MAX_BYTES) return false;
    if (this.isFull) {
      this.waiting.push(frame);
      this.waitingBytes += frame.length;
    } else if (!this.options.duplex.write(frame)) this.filled();
    return true;
  }

  /** Hands on all that is left, for an orderly end; nothing is watched any more. */
  flush(): void {
    this.close();
    for (const frame of this.waiting) this.options.duplex.write(frame);
    this.waiting = [];
    this.waitingBytes = 0;
  }

  /** Idempotent. */
  close(): void {
    clearTimeout(this.stallTimer);
  }

  private filled(): void {
    this.isFull = true;
    clearTimeout(this.stallTimer);
    this.stallTimer = setTimeout(() => {
      // What was taken while this process was busy or stopped is told first.
      this.stallTimer = setTimeout(this.options.onStall, 1);
    }, this.options.stallMs);
  }

  private drained(): void {
    this.isFull = false;
    clearTimeout(this.stallTimer);
    while (!this.isFull && this.waiting.length > 0) this.writeBatch();
    this.options.onTaken();
  }

  /** In one piece, so that it ends as one write. */
  private writeBatch(): void {
    let count = 0;
    let bytes = 0;
    while (bytes < BATCH_BYTES && count < this.waiting.length)
      bytes += this.waiting[count++]?.length ?? 0;
    this.waitingBytes -= bytes;
    const batch = Buffer.concat(this.waiting.splice(0, count));
    if (!this.options.duplex.write(batch)) this.filled();
  }
}
