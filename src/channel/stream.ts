// One end of a stream: a user's or a service's TCP connection on one side, a channel on the other.
// Takes the socket over when it is attached; ends in good order after FINs both ways, or is reset on both sides.
//
//   socket ──bytes──→ DATA … FIN ──→ channel       either direction ends alone (half-close);
//   socket ←──bytes── DATA … FIN ←── channel       whichever side is full pauses the other

import { EventEmitter } from "node:events";
import type { Duplex } from "node:stream";
import { VnetError } from "../errors.js";
import type { Consent } from "../keys/known-nodes.js";
import { networkReason } from "../net/address.js";
import { LentWriter } from "../net/lent-writer.js";
import { NO_LEASE, type Lease } from "../net/lent-buffer.js";
import { RawReader } from "../net/raw-reader.js";
import { reset } from "../net/reset.js";
import { decodeAccept, encodeAccept } from "../wire/accept.js";
import { FrameType } from "../wire/channel-frame.js";
import type { Open, Wanted } from "../wire/open.js";
import { CARRIER_HEADROOM } from "./carrier.js";
import type { Channel, ChannelRole } from "./channel.js";
import type { Traffic } from "./traffic.js";

/** The provider has this long to connect its service and to say so. */
export const ACCEPT_TIMEOUT_MS = 15_000;

export interface StreamOptions extends Open {
  role: ChannelRole;
  traffic: Traffic;
}

