// Reads a socket, plain or TLS, into buffers that are used again and again: no allocation and no copy for what only
// passes through. A buffer is not read into while anybody holds a view of what is in it; that is the flow control.

import type net from "node:net";
import type { Duplex } from "node:stream";
import {
  LentBuffer,
  NO_LEASE,
  SMALL_BYTES,
  type Lease,
} from "./lent-buffer.js";
import { giveBufferBack, lendBuffer, type Bulk } from "./read-buffers.js";
import { takeHandle } from "./socket-handle.js";

/** After so many reads in a row that would have fitted the small buffer the large one goes back. */
const SHORT_READS = 2;

/** What TLS brings at once at the most: the payload of a record (RFC 8446, 5.1). */
const RECORD_BYTES = 16 * 1024;

export interface RawReaderOptions {
  /** free bytes in front of each view, in the same memory, for a header */
  headroom: number;
  bulk: Bulk;
  /** The view may be used until this returns, and longer by the lease. */
  onBytes: (view: Buffer, lease: Lease) => void;
}

export class RawReader {
  /**
   * To be written to, ended and listened to in place of the one that was taken over; never to be paused or resumed, which
   * is the reader's to do.
   */
  readonly socket: net.Socket;
  readonly isSecure: boolean;
  /** read into now, or next */
  private current: LentBuffer;
  /** of it, what was handed on already, and where the next read goes */
  private handedOn = 0;
  private filled = 0;
  private gathering: NodeJS.Immediate | undefined;
  /** a small one that nobody holds */
  private spare: Buffer | null = null;
  /** buffers that somebody holds */
  private pending = 0;
  private shortReads = 0;
  /** it has to wait for whoever holds its buffers */
  private isFull = false;
  private isPaused = true;
  private isClosed = false;
  private unread: Buffer | null;

  /**
   * Takes a socket over, with what was read of it and not consumed; paused. Null: this duplex cannot be read so (a
   * program, memory, TLS over such, something still to be written), and nothing has happened to it.
   */
  static takeOver(duplex: Duplex, options: RawReaderOptions): RawReader | null {
    let reader: RawReader | null = null;
    const first = Buffer.allocUnsafeSlow(SMALL_BYTES);
    const taken = takeHandle(duplex, {
      buffer: () => reader?.room ?? first.subarray(options.headroom),
      callback: (bytes) => reader?.read(bytes) ?? false,
    });
    if (taken === null) return null;
    reader = new RawReader(taken, first, options);
    return reader;
  }

  private constructor(
    { socket, isSecure, unread }: NonNullable<ReturnType<typeof takeHandle>>,
    first: Buffer,
    private readonly options: RawReaderOptions,
  ) {
    this.socket = socket;
    this.isSecure = isSecure;
    this.unread = unread;
    this.spare = first;
    this.current = this.fresh(false);
    // The first to hear of it: what was gathered comes before the end.
    socket.once("end", () => {
      this.handOn();
    });
    socket.once("close", () => {
      this.isClosed = true;
      clearImmediate(this.gathering);
      if (!this.current.isHeld) this.recycle(this.current);
    });
  }

  /** With TLS, what was decrypted already still comes. */
  pause(): void {
    this.isPaused = true;
    this.socket.pause();
  }

  /** Nothing comes before the next tick, so that whoever calls this while it is made is ready for it. */
  resume(): void {
    if (!this.isPaused) return;
    this.isPaused = false;
    if (this.unread !== null)
      process.nextTick(() => {
        this.deliverUnread();
      });
    else if (this.canRead) this.socket.resume();
  }

  // Read through a getter, so that the compiler does not take it for constant across a call.
  private get canRead(): boolean {
    return !this.isPaused && !this.isFull;
  }

  private get room(): Buffer {
    return this.current.view.subarray(this.filled);
  }

  /** What was read before, by somebody else: from a buffer with room in front. */
  private deliverUnread(): void {
    const { unread, options } = this;
    if (this.isPaused || this.socket.destroyed) return;
    this.unread = null;
    if (unread !== null) {
      const copy = Buffer.allocUnsafeSlow(options.headroom + unread.length);
      unread.copy(copy, options.headroom);
      options.onBytes(copy.subarray(options.headroom), NO_LEASE);
    }
    // Whoever got that may have seen enough.
    if (this.canRead) this.socket.resume();
  }

  /** False: no more reading for now. */
  private read(bytes: number): boolean {
    // What is in it now is lost, and whoever is to write it writes something else: somebody resumed the bare socket.
    if (this.isFull && !this.isSecure)
      throw new Error("a held buffer was read into");
    this.filled += bytes;
    // TLS brings bulk record by record: those of one moment are handed on together.
    if (
      this.isSecure &&
      bytes === RECORD_BYTES &&
      this.room.length >= RECORD_BYTES
    ) {
      this.gathering ??= setImmediate(() => {
        this.handOn();
      });
      return this.canRead;
    }
    this.handOn();
    this.chooseBuffer(this.wantsLarge());
    return this.canRead;
  }

  private handOn(): void {
    const { current: lent, handedOn, filled } = this;
    clearImmediate(this.gathering);
    this.gathering = undefined;
    if (handedOn === filled) return;
    this.handedOn = filled;
    const wasHeld = lent.isHeld;
    lent.during(() => {
      this.options.onBytes(lent.view.subarray(handedOn, filled), lent);
    });
    if (wasHeld || !lent.isHeld) return;
    this.pending++;
    if (!this.isSecure) return;
    // Between two reads the next one's place is settled; it is behind what is held now.
    this.isFull = this.pending >= this.options.bulk.pendingMax;
    if (this.isFull) this.socket.pause();
  }

  /** For the next read; may be done at the end of a read only, when Node asks for it. */
  private chooseBuffer(isLarge: boolean): void {
    const { current, pending } = this;
    this.handedOn = this.filled = 0;
    if (!current.isHeld) {
      if (isLarge === current.isLarge) return;
      this.recycle(current);
    } else if (!this.isSecure && pending >= this.options.bulk.pendingMax) {
      // Into the same one, as soon as it is free.
      this.isFull = true;
      return;
    }
    this.current = this.fresh(isLarge);
  }

  private wantsLarge(): boolean {
    const { current, filled } = this;
    if (!current.isLarge) return filled === current.view.length;
    this.shortReads = filled < SMALL_BYTES ? this.shortReads + 1 : 0;
    return this.shortReads < SHORT_READS;
  }

  private fresh(isLarge: boolean): LentBuffer {
    const buffer = isLarge
      ? lendBuffer(this.options.bulk.bytes)
      : (this.spare ?? Buffer.allocUnsafeSlow(SMALL_BYTES));
    if (!isLarge) {
      this.spare = null;
      this.shortReads = 0;
    }
    return new LentBuffer(buffer, this.options.headroom, this.freed);
  }

  /** What was written from it has left. */
  private readonly freed = (lent: LentBuffer): void => {
    this.pending--;
    // The current one of a reader that is closed was held then; now it is given back, once.
    if (lent !== this.current || this.isClosed) this.recycle(lent);
    const wasFull = this.isFull;
    if (this.isSecure)
      this.isFull = this.pending >= this.options.bulk.pendingMax;
    else if (lent === this.current) this.isFull = false;
    if (wasFull && this.canRead && !this.socket.destroyed) this.socket.resume();
  };

  private recycle({ buffer, isLarge }: LentBuffer): void {
    if (isLarge) giveBufferBack(buffer);
    else this.spare = buffer;
  }
}
