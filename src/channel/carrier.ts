// Channel frames over a duplex of bytes: reads them, writes them, and ends the duplex in good order or at once.
// Owns the duplex. Knows the form of frames, not when which of them may come.

import type { Duplex } from "node:stream";
import { messageOf, VnetError } from "../errors.js";
import { LentWriter } from "../net/lent-writer.js";
import { NO_LEASE, type Lease } from "../net/lent-buffer.js";
import { RawReader } from "../net/raw-reader.js";
import { STRAIGHT, THROUGH_TLS, type Bulk } from "../net/read-buffers.js";
import {
  CHANNEL_HEADER_BYTES,
  ChannelFrameReader,
  encodeChannelFrame,
  encodeChannelHeader,
  FrameType,
  writeChannelHeader,
  type ChannelFrameSink,
} from "../wire/channel-frame.js";

export interface CarrierOptions extends Pick<ChannelFrameSink, "onFrame"> {
  duplex: Duplex;
  /** As ChannelFrameSink's, with the lease of what was read. */
  onData: (bytes: Buffer, lease: Lease) => void;
  /** All that one read brought has been handed on. */
  onReadOver: () => void;
  /** after sendData said false: more may be sent */
  onDrain: () => void;
  /** Once: the duplex is no more, or its peer broke the protocol. Not after end() or destroy(). */
  onLost: (reason: VnetError) => void;
}

/** Room for a header in front of what sendLent() sends. */
export const CARRIER_HEADROOM = CHANNEL_HEADER_BYTES;

const COPY_BYTES = 8 * 1024;

/** Far more than the bytes of one stream that may be on their way. */
const MAX_QUEUED_BYTES = 1024 * 1024;

/** Long enough for the answer of a service that is near, too short to be noticed. */
const SOON_MS = 1;

/** After so many beats without a word of ours a sign of life is sent. */
const SILENT_BEATS = 3;

/** How long our last frame has to leave before the duplex is cut off. */
const LAST_WORDS_MS = 2_000;

export class Carrier {
  private state: "open" | "ending" | "over" = "open";
  private readonly duplex: Duplex;
  /** null: the duplex cannot be read into our own buffers */
  private readonly raw: RawReader | null;
  private readonly writer: LentWriter;
  /** of the bytes that are being read */
  private lease: Lease = NO_LEASE;
  private readonly reader: ChannelFrameReader;
  private isHolding = false;
  /** of user bytes and frames, both ways, so far */
  bytes = 0;
  /** how many beats passed since something was sent */
  private silentBeats = 0;
  private lastWords: NodeJS.Timeout | undefined;

  constructor(private readonly options: CarrierOptions) {
    this.reader = new ChannelFrameReader({
      onData: (bytes) => {
        options.onData(bytes, this.lease);
      },
      onFrame: options.onFrame,
    });
    this.raw = RawReader.takeOver(options.duplex, {
      headroom: 0,
      bulk: STRAIGHT,
      onBytes: (view, lease) => {
        this.lease = lease;
        this.read(view);
        this.lease = NO_LEASE;
      },
      onOver: options.onReadOver,
    });
    this.duplex = this.raw?.socket ?? options.duplex;
    const { duplex } = this;
    this.writer = new LentWriter(duplex);
    if (this.raw === null)
      duplex.on("data", (chunk: Buffer) => {
        this.read(chunk);
        options.onReadOver();
      });
    duplex.on("drain", options.onDrain);
    duplex.on("end", () => {
      this.lose(new VnetError("closed", "the channel was closed"));
    });
    duplex.on("error", (cause) => {
      const text = `the channel broke: ${messageOf(cause)}`;
      this.lose(new VnetError("closed", text, { cause }));
    });
    duplex.on("close", () => {
      clearTimeout(this.lastWords);
      this.lose(new VnetError("closed", "the channel was closed"));
    });
    this.resumeReading();
  }

  /** How whatever is sent through it is best read. */
  get bulk(): Bulk {
    return this.raw?.isSecure === false ? STRAIGHT : THROUGH_TLS;
  }

  /** Leaves in one piece with what is sent next, or at release(). */
  sendHeld(type: FrameType, payload: Buffer | string = ""): void {
    if (this.state !== "open") return;
    if (!this.isHolding) this.duplex.cork();
    this.isHolding = true;
    this.silentBeats = 0;
    this.duplex.write(encodeChannelFrame(type, payload));
  }

