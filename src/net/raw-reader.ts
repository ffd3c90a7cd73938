// Reads a plain socket into buffers of our own, used again and again: no allocation and no copy for what only passes
// through. Node offers that (`onread`, see net.Socket) for sockets that it makes, not for those that a server accepted,
// so a socket's handle is put into a new net.Socket here. This is the only file that touches a handle.

import net from "node:net";
import type { Duplex } from "node:stream";
import tls from "node:tls";
import { giveBufferBack, lendBuffer, type Bulk } from "./read-buffers.js";

/** Enough for a request or an answer of every day; what fills it is bulk. */
const SMALL_BYTES = 4 * 1024;

/** After so many reads in a row that would have fitted the small buffer the large one goes back. */
const SHORT_READS = 2;

/** Says for how long a view of a read buffer is needed: until each hold() has its release(). */
export interface Lease {
  hold(): void;
  release(): void;
}

export interface RawReaderOptions {
  /** free bytes in front of each view, in the same memory, for a header */
  headroom: number;
  bulk: Bulk;
  /** The view may be used until this returns, and longer by the lease. */
  onBytes: (view: Buffer, lease: Lease) => void;
}

type Handle = object & { useUserBuffer?: unknown };
type WithHandle = net.Socket & { _handle: Handle | null };

export class RawReader {
  /**
   * To be written to, ended and listened to in place of the one that was taken over; never to be paused or resumed, which
   * is the reader's to do.
   */
  readonly socket: net.Socket;
  /** read into now, or next */
  private current: Lent;
  /** a small one that nobody holds */
  private spare: Buffer | null = null;
  private pending = 0;
  private shortReads = 0;
  /** the buffer that would be read into next waits to be written */
  private isFull = false;
  private isPaused = true;
  private isClosed = false;
  private unread: Buffer | null;

  /**
   * Takes a socket over, with what was read of it and not consumed; paused. Null: this duplex cannot be read so (TLS,
   * a program, memory, something still to be written), and nothing has happened to it.
   */
  static takeOver(duplex: Duplex, options: RawReaderOptions): RawReader | null {
    if (!(duplex instanceof net.Socket) || duplex instanceof tls.TLSSocket)
      return null;
    const old = duplex as WithHandle;
    const isRaw =
      typeof old._handle?.useUserBuffer === "function" &&
      !(old.destroyed || old.connecting || old.writableEnded) &&
      !old.readableEnded &&
      old.writableLength === 0;
    return isRaw ? new RawReader(old, options) : null;
  }

  private constructor(
    old: WithHandle,
    private readonly options: RawReaderOptions,
  ) {
    this.current = this.fresh(false);
    old.pause();
    // All of it: without a number newer Nodes give one chunk at a time.
    const { readableLength } = old;
    this.unread = (
      readableLength > 0 ? old.read(readableLength) : null
    ) as Buffer | null;
    const handle = old._handle;
    // The old one's end must not close the handle, which is not its own any more.
    old._handle = null;
    old.destroy();
    this.socket = new net.Socket({
      handle,
      allowHalfOpen: true,
      pauseOnCreate: true,
      onread: {
        buffer: () => this.current.view,
        callback: (bytes: number) => this.read(bytes),
      },
    } as net.SocketConstructorOpts);
    this.socket.once("close", () => {
      this.isClosed = true;
      if (!this.isFull) this.recycle(this.current);
    });
  }

  pause(): void {
    this.isPaused = true;
    this.socket.pause();
  }

  resume(): void {
    if (!this.isPaused) return;
    this.isPaused = false;
    const { unread } = this;
    this.unread = null;
    if (unread !== null) this.deliver(unread);
    // Whoever got that may have seen enough.
    if (this.canRead) this.socket.resume();
  }

  // Read through a getter, so that the compiler does not take it for constant across a call.
  private get canRead(): boolean {
    return !this.isPaused && !this.isFull;
  }

  /** What was read before, by somebody else: into a buffer with room in front. */
  private deliver(bytes: Buffer): void {
    const { headroom, onBytes } = this.options;
    const copy = Buffer.allocUnsafeSlow(headroom + bytes.length);
    bytes.copy(copy, headroom);
    onBytes(copy.subarray(headroom), NO_LEASE);
  }

  /** False: no more reading for now. */
  private read(bytes: number): boolean {
    const lent = this.current;
    // What is in it now is lost, and whoever is to write it writes something else: somebody resumed the bare socket.
    if (this.isFull) throw new Error("a held buffer was read into");
    lent.hold();
    this.options.onBytes(lent.view.subarray(0, bytes), lent);
    const wantsLarge = this.wantsLarge(bytes, lent);
    if (lent.releaseAtOnce()) {
      if (wantsLarge !== lent.isLarge) {
        this.recycle(lent);
        this.current = this.fresh(wantsLarge);
      }
      return this.canRead;
    }
    this.pending++;
    if (this.pending < this.options.bulk.pendingMax)
      this.current = this.fresh(wantsLarge);
    else this.isFull = true;
    return this.canRead;
  }

  private wantsLarge(bytes: number, lent: Lent): boolean {
    if (!lent.isLarge) return bytes === lent.view.length;
    this.shortReads = bytes < SMALL_BYTES ? this.shortReads + 1 : 0;
    return this.shortReads < SHORT_READS;
  }

  private fresh(isLarge: boolean): Lent {
    const buffer = isLarge
      ? lendBuffer(this.options.bulk.bytes)
      : (this.spare ?? Buffer.allocUnsafeSlow(SMALL_BYTES));
    if (!isLarge) {
      this.spare = null;
      this.shortReads = 0;
    }
    return new Lent(buffer, this.options.headroom, this.freed);
  }

  /** What was written from it has left. */
  private readonly freed = (lent: Lent): void => {
    this.pending--;
    if (lent !== this.current) {
      this.recycle(lent);
      return;
    }
    this.isFull = false;
    // Given back once: here when the close was before, else there.
    if (this.isClosed) this.recycle(lent);
    else if (this.canRead && !this.socket.destroyed) this.socket.resume();
  };

  private recycle({ buffer, isLarge }: Lent): void {
    if (isLarge) giveBufferBack(buffer);
    else this.spare = buffer;
  }
}

/** A buffer, and how many still need what is in it. */
class Lent implements Lease {
  readonly view: Buffer;
  private holders = 0;

  constructor(
    readonly buffer: Buffer,
    headroom: number,
    private readonly onFree: (lent: Lent) => void,
  ) {
    this.view = buffer.subarray(headroom);
  }

  get isLarge(): boolean {
    return this.buffer.length > SMALL_BYTES;
  }

  hold(): void {
    this.holders++;
  }

  release(): void {
    if (--this.holders === 0) this.onFree(this);
  }

  /** The reader's own hold, which nobody has to be told of. True: nobody else has one. */
  releaseAtOnce(): boolean {
    return --this.holders === 0;
  }
}

/** Of bytes that nobody reads over. */
export const NO_LEASE: Lease = {
  hold: () => undefined,
  release: () => undefined,
};
