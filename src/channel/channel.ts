// A channel: frames over any duplex of bytes between two nodes, carrying one stream at a time, used again and again.
// Owns the duplex. One side opens streams (the opener), the other accepts them; it never looks at user bytes.
//
//   idle ──open/OPEN──→ busy ──both FINs──→ idle …        RESET, an error or the duplex's end: closed, for good

import { EventEmitter } from "node:events";
import { performance } from "node:perf_hooks";
import type { Duplex } from "node:stream";
import { messageOf, VnetError } from "../errors.js";
import {
  ChannelFrameReader,
  encodeChannelFrame,
  encodeChannelHeader,
  FrameType,
} from "../wire/channel-frame.js";
import { Stream } from "./stream.js";
import type { Traffic } from "./traffic.js";

export type ChannelRole = "opener" | "acceptor";

export interface ChannelOptions {
  duplex: Duplex;
  role: ChannelRole;
  traffic: Traffic;
  /** Acceptor: a channel on which nothing came for this long while idle is closed. */
  idleTimeoutMs?: number;
}

/** How long our last frame has to leave before the duplex is cut off. */
const LAST_WORDS_MS = 2_000;

/**
 * Events: `idle` when a stream ended and the next one may begin; `stream` (acceptor) when the other side opened
 * one: answer it with stream.accept or stream.refuse; `close` once.
 */
