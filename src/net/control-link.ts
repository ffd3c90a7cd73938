// One end of a control link: framed messages both ways over a duplex of bytes, heartbeats, and an orderly close.
// Owns the duplex. Knows message shapes only through the decoder that it is given; never what they mean.

import { EventEmitter } from "node:events";
import type { Duplex } from "node:stream";
import { VnetError } from "../errors.js";
import { encodeFrame, FrameDecoder, MAX_FRAME_BYTES } from "../wire/frame.js";
import { networkReason } from "./address.js";
import { Allowance } from "./allowance.js";
import { Heart, type Heartbeat } from "./heartbeat.js";
import { Outbox } from "./outbox.js";
import { Probes } from "./probes.js";

/** Who does not read what we say is not read either, so that its questions make no answers that wait. */
const MAX_UNREAD_BYTES = 64 * 1024;

/** How long the other side has to take our last words. */
const CLOSE_TIMEOUT_MS = 1_000;

type Probe = { type: "ping" | "pong"; request: number };
type Typed = { type: string };

export interface ControlLinkOptions<In extends Typed, Out extends Typed> {
  duplex: Duplex;
  /** undefined: a message that may be ignored */
  decode: (value: unknown) => In | undefined;
  heartbeat: Heartbeat;
  /** More messages than that wait in the connection, and so make their sender wait. */
  maxMessagesPerSecond?: number;
  /** of a frame that comes; until acceptLargeFrames() */
  maxFrameBytes?: number;
  /** What to say to a peer that broke the protocol before its link is closed. */
  farewell?: (error: VnetError) => Exclude<Out, Probe>;
}

/** After a sleep of the machine or a stopped process: this long for a sign of life. */
const WAKE_TIMEOUT_MS = 3_000;

/**
 * Events: `message` (never a ping or pong, those are answered here), `rtt` in ms for each answered heartbeat,
 * `close` once, with the reason. Nothing is emitted before `open()`.
 */
export class ControlLink<
  In extends Typed,
  Out extends Typed,
