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
import {
  giveBufferBack,
  keepNoMore,
  lendBuffer,
  mayKeep,
  type Bulk,
} from "./read-buffers.js";
import { takeHandle, type TakenSocket } from "./socket-handle.js";

/** What TLS brings at once at the most: the payload of a record (RFC 8446, 5.1). */
const RECORD_BYTES = 16 * 1024;

export interface RawReaderOptions {
  /** free bytes in front of each view, in the same memory, for a header */
  headroom: number;
  bulk: Bulk;
  /** The view may be used until this returns, and longer by the lease. */
  onBytes: (view: Buffer, lease: Lease) => void;
  /** All that came in one moment has been handed on. */
  onOver: () => void;
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
  /** what was handed on in this moment already; the rest shall not make it more than a large buffer */
  private ahead = 0;
  private gathering: NodeJS.Immediate | undefined;
  /** has the right to keep a large buffer while nothing comes */
  private keeps = false;
  /** a small one that nobody holds */
  private spare: Buffer | null = null;
  /** in buffers that somebody holds */
  private pendingBytes = 0;
  /** it has to wait for whoever holds its buffers */
  private isFull = false;
  private isPaused = true;
  private isClosed = false;
  private unread: Buffer | null;

  /**
   * Takes a socket over, with what was read of it and not consumed; paused. Null: this duplex cannot be read so (a
   * program, memory, something still to be written), and nothing has happened to it.
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
    { socket, isSecure, unread }: TakenSocket,
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
      this.finish();
    });
    socket.once("close", () => {
      this.isClosed = true;
      if (this.gathering !== undefined) this.finish();
      if (!this.current.isHeld) this.recycle(this.current);
      this.keepNoMore();
    });
  }

  /** With TLS, what was decrypted already still comes. */
  pause(): void {
    this.isPaused = true;
    this.socket.pause();
  }

  /** Nothing comes before the caller has returned, so that whoever calls this while it is made is ready for it. */
  resume(): void {
    if (!this.isPaused) return;
    this.isPaused = false;
    if (this.unread !== null)
      queueMicrotask(() => {
        this.deliverUnread();
      });
    else if (this.canRead) this.socket.resume();
  }

  // Read through a getter, so that the compiler does not take it for constant across a call.
  private get canRead(): boolean {
    return !this.isPaused && !this.isFull;
  }

  /** Where the next read goes. */
  private get room(): Buffer {
    const { view } = this.current;
    return view.subarray(this.filled, view.length - this.ahead);
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
      options.onOver();
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
    const isFilled = this.room.length === 0;
    const isWholeRecord =
      bytes === RECORD_BYTES || bytes === RECORD_BYTES - this.ahead;
    if (this.isSecure && isWholeRecord && !isFilled) {
      // There may be more of the same moment.
      this.gather();
    } else if (isFilled && !this.current.isLarge) {
      this.handOn();
      this.ahead = this.filled;
      this.change(true);
      this.gather();
    } else {
      this.handOn();
      this.finish();
      // Without the right to keep it, a large buffer is for as long as it is filled.
      const staysLarge =
        this.keeps && !this.isSecure && this.filled >= SMALL_BYTES;
      this.chooseBuffer(isFilled || staysLarge);
    }
    return this.canRead;
  }

  /** What comes in this turn of the event loop still belongs together. */
  private gather(): void {
    this.gathering ??= setImmediate(() => {
      this.handOn();
      this.finish();
    });
  }

  private handOn(): void {
    const { current: lent, handedOn, filled } = this;
    if (handedOn === filled) return;
    this.handedOn = filled;
    const wasHeld = lent.isHeld;
    lent.during(() => {
      this.options.onBytes(lent.view.subarray(handedOn, filled), lent);
    });
    if (!wasHeld && lent.isHeld) this.pendingBytes += lent.buffer.length;
  }

  private finish(): void {
    clearImmediate(this.gathering);
    this.gathering = undefined;
    this.ahead = 0;
    this.options.onOver();
    this.isFull = this.pendingBytes >= this.options.bulk.pendingBytes;
    if (this.isFull) this.socket.pause();
  }

  /** For the next read; at the end of a read only, when Node asks for it. */
  private chooseBuffer(isLarge: boolean): void {
    const { current, isFull, isSecure } = this;
    // A plain socket that is full goes on with the same one, as soon as it is free; TLS still brings something.
    const stays = current.isHeld
      ? isFull && !isSecure
      : isLarge === current.isLarge;
    if (stays) this.handedOn = this.filled = 0;
    else this.change(isLarge);
  }

  private change(isLarge: boolean): void {
    if (!this.current.isHeld) this.recycle(this.current);
    this.current = this.fresh(isLarge);
    this.handedOn = this.filled = 0;
    if (!isLarge) this.keepNoMore();
    else if (!this.keeps) this.keeps = mayKeep();
  }

  private keepNoMore(): void {
    if (this.keeps) keepNoMore();
    this.keeps = false;
  }

  private fresh(isLarge: boolean): LentBuffer {
    const buffer = isLarge
      ? lendBuffer(this.options.bulk.bytes)
      : (this.spare ?? Buffer.allocUnsafeSlow(SMALL_BYTES));
    if (!isLarge) this.spare = null;
    return new LentBuffer(buffer, this.options.headroom, this.freed);
  }

  /** What was written from it has left. */
  private readonly freed = (lent: LentBuffer): void => {
    this.pendingBytes -= lent.buffer.length;
    // The current one of a reader that is closed was held then; now it is given back, once.
    if (lent !== this.current || this.isClosed) this.recycle(lent);
    const { pendingBytes } = this.options.bulk;
    if (!this.isFull || this.pendingBytes >= pendingBytes) return;
    // That is where the next read would go.
    if (this.current.isHeld && !this.isSecure) return;
    this.isFull = false;
    if (this.canRead && !this.socket.destroyed) this.socket.resume();
  };

  private recycle({ buffer, isLarge }: LentBuffer): void {
    if (isLarge) giveBufferBack(buffer);
    else this.spare ??= buffer;
  }
}
