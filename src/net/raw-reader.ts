// Reads a socket, plain or TLS, into buffers that are used again and again: no allocation and no copy for what only
// passes through. A buffer is not read into while anybody holds a view of what is in it; that is the flow control.

import type net from "node:net";
import type { Duplex } from "node:stream";
import { BufferSupply } from "./buffer-supply.js";
import {
  LentBuffer,
  NO_LEASE,
  SMALL_BYTES,
  type Lease,
} from "./lent-buffer.js";
import type { Bulk } from "./read-buffers.js";
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
  private readonly supply: BufferSupply;
  /** the buffers that somebody holds and that count, and their bytes */
  private readonly pending = new Set<LentBuffer>();
  private pendingBytes = 0;
  /** letGo() was called, and is done when the read is over */
  private letsGo = false;
  private isHandingOn = false;
  private isInRead = false;
  /** it has to wait for whoever holds its buffers */
  private isFull = false;
  private isPaused = true;
  private isClosed = false;
  private unread: Buffer | null;
  private readonly readInto: TakenSocket["readInto"];

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
    { socket, isSecure, unread, readInto }: TakenSocket,
    first: Buffer,
    private readonly options: RawReaderOptions,
  ) {
    this.socket = socket;
    this.isSecure = isSecure;
    this.unread = unread;
    this.readInto = readInto;
    this.supply = new BufferSupply(first, options.bulk.bytes);
    this.current = this.fresh(false);
    // The first to hear of it: what was gathered comes before the end.
    socket.once("end", () => {
      this.handOn();
      this.finish();
    });
    socket.once("close", () => {
      this.isClosed = true;
      if (this.gathering !== undefined) this.finish();
      if (!this.current.isHeld) this.supply.giveBack(this.current);
      this.supply.keepNoMore();
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

  /** Whoever holds what was read so far may keep it: it holds up no more reading. That is one read's bytes at the most. */
  letGo(): void {
    this.letsGo = true;
    if (!this.isHandingOn && this.gathering === undefined) this.forget();
  }

  private forget(): void {
    this.letsGo = false;
    this.pending.clear();
    this.pendingBytes = 0;
    // At the end of a read Node asks anyway where the next one goes.
    if (this.current.isHeld && !this.isClosed && !this.isInRead) {
      this.change(false);
      this.readInto(this.room);
    }
    if (this.isFull) this.goOn();
  }

  private goOn(): void {
    this.isFull = false;
    if (this.canRead && !this.socket.destroyed) this.socket.resume();
  }

  // Read through a getter, so that the compiler does not take it for constant across a call.
  private get canRead(): boolean {
    return !this.isPaused && !this.isFull;
  }

  private get holdsEnough(): boolean {
    return this.pendingBytes >= this.options.bulk.pendingBytes;
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
      this.isInRead = true;
      this.finish();
      this.isInRead = false;
      // Without the right to keep it, a large buffer is for as long as it is filled.
      const mayKeep = this.supply.mayKeepLarge && !this.isSecure;
      const staysLarge = mayKeep && this.filled >= SMALL_BYTES;
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
    this.isHandingOn = true;
    lent.during(() => {
      this.options.onBytes(lent.view.subarray(handedOn, filled), lent);
    });
    this.isHandingOn = false;
    if (wasHeld || !lent.isHeld) return;
    this.pending.add(lent);
    this.pendingBytes += lent.buffer.length;
  }

  private finish(): void {
    clearImmediate(this.gathering);
    this.gathering = undefined;
    this.ahead = 0;
    this.options.onOver();
    this.isFull = this.holdsEnough;
    if (this.isFull) this.socket.pause();
    if (this.letsGo) this.forget();
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
    if (!this.current.isHeld) this.supply.giveBack(this.current);
    this.current = this.fresh(isLarge);
    this.handedOn = this.filled = 0;
  }

  private fresh(isLarge: boolean): LentBuffer {
    const buffer = this.supply.take(isLarge);
    return new LentBuffer(buffer, this.options.headroom, this.freed);
  }

  /** What was written from it has left. */
  private readonly freed = (lent: LentBuffer): void => {
    if (this.pending.delete(lent)) this.pendingBytes -= lent.buffer.length;
    // The current one of a reader that is closed was held then; now it is given back, once.
    if (lent !== this.current || this.isClosed) this.supply.giveBack(lent);
    if (!this.isFull || this.holdsEnough) return;
    // That is where the next read would go.
    if (this.current.isHeld && !this.isSecure) return;
    this.goOn();
  };
}
