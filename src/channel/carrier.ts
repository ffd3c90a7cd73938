// Channel frames over a duplex of bytes: reads them, writes them, and ends the duplex in good order or at once.
// Owns the duplex. Knows the form of frames, not when which of them may come.

import type { Duplex } from "node:stream";
import { messageOf, VnetError } from "../errors.js";
import {
  ChannelFrameReader,
  encodeChannelFrame,
  encodeChannelHeader,
  FrameType,
  type ChannelFrameSink,
} from "../wire/channel-frame.js";

export interface CarrierOptions extends ChannelFrameSink {
  duplex: Duplex;
  /** after sendData said false: more may be sent */
  onDrain: () => void;
  /** Once: the duplex is no more, or its peer broke the protocol. Not after end() or destroy(). */
  onLost: (reason: VnetError) => void;
}

const COPY_BYTES = 8 * 1024;

/** How long our last frame has to leave before the duplex is cut off. */
const LAST_WORDS_MS = 2_000;

export class Carrier {
  private state: "open" | "ending" | "over" = "open";
  private readonly duplex: Duplex;
  private readonly reader: ChannelFrameReader;
  private lastWords: NodeJS.Timeout | undefined;

  constructor(private readonly options: CarrierOptions) {
    this.duplex = options.duplex;
    this.reader = new ChannelFrameReader(options);
    const { duplex } = this;
    duplex.on("data", (chunk: Buffer) => {
      this.read(chunk);
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
    duplex.resume();
  }

  /** What is sent now waits until release(), to leave in one piece with what comes next. */
  hold(): void {
    this.duplex.cork();
  }

  release(): void {
    this.duplex.uncork();
  }

  send(type: FrameType, payload: Buffer | string = ""): void {
    if (this.state === "open")
      this.duplex.write(encodeChannelFrame(type, payload));
  }

  /** False: wait for onDrain before more is sent. */
  sendData(bytes: Buffer): boolean {
    const { duplex } = this;
    if (this.state !== "open") return true;
    const header = encodeChannelHeader(FrameType.data, bytes.length);
    // A small piece is copied, which costs less than a second write (and, with TLS, a second record).
    if (bytes.length <= COPY_BYTES) {
      duplex.write(Buffer.concat([header, bytes]));
      return !duplex.writableNeedDrain;
    }
    // A large one leaves with its header in one writev; nothing is copied.
    duplex.cork();
    duplex.write(header);
    duplex.write(bytes);
    duplex.uncork();
    return !duplex.writableNeedDrain;
  }

  pauseReading(): void {
    this.duplex.pause();
  }

  resumeReading(): void {
    this.duplex.resume();
  }

  /** What was sent still leaves; nothing more is read. Idempotent. */
  end(): void {
    if (this.state !== "open") return;
    this.state = "ending";
    // A held duplex would not end.
    this.duplex.uncork();
    this.duplex.end();
    this.lastWords = setTimeout(() => {
      this.duplex.destroy();
    }, LAST_WORDS_MS);
    // What still comes is of no interest, but has to be read for the end to be seen.
    this.duplex.resume();
  }

  /** At once. Idempotent. */
  destroy(): void {
    this.state = "over";
    clearTimeout(this.lastWords);
    this.duplex.destroy();
  }

  private read(chunk: Buffer): void {
    if (this.state !== "open") return;
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