/** Events: `accept` (opener) when the service is connected, with who else may serve it; `end` once: null in good order, else why it broke. */
export class Stream extends EventEmitter<{
  accept: [Consent];
  end: [VnetError | null];
}> {
  readonly wanted: Wanted;
  /** the user's address as `ip:port`, as the opener says; empty: none */
  readonly from: string;
  /** of the user's, both ways */
  bytes = 0;
  /** refused (acceptor): over for everyone, but what the user had sent with OPEN still arrives, up to its FIN */
  private state: "opening" | "open" | "refused" | "ended" = "opening";
  private socket: Duplex | undefined;
  private isRaw = false;
  private sentFin = false;
  private gotFin = false;
  /** what came before the socket was there; at most one read of the channel, which is paused meanwhile */
  private early: Buffer[] = [];
  private readonly traffic: Traffic;
  private readonly isOpener: boolean;
  private acceptTimer: NodeJS.Timeout | undefined;
  /** writes to the socket */
  private writer: LentWriter | undefined;

  constructor(
    private readonly channel: Channel,
    options: StreamOptions,
  ) {
    super();
    this.wanted = options.wanted;
    this.from = options.from;
    this.traffic = options.traffic;
    this.isOpener = options.role === "opener";
    this.traffic.streamsNow++;
    this.traffic.streamsTotal++;
    if (this.isOpener)
      this.acceptTimer = setTimeout(() => {
        this.reset("the provider did not answer in time");
      }, ACCEPT_TIMEOUT_MS);
  }

  get isOver(): boolean {
    return this.state === "ended" || this.state === "refused";
  }

  /** Opener: the user's connection. Its bytes leave at once, before the service is known to be there. */
  attach(given: Duplex): void {
    if (this.isOver) {
      this.partFrom(given);
      return;
    }
    // One that is gone already would never tell of its close. What he said by then still arrives, as with TCP.
    if (given.destroyed) {
      const unread = given.read(given.readableLength) as Buffer | null;
      this.countOut(unread?.length ?? 0);
      if (unread !== null) this.channel.carrier.sendData(unread);
      this.reset("the connection was closed");
      return;
    }
    const raw = RawReader.takeOver(given, {
      headroom: CARRIER_HEADROOM,
      bulk: this.channel.carrier.bulk,
      onBytes: (view, lease) => {
        this.countOut(view.length);
        this.channel.carrier.sendLent(view, lease);
      },
      onOver: () => {
        this.channel.carrier.flush();
      },
    });
    const socket = (this.socket = raw?.socket ?? given);
    this.isRaw = raw !== null;
    this.writer = new LentWriter(socket);
    if (raw === null)
      socket.on("data", (bytes: Buffer) => {
        this.countOut(bytes.length);
        if (!this.channel.carrier.sendData(bytes)) socket.pause();
      });
    socket.on("drain", () => {
      if (!this.isOver) this.channel.carrier.resumeReading();
    });
    socket.on("end", () => {
      this.finish();
    });
    socket.on("error", (cause) => {
      this.reset(networkReason(cause));
    });
    socket.on("close", () => {
      this.reset("the connection was closed");
    });
    for (const bytes of this.early.splice(0)) this.deliver(bytes, NO_LEASE);
    this.writer.flush();
    if (this.gotFin) this.endSocket(socket);
    (raw ?? socket).resume();
    // It told of that before we listened.
    if (raw === null && given.readableEnded) this.finish();
  }

  /** Acceptor: the service is connected. */
  accept(socket: Duplex, consent: Consent = "alone"): void {
    if (this.state !== "opening") {
      this.partFrom(socket);
      return;
    }
    this.state = "open";
    // Where the user waits for an answer, that is what matters, and one write is cheaper than two.
    const { carrier } = this.channel;
    const told = encodeAccept(consent);
    if (this.early.length > 0) carrier.sendSoon(FrameType.accept, told);
    else carrier.send(FrameType.accept, told);
    this.channel.carrier.resumeReading();
    this.attach(socket);
  }

  /** Acceptor: there will be no service; the user's connection is reset and told why. The channel stays. */
  refuse(reason: string): void {
    if (this.state !== "opening") return;
    this.sentFin = true;
    this.channel.carrier.send(FrameType.refuse, reason);
    this.end("refused", new VnetError("refused", reason));
    this.early = [];
    if (this.gotFin) this.channel.streamEnded(this);
    else this.channel.carrier.resumeReading();
  }

  /** Breaks the stream: the local connection is reset and the other side is told. Idempotent. */
  reset(reason: string): void {
    if (this.isOver) return;
    this.channel.streamReset(reason);
  }

  // For the channel, nobody else: ----------------------------------------------------------------------------------

  receive(bytes: Buffer, lease: Lease): void {
    if (this.gotFin || this.awaitsAnswer)
      throw new VnetError("protocol", "data out of turn");
    if (this.state === "refused") return;
    this.traffic.bytesIn += bytes.length;
    this.bytes += bytes.length;
    if (this.socket === undefined) this.early.push(Buffer.from(bytes));
    else this.deliver(bytes, lease);
  }

  receiveFrame(type: FrameType, payload: Buffer): void {
    if (this.awaitsAnswer && type === FrameType.accept) {
      const consent = decodeAccept(payload);
      clearTimeout(this.acceptTimer);
      this.state = "open";
      this.emit("accept", consent);
    } else if (this.awaitsAnswer && type === FrameType.refuse) {
      this.refused(payload.toString());
    } else if (type === FrameType.fin && !this.gotFin && !this.awaitsAnswer) {
      this.gotFin = true;
      if (this.socket !== undefined) this.endSocket(this.socket);
      this.endIfFinished();
    } else throw new VnetError("protocol", `channel frame ${type} out of turn`);
  }

  /** Pieces of one read leave in one write. */
  readOver(): void {
    this.writer?.flush();
  }

  channelDrained(): void {
    // A raw reader goes on by its leases alone.
    if (!this.isRaw) this.socket?.resume();
  }

  channelClosed(reason: VnetError): void {
    if (this.isOver) return;
    this.end("ended", reason);
    if (this.socket !== undefined) this.partFrom(this.socket);
  }

  // ----------------------------------------------------------------------------------------------------------------

  /** Opener: the provider has not said yet whether the service is there. */
  private get awaitsAnswer(): boolean {
    return this.isOpener && this.state === "opening";
  }

  private countOut(bytes: number): void {
    this.traffic.bytesOut += bytes;
    this.bytes += bytes;
  }

  private deliver(bytes: Buffer, lease: Lease): void {
    this.writer?.write(bytes, lease);
    // Nobody waits for that one to be free.
    if (lease === NO_LEASE && this.socket?.writableNeedDrain === true)
      this.channel.carrier.pauseReading();
  }

  /** One that has been told to end may announce no drain any more; what still comes of the channel is a reset, say. */
  private endSocket(socket: Duplex): void {
    socket.end();
    this.channel.carrier.resumeReading();
  }

  /** What came before the end still arrives, as far as the system takes it at once: that is how a reset is with TCP. */
  private partFrom(socket: Duplex): void {
    // It may have been reset as well, which is no news.
    socket.on("error", () => undefined);
    if (!socket.destroyed)
      for (const bytes of this.early.splice(0)) socket.write(bytes);
    this.writer?.flush();
    reset(socket);
  }

  private finish(): void {
    if (this.sentFin || this.isOver) return;
    this.sentFin = true;
    this.channel.carrier.send(FrameType.fin);
    this.endIfFinished();
  }

  /** Opener: both directions are over; our FIN tells the provider where the next stream can begin. */
  private refused(reason: string): void {
    if (!this.sentFin) this.channel.carrier.send(FrameType.fin);
    this.end("ended", new VnetError("refused", reason));
    if (this.socket !== undefined) reset(this.socket);
    this.channel.streamEnded(this);
  }

  private endIfFinished(): void {
    if (!this.sentFin || !this.gotFin) return;
    if (this.state !== "refused") this.end("ended", null);
    this.channel.streamEnded(this);
  }

  private end(state: "ended" | "refused", reason: VnetError | null): void {
    this.state = state;
    clearTimeout(this.acceptTimer);
    this.traffic.streamsNow--;
    this.emit("end", reason);
  }
}