export class Channel extends EventEmitter<{
  idle: [];
  stream: [Stream];
  close: [VnetError];
}> {
  private state: "idle" | "busy" | "closed" = "idle";
  private stream: Stream | undefined;
  private readonly duplex: Duplex;
  private readonly reader: ChannelFrameReader;
  private probe: { payload: Buffer; answered: () => void } | undefined;
  private lastWords: NodeJS.Timeout | undefined;
  private idleTimer: NodeJS.Timeout | undefined;
  /** when a stream ended last, or the start; in ms of performance.now() */
  idleSince = performance.now();

  constructor(private readonly options: ChannelOptions) {
    super();
    this.duplex = options.duplex;
    this.reader = new ChannelFrameReader({
      onData: (bytes) => {
        this.data(bytes);
      },
      onFrame: (type, payload) => {
        this.frame(type, payload);
      },
    });
    const { duplex } = this;
    duplex.on("data", (chunk: Buffer) => {
      this.read(chunk);
    });
    duplex.on("drain", () => this.stream?.channelDrained());
    duplex.on("end", () => {
      this.fail(new VnetError("closed", "the channel was closed"));
    });
    duplex.on("error", (cause) => {
      this.fail(
        new VnetError("closed", `the channel broke: ${messageOf(cause)}`, {
          cause,
        }),
      );
    });
    duplex.on("close", () => {
      clearTimeout(this.lastWords);
      this.fail(new VnetError("closed", "the channel was closed"));
    });
    duplex.resume();
    this.watchIdle();
  }

  get isIdle(): boolean {
    return this.state === "idle";
  }

  get isClosed(): boolean {
    return this.state === "closed";
  }

  /**
   * Begins a stream to a serve of the other node; bytes may follow at once. The OPEN frame is held for a moment, so
   * that the user's first bytes can leave together with it.
   */
  open(serveid: number): Stream {
    if (this.state !== "idle") throw new Error("the channel is not idle");
    this.state = "busy";
    this.duplex.cork();
    this.duplex.write(
      encodeChannelFrame(FrameType.open, JSON.stringify({ serveid })),
    );
    const stream = this.begin(serveid);
    // The first turn of the event loop registers the accepted socket, the second one reads what it already has.
    setImmediate(() =>
      setImmediate(() => {
        this.duplex.uncork();
      }),
    );
    return stream;
  }

  /** One round trip between the two nodes, in ms. Only between streams. Rejects with VnetError. */
  ping(timeoutMs: number): Promise<number> {
    return new Promise((resolve, reject) => {
      if (!this.isIdle || this.probe !== undefined) {
        reject(new VnetError("closed", "the channel is in use"));
        return;
      }
      const sentAt = performance.now();
      const payload = Buffer.alloc(8);
      payload.writeDoubleBE(sentAt);
      const timer = setTimeout(() => {
        stop();
        reject(
          new VnetError("timeout", `no answer within ${timeoutMs / 1000} s`),
        );
      }, timeoutMs);
      const closed = (reason: VnetError) => {
        stop();
        reject(reason);
      };
      const stop = () => {
        clearTimeout(timer);
        this.off("close", closed);
        this.probe = undefined;
      };
      this.once("close", closed);
      this.probe = {
        payload,
        answered: () => {
          stop();
          resolve(performance.now() - sentAt);
        },
      };
      this.duplex.write(encodeChannelFrame(FrameType.ping, payload));
    });
  }

  /** Cuts the channel off; a stream on it is reset at both ends. Idempotent. */
  destroy(
    reason: VnetError = new VnetError("closed", "the channel is closed"),
  ): void {
    this.duplex.destroy();
    this.fail(reason);
  }

  /** Closes an idle channel in good order. Idempotent. */
  close(): void {
    this.leave(new VnetError("closed", "the channel is closed"));
  }

  // For the stream on it, nobody else: -----------------------------------------------------------------------------

  /** False: wait for channelDrained before more is sent. */
  sendData(bytes: Buffer): boolean {
    const { duplex } = this;
    if (this.state === "closed") return true;
    duplex.cork();
    duplex.write(encodeChannelHeader(FrameType.data, bytes.length));
    duplex.write(bytes);
    duplex.uncork();
    return !duplex.writableNeedDrain;
  }

  send(type: FrameType, payload = ""): void {
    if (this.state === "closed") return;
    this.duplex.write(encodeChannelFrame(type, payload));
  }

  pauseReading(): void {
    this.duplex.pause();
  }

  resumeReading(): void {
    this.duplex.resume();
  }

  /** The stream ended in good order: both sides have sent all they will. */
  streamEnded(stream: Stream): void {
    if (this.stream !== stream) return;
    this.stream = undefined;
    if (this.state !== "busy") return;
    this.state = "idle";
    this.idleSince = performance.now();
    this.watchIdle();
    this.duplex.resume();
    this.emit("idle");
  }

  /** The stream broke on this side: the other side is told, behind what was sent before. */
  streamReset(reason: string): void {
    if (this.state === "closed") return;
    this.send(FrameType.reset, reason);
    this.leave(new VnetError("closed", reason));
  }

  // ----------------------------------------------------------------------------------------------------------------

  private watchIdle(): void {
    const { idleTimeoutMs } = this.options;
    clearTimeout(this.idleTimer);
    if (idleTimeoutMs === undefined || this.state !== "idle") return;
    this.idleTimer = setTimeout(() => {
      this.close();
    }, idleTimeoutMs);
  }

  private begin(serveid: number): Stream {
    this.stream = new Stream(this, {
      serveid,
      role: this.options.role,
      traffic: this.options.traffic,
    });
    return this.stream;
  }

  private leave(reason: VnetError): void {
    if (this.state === "closed") return;
    // A corked duplex (a stream reset in the very moment of its opening) would not end.
    this.duplex.uncork();
    this.duplex.end();
    this.lastWords = setTimeout(() => {
      this.duplex.destroy();
    }, LAST_WORDS_MS);
    this.fail(reason);
    // What still comes is of no interest, but has to be read for the end to be seen.
    this.duplex.resume();
  }

  private fail(reason: VnetError): void {
    if (this.state === "closed") return;
    this.state = "closed";
    clearTimeout(this.idleTimer);
    const { stream } = this;
    this.stream = undefined;
    if (this.lastWords === undefined) this.duplex.destroy();
    stream?.channelClosed(reason);
    this.emit("close", reason);
  }

  private read(chunk: Buffer): void {
    if (this.state === "closed") return;
    try {
      this.reader.push(chunk);
    } catch (error) {
      if (!(error instanceof VnetError) || error.code !== "protocol")
        throw error;
      this.destroy(error);
    }
  }

  private data(bytes: Buffer): void {
    if (this.state === "closed") return;
    if (this.stream === undefined)
      throw new VnetError("protocol", "data outside of a stream");
    this.stream.receive(bytes);
  }

  private frame(type: FrameType, payload: Buffer): void {
    if (this.state === "closed") return;
    const { stream } = this;
    switch (type) {
      case FrameType.open:
        this.opened(payload);
        return;
      case FrameType.ping:
        if (this.state !== "idle") break;
        this.watchIdle();
        this.duplex.write(encodeChannelFrame(FrameType.pong, payload));
        return;
      case FrameType.pong:
        if (this.probe?.payload.equals(payload) !== true) return;
        this.probe.answered();
        return;
      case FrameType.reset:
        this.destroy(new VnetError("closed", payload.toString() || "reset"));
        return;
      default:
        if (stream === undefined) break;
        stream.receiveFrame(type, payload);
        return;
    }
    throw new VnetError("protocol", `channel frame ${type} out of turn`);
  }

  private opened(payload: Buffer): void {
    if (this.options.role !== "acceptor" || this.state !== "idle")
      throw new VnetError("protocol", "a stream was opened out of turn");
    const serveid = decodeOpen(payload);
    this.state = "busy";
    clearTimeout(this.idleTimer);
    // Until the service is connected there is nowhere to put the user's bytes.
    this.duplex.pause();
    this.emit("stream", this.begin(serveid));
  }
}

function decodeOpen(payload: Buffer): number {
  try {
    const { serveid } = JSON.parse(payload.toString()) as {
      serveid?: unknown;
    };
    if (Number.isInteger(serveid)) return serveid as number;
  } catch {
    // falls through to the one error
  }
  throw new VnetError("protocol", "a malformed OPEN");
}