  /** The same, for a moment at the most. */
  sendSoon(type: FrameType, payload: string): void {
    this.sendHeld(type, payload);
    setTimeout(() => {
      this.release();
    }, SOON_MS);
  }

  release(): void {
    if (!this.isHolding) return;
    this.isHolding = false;
    this.duplex.uncork();
  }

  send(type: FrameType, payload: Buffer | string = ""): void {
    const { duplex } = this;
    if (this.state !== "open") return;
    this.silentBeats = 0;
    duplex.write(encodeChannelFrame(type, payload));
    this.release();
    // User bytes wait for their turn; who asks again and again and does not read the answers would fill the memory.
    if (duplex.writableLength > MAX_QUEUED_BYTES)
      duplex.destroy(new Error("the other node does not read"));
  }

  /**
   * A while has passed. Proxies on the way forget connections that are silent for long, so one that has nothing to say
   * says that: a PONG that nobody waits for, which is allowed at any time, also behind a FIN.
   */
  beat(): void {
    this.silentBeats++;
    // What waits to be sent is a sign of life, once it leaves.
    if (this.silentBeats >= SILENT_BEATS && !this.hasUnsent)
      this.send(FrameType.pong);
  }

  /** Something that was sent has not left yet. */
  get hasUnsent(): boolean {
    return this.duplex.writableLength > 0;
  }

  /** What was read so far is another matter than what comes: whoever still holds some of it holds up nobody. */
  startAfresh(): void {
    this.raw?.letGo();
    this.resumeReading();
  }

  /** False: wait for onDrain before more is sent. */
  sendData(bytes: Buffer): boolean {
    const { duplex } = this;
    if (this.state !== "open") return true;
    this.silentBeats = 0;
    this.bytes += bytes.length;
    const header = encodeChannelHeader(FrameType.data, bytes.length);
    // A small piece is copied, which costs less than a second write (and, with TLS, a second record).
    if (bytes.length <= COPY_BYTES) {
      duplex.write(Buffer.concat([header, bytes]));
      this.release();
      return !duplex.writableNeedDrain;
    }
    // A large one leaves with its header in one writev; nothing is copied.
    duplex.cork();
    duplex.write(header);
    duplex.write(bytes);
    duplex.uncork();
    this.release();
    return !duplex.writableNeedDrain;
  }

  /** A view with CARRIER_HEADROOM free bytes in front of it, to leave with flush(). Its lease is kept until it has left. */
  sendLent(view: Buffer, lease: Lease): void {
    if (this.state !== "open") return;
    this.silentBeats = 0;
    const { buffer, byteOffset, length } = view;
    this.bytes += length;
    const from = byteOffset - CARRIER_HEADROOM;
    const frame = Buffer.from(buffer, from, CARRIER_HEADROOM + length);
    writeChannelHeader(frame, FrameType.data, length);
    this.writer.write(frame, lease);
    this.release();
  }

  flush(): void {
    this.writer.flush();
  }

  pauseReading(): void {
    (this.raw ?? this.duplex).pause();
  }

  resumeReading(): void {
    (this.raw ?? this.duplex).resume();
  }

  /** What was sent still leaves; nothing more is read. Idempotent. */
  end(): void {
    if (this.state !== "open") return;
    this.state = "ending";
    // A held duplex would not end.
    this.release();
    this.duplex.end();
    this.lastWords = setTimeout(() => {
      this.duplex.destroy();
    }, LAST_WORDS_MS);
    // What still comes is of no interest, but has to be read for the end to be seen.
    this.resumeReading();
  }

  /** At once. Idempotent. */
  destroy(): void {
    this.state = "over";
    clearTimeout(this.lastWords);
    this.duplex.destroy();
  }

  private read(chunk: Buffer): void {
    if (this.state !== "open") return;
    this.bytes += chunk.length;
    try {
      this.reader.push(chunk);
    } catch (error) {
      if (!(error instanceof VnetError) || error.code !== "protocol")
        throw error;
      this.lose(error);
    }
  }

  private lose(reason: VnetError): void {
    const wasOpen = this.state === "open";
    if (this.state === "over") return;
    this.destroy();
    if (wasOpen) this.options.onLost(reason);
  }
}
