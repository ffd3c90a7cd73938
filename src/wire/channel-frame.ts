// Frames inside a channel, between two nodes: one byte of type, three of length (big-endian), then the payload.
// The reader hands payload on as it arrives and collects only the small frames. No sockets here.

import { VnetError } from "../errors.js";

export const FrameType = {
  /** opener: JSON {serveid}: begins a stream; its DATA may follow at once */
  open: 1,
  /** acceptor: the service is connected */
  accept: 2,
  /** acceptor: UTF-8 reason; ends the stream in both directions, the channel stays */
  refuse: 3,
  /** user bytes */
  data: 4,
  /** no more bytes from this side (TCP's FIN) */
  fin: 5,
  /** UTF-8 reason; the stream broke (TCP's RST); the channel ends with it */
  reset: 6,
  /** 8 bytes that come back in `pong`; between streams only */
  ping: 7,
  pong: 8,
} as const;

export type FrameType = (typeof FrameType)[keyof typeof FrameType];

/** Frames before the first stream, once in each direction and in this order. */
export const GreetingType = {
  /** what the node's build can speak, see channel-hello.ts */
  hello: 9,
  /** encrypted channels: 32 bytes that only the owner of the node's key can make */
  proof: 10,
} as const;

export type GreetingType = (typeof GreetingType)[keyof typeof GreetingType];

export const CHANNEL_HEADER_BYTES = 4;
export const MAX_DATA_BYTES = 0xffffff;
/** The cap of every frame but `data`. */
export const MAX_SMALL_BYTES = 4096;

const LAST_TYPE = FrameType.pong;

/** From here on a type that the reader does not know is skipped: a newer build may say more. */
const FIRST_OPTIONAL_TYPE = 0x80;

export function encodeChannelHeader(
  type: FrameType | GreetingType,
  bytes: number,
): Buffer {
  const header = Buffer.allocUnsafe(CHANNEL_HEADER_BYTES);
  writeChannelHeader(header, type, bytes);
  return header;
}

/** Into the first bytes of `frame`. */
export function writeChannelHeader(
  frame: Buffer,
  type: FrameType | GreetingType,
  bytes: number,
): void {
  frame.writeUInt32BE(((type << 24) | bytes) >>> 0);
}

export function readChannelHeader(header: Buffer): {
  type: number;
  bytes: number;
} {
  return { type: header.readUInt8(), bytes: header.readUIntBE(1, 3) };
}

/** A whole frame; for the small ones, whose payload is cut at MAX_SMALL_BYTES. */
export function encodeChannelFrame(
  type: FrameType | GreetingType,
  payload: Buffer | string = "",
): Buffer {
  const whole = typeof payload === "string" ? Buffer.from(payload) : payload;
  const body = whole.subarray(0, MAX_SMALL_BYTES);
  return Buffer.concat([encodeChannelHeader(type, body.length), body]);
}

export interface ChannelFrameSink {
  /** A piece of a DATA frame, as it arrived: a view into the pushed chunk. */
  onData(bytes: Buffer): void;
  /** Any other frame, complete. */
  onFrame(type: Exclude<FrameType, 4>, payload: Buffer): void;
}

/** Incremental reader: states are "in a header", "in data" and "in a small frame". */
export class ChannelFrameReader {
  private header = 0;
  private headerBytes = 0;
  private type = 0;
  private left = 0;
  private small: Buffer[] = [];

  private get isOptional(): boolean {
    return this.type >= FIRST_OPTIONAL_TYPE;
  }

  constructor(private readonly sink: ChannelFrameSink) {}

  /** Throws VnetError `protocol`. The sink may be called several times, in the order of the bytes. */
  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.headerBytes < CHANNEL_HEADER_BYTES) {
        this.header = (this.header << 8) | (chunk[at++] ?? 0);
        if (++this.headerBytes === CHANNEL_HEADER_BYTES) this.begin();
        continue;
      }
      const piece = chunk.subarray(at, at + this.left);
      at += piece.length;
      this.left -= piece.length;
      if (this.type === FrameType.data) {
        if (this.left === 0) this.headerBytes = 0;
        this.sink.onData(piece);
      } else if (this.isOptional) {
        if (this.left === 0) this.headerBytes = 0;
      } else {
        // The chunk is the caller's, who may read over it once it is pushed.
        this.small.push(this.left > 0 ? Buffer.from(piece) : piece);
        if (this.left === 0) this.finishSmall();
      }
    }
  }

  private begin(): void {
    this.type = this.header >>> 24;
    this.left = this.header & 0xffffff;
    this.header = 0;
    if (!this.isOptional && (this.type < 1 || this.type > LAST_TYPE))
      throw new VnetError("protocol", `unknown channel frame ${this.type}`);
    if (this.type === FrameType.data) {
      if (this.left === 0) this.headerBytes = 0;
      return;
    }
    if (this.left > MAX_SMALL_BYTES)
      throw new VnetError(
        "protocol",
        `a channel frame of type ${this.type} with ${this.left} bytes is over the limit`,
      );
    if (this.left > 0) return;
    if (this.isOptional) this.headerBytes = 0;
    else this.finishSmall();
  }

  private finishSmall(): void {
    const payload = Buffer.concat(this.small);
    this.small = [];
    this.headerBytes = 0;
    this.sink.onFrame(this.type as Exclude<FrameType, 4>, payload);
  }
}