> extends EventEmitter<{
  message: [Exclude<In, Probe>];
  rtt: [number];
  close: [VnetError];
}> {
  private state: "new" | "open" | "closing" | "closed" = "new";
  private readonly decoder: FrameDecoder;
  private readonly duplex: Duplex;
  private readonly probes = new Probes();
  private readonly allowance: Allowance | undefined;
  private throttleTimer: NodeJS.Timeout | undefined;
  private isThrottled = false;
  private readonly outbox: Outbox;
  private readonly heart: Heart;
  private closeTimer: NodeJS.Timeout | undefined;
  /** the newest heartbeat's round trip in ms, or null */
  rttMs: number | null = null;

  constructor(private readonly options: ControlLinkOptions<In, Out>) {
    super();
    this.setMaxListeners(0);
    this.duplex = options.duplex;
    this.decoder = new FrameDecoder(options.maxFrameBytes);
    this.heart = new Heart({
      rhythm: options.heartbeat,
      onBeat: () => {
        this.measure();
      },
      onWake: () => {
        this.probe(WAKE_TIMEOUT_MS);
      },
      onSilence: () => {
        const seconds = options.heartbeat.timeoutMs / 1000;
        this.drop(new VnetError("timeout", `nothing heard for ${seconds} s`));
      },
    });
    this.outbox = new Outbox({
      duplex: options.duplex,
      stallMs: options.heartbeat.timeoutMs,
      onStall: () => {
        this.drop(unread());
      },
      onTaken: () => {
        // It reads, however slowly; while it is not read itself, that is its sign of life.
        this.heart.heard();
        this.settleReading();
      },
    });
    const rate = options.maxMessagesPerSecond;
    if (rate !== undefined) this.allowance = new Allowance(rate);
  }

  open(): void {
    if (this.state !== "new") return;
    this.state = "open";
    const { duplex } = this;
    duplex.on("data", (chunk: Buffer) => {
      this.read(chunk);
    });
    duplex.on("end", () => {
      this.drop(new VnetError("closed", "the other side closed the link"));
    });
    duplex.on("error", (cause) => {
      this.drop(
        new VnetError("closed", `the link broke: ${networkReason(cause)}`, {
          cause,
        }),
      );
    });
    duplex.on("close", () => {
      this.drop(new VnetError("closed", "the link is closed"));
      this.finish();
    });
    this.heart.start();
    duplex.resume();
  }

  /** The peer is known: what it says may be as large as frames are. */
  acceptLargeFrames(): void {
    this.decoder.maxBytes = MAX_FRAME_BYTES;
  }

  get isOpen(): boolean {
    return this.state === "open";
  }

  /** Sends, or does nothing when the link is no longer open. */
  send(message: Exclude<Out, Probe>): void {
    this.write(message);
  }

  /** Sends a frame made by encodeFrame, for a message that goes to many. */
  sendFrame(frame: Buffer): void {
    if (this.state !== "open") return;
    if (this.outbox.add(frame)) this.settleReading();
    else this.drop(unread());
  }

  /** One round trip in ms; rejects with VnetError `timeout` or `closed`. */
  ping(timeoutMs: number): Promise<number> {
    if (this.state !== "open")
      return Promise.reject(
        new VnetError("closed", "the link to the hub is down"),
      );
    return this.probes.ask((request) => {
      this.write({ type: "ping", request } satisfies Probe);
    }, timeoutMs);
  }

  /** Sends `last`, then closes; the reason is what `close` tells. Idempotent. */
  close(reason: VnetError, last?: Exclude<Out, Probe>): void {
    if (this.state === "new") {
      this.state = "closed";
      this.duplex.destroy();
      return;
    }
    if (this.state !== "open") return;
    if (last !== undefined) this.write(last);
    // A peer that reads nothing: the last words were one too many, and the link is dropped already.
    if (!this.isOpen) return;
    this.state = "closing";
    this.heart.stop();
    this.outbox.flush();
    this.duplex.end();
    this.closeTimer = setTimeout(() => {
      this.duplex.destroy();
    }, CLOSE_TIMEOUT_MS);
    this.probes.drop(reason);
    this.emit("close", reason);
  }

  /** Asks the other side at once, as after a sleep: silence for `timeoutMs` ends the link. */
  probe(timeoutMs: number): void {
    this.ping(timeoutMs).catch(() => {
      this.drop(new VnetError("timeout", "the other side went silent"));
    });
  }

  private read(chunk: Buffer): void {
    if (this.state !== "open") return;
    this.heart.heard();
    try {
      this.decoder.add(chunk);
      let count = 0;
      for (;;) {
        const next = this.decoder.next();
        if (next === undefined) break;
        count++;
        const message = this.options.decode(next.value);
        if (message !== undefined && !this.answerProbe(message))
          this.emit("message", message as Exclude<In, Probe>);
        // A handler may have closed us: what follows was said out of turn.
        if (!this.isOpen) return;
      }
      this.throttle(count);
    } catch (error) {
      if (!(error instanceof VnetError) || error.code !== "protocol")
        throw error;
      this.close(error, this.options.farewell?.(error));
    }
  }

  private throttle(messages: number): void {
    const waitMs = this.allowance?.draw(messages) ?? 0;
    if (waitMs === 0) return;
    this.isThrottled = true;
    this.settleReading();
    clearTimeout(this.throttleTimer);
    this.throttleTimer = setTimeout(() => {
      this.isThrottled = false;
      this.settleReading();
    }, waitMs);
  }

  private settleReading(): void {
    if (this.state !== "open") return;
    if (this.isThrottled || this.outbox.bytes > MAX_UNREAD_BYTES)
      this.duplex.pause();
    else if (this.duplex.isPaused()) this.duplex.resume();
  }

  private answerProbe(message: Typed): boolean {
    if (message.type === "ping") {
      this.write({ ...(message as Probe), type: "pong" });
      return true;
    }
    if (message.type !== "pong") return false;
    this.probes.answer((message as Probe).request);
    return true;
  }

  private measure(): void {
    const { intervalMs, timeoutMs } = this.options.heartbeat;
    this.ping(timeoutMs + intervalMs).then(
      (rttMs) => {
        this.rttMs = rttMs;
        this.emit("rtt", rttMs);
      },
      () => undefined,
    );
  }

  private write(message: Out | Probe): void {
    this.sendFrame(encodeFrame(message));
  }

  private drop(reason: VnetError): void {
    if (this.state !== "open") return;
    this.state = "closing";
    this.heart.stop();
    this.outbox.close();
    this.duplex.destroy();
    this.probes.drop(reason);
    this.emit("close", reason);
  }

  private finish(): void {
    this.state = "closed";
    this.heart.stop();
    clearTimeout(this.closeTimer);
    clearTimeout(this.throttleTimer);
    this.outbox.close();
  }
}

function unread(): VnetError {
  return new VnetError("timeout", "the other side does not read its messages");
}
