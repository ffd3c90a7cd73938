// A channel: frames over any duplex of bytes between two nodes, carrying one stream at a time, used again and again.
// One side opens streams (the opener), the other accepts them. It never looks at user bytes.
//
//   idle ──open/OPEN──→ busy ──both FINs──→ idle …        RESET, an error or the duplex's end: closed, for good

import { EventEmitter } from "node:events";
import { performance } from "node:perf_hooks";
import type { Duplex } from "node:stream";
import { VnetError } from "../errors.js";
import type { Lease } from "../net/lent-buffer.js";
import { FrameType } from "../wire/channel-frame.js";
import {
  decodeOpen,
  encodeOpen,
  type Open,
  type Wanted,
} from "../wire/open.js";
import { Carrier } from "./carrier.js";
import { Stream } from "./stream.js";
import { createTraffic, type Traffic } from "./traffic.js";

export type ChannelRole = "opener" | "acceptor";

export interface ChannelOptions {
  duplex: Duplex;
  role: ChannelRole;
  traffic: Traffic;
  /** Acceptor: a channel on which nothing came for this long while idle is closed. */
  idleTimeoutMs?: number;
}

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
  /** for the stream on it, nobody else */
  readonly carrier: Carrier;
  private probe: { payload: Buffer; answered: () => void } | undefined;
  private idleTimer: NodeJS.Timeout | undefined;
  /** in ms of performance.now() */
  readonly madeAt = performance.now();
  /** when a stream ended last, or the start; in ms of performance.now() */
  idleSince = performance.now();

  constructor(private readonly options: ChannelOptions) {
    super();
    this.carrier = new Carrier({
      duplex: options.duplex,
      onData: (bytes, lease) => {
        this.receiveData(bytes, lease);
      },
      onFrame: (type, payload) => {
        this.receiveFrame(type, payload);
      },
      onReadOver: () => this.stream?.readOver(),
      onDrain: () => this.stream?.channelDrained(),
      onLost: (reason) => {
        this.fail(reason);
      },
    });
    this.watchIdle();
  }

  get isIdle(): boolean {
    return this.state === "idle";
  }

  get isClosed(): boolean {
    return this.state === "closed";
  }

  /** What it has carried so far, both ways. */
  get bytes(): number {
    return this.carrier.bytes;
  }

  /** What was sent has not left yet: a slow reader is to take the last stream's bytes. */
  get hasUnsent(): boolean {
    return this.carrier.hasUnsent;
  }

  /** To be called once in a while: a proxy on the way is not to take it for dead, idle or busy. */
  beat(): void {
    this.carrier.beat();
  }

  /**
   * Begins a stream to what is wanted of the other node; bytes may follow at once. The OPEN frame is held for a moment, so
   * that the user's first bytes can leave together with it. `from`: the user's address, for the provider to tell its
   * service; empty: there is none.
   */
  open(wanted: Wanted, from = ""): Stream {
    if (this.state !== "idle") throw new Error("the channel is not idle");
    this.state = "busy";
    this.carrier.sendHeld(FrameType.open, encodeOpen({ wanted, from }));
    const stream = this.begin({ wanted, from });
    // The first turn of the event loop registers the accepted socket, the second one reads what it already has.
    setImmediate(() =>
      setImmediate(() => {
        this.carrier.release();
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
      const stop = () => {
        clearTimeout(timer);
        this.off("close", closed);
        this.probe = undefined;
      };
      const closed = (reason: VnetError) => {
        stop();
        reject(reason);
      };
      const timer = setTimeout(() => {
        const text = `no answer within ${timeoutMs / 1000} s`;
        closed(new VnetError("timeout", text));
      }, timeoutMs);
      this.once("close", closed);
      this.probe = {
        payload,
        answered: () => {
          stop();
          resolve(performance.now() - sentAt);
        },
      };
      this.carrier.send(FrameType.ping, payload);
    });
  }

  /** Cuts the channel off; a stream on it is reset at both ends. Idempotent. */
  destroy(
    reason: VnetError = new VnetError("closed", "the channel is closed"),
  ): void {
    this.carrier.destroy();
    this.fail(reason);
  }

  /** Closes an idle channel in good order. Idempotent. */
  close(): void {
    this.carrier.end();
    this.fail(new VnetError("closed", "the channel is closed"));
  }

  // For the stream on it, nobody else: -----------------------------------------------------------------------------

  /** The stream ended in good order: both sides have sent all they will. */
  streamEnded(stream: Stream): void {
    if (this.stream !== stream || this.state !== "busy") return;
    this.stream = undefined;
    this.state = "idle";
    this.idleSince = performance.now();
    this.watchIdle();
    this.carrier.startAfresh();
    this.emit("idle");
  }

  /** The stream broke on this side: the other side is told, behind what was sent before. */
  streamReset(reason: string): void {
    if (this.state === "closed") return;
    this.carrier.send(FrameType.reset, reason);
    this.carrier.end();
    this.fail(new VnetError("closed", reason));
  }

  // ----------------------------------------------------------------------------------------------------------------

  private watchIdle(): void {
    const { idleTimeoutMs } = this.options;
    clearTimeout(this.idleTimer);
    if (idleTimeoutMs === undefined || this.state !== "idle") return;
    this.idleTimer = setTimeout(() => {
      if (this.hasUnsent) this.watchIdle();
      else this.close();
    }, idleTimeoutMs);
  }

  private begin(open: Open): Stream {
    const { role } = this.options;
    // A lease is nobody's connection: nobody counts it, and nobody waits for its end.
    const isUsers = !("lend" in open.wanted);
    const traffic = isUsers ? this.options.traffic : createTraffic();
    this.stream = new Stream(this, { ...open, role, traffic });
    return this.stream;
  }

  private fail(reason: VnetError): void {
    if (this.state === "closed") return;
    this.state = "closed";
    clearTimeout(this.idleTimer);
    const { stream } = this;
    this.stream = undefined;
    stream?.channelClosed(reason);
    this.emit("close", reason);
  }

  private receiveData(bytes: Buffer, lease: Lease): void {
    if (this.state === "closed") return;
    if (this.stream === undefined)
      throw new VnetError("protocol", "data outside of a stream");
    this.stream.receive(bytes, lease);
  }

  private receiveFrame(type: FrameType, payload: Buffer): void {
    if (this.state === "closed") return;
    switch (type) {
      case FrameType.open:
        this.opened(payload);
        return;
      case FrameType.ping:
        if (this.state !== "idle") break;
        this.watchIdle();
        this.carrier.send(FrameType.pong, payload);
        return;
      case FrameType.pong:
        if (this.probe?.payload.equals(payload) === true) this.probe.answered();
        return;
      case FrameType.reset:
        this.destroy(new VnetError("closed", payload.toString() || "reset"));
        return;
      default:
        if (this.stream === undefined) break;
        this.stream.receiveFrame(type, payload);
        return;
    }
    throw new VnetError("protocol", `channel frame ${type} out of turn`);
  }

  private opened(payload: Buffer): void {
    if (this.options.role !== "acceptor" || this.state !== "idle")
      throw new VnetError("protocol", "a stream was opened out of turn");
    const open = decodeOpen(payload);
    this.state = "busy";
    clearTimeout(this.idleTimer);
    // Until the service is connected there is nowhere to put the user's bytes.
    this.carrier.pauseReading();
    this.emit("stream", this.begin(open));
  }
}
