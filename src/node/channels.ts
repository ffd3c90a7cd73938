// A node's channels: a pool of outgoing ones for each node it uses, and those that other nodes opened to it.
// Owns them all. The only place of a node that turns tickets into channels.

import type { Duplex } from "node:stream";
import { Channel, type ChannelRole } from "../channel/channel.js";
import { ChannelPool, type PoolLimits } from "../channel/pool.js";
import type { Stream } from "../channel/stream.js";
import type { Traffic } from "../channel/traffic.js";
import type { Turn } from "../channel/waiting-line.js";
import { formatVnetid } from "../config/config.js";
import { VnetError } from "../errors.js";
import { quoted } from "../printable.js";
import { fingerprintOf } from "../keys/fingerprint.js";
import { textOf, type LogEvent } from "../log.js";
import { openFiles } from "../net/open-files.js";
import type { DirectoryNode } from "../wire/fields.js";
import type { ChannelPeer, ChannelSecurity } from "./channel-security.js";
import { Declines } from "./declines.js";
import type { Directory } from "./directory.js";
import type { Notice } from "./control.js";
import type { HubLink } from "./hub-link.js";
import type { HubNews } from "./hub-messages.js";
import { Crowded, Strangers, type StrangersLimits } from "./strangers.js";
import { Repetition } from "./repetition.js";

export interface Caller {
  vnetid: number;
  name: string;
  /** of the key that it proved, where channels are encrypted; else of the key that the hub says it has */
  fingerprint: string;
}

/** The node that is meant: numbers pass on to others, keys do not. */
export type Reached = Pick<DirectoryNode, "vnetid" | "key">;

export interface Taken {
  channel: Channel;
  /** that it came from */
  pool: Pick<ChannelPool, "release">;
}

/** The node that a message of the hub is about. */
export function callerOf(node: {
  vnetid: number;
  name: string;
  key: string;
}): Caller {
  const { vnetid, name, key } = node;
  const fingerprint = fingerprintOf(Buffer.from(key, "base64"));
  return { vnetid, name, fingerprint };
}

export interface ChannelsOptions {
  link: HubLink;
  directory: Directory;
  security: ChannelSecurity;
  traffic: Traffic;
  notify: (notice: Notice) => void;
  /** another node opened a stream: answer it with accept or refuse */
  onStream: (stream: Stream, from: Caller) => void;
  poolLimits?: Partial<PoolLimits>;
  /** an incoming channel on which nothing was said for this long goes; its opener probes it more often */
  incomingIdleMs?: number;
}

const INCOMING_IDLE_MS = 60_000;
const WARN_AGAIN_MS = 60_000;
const MAX_TOLD = 100;
/** So many signs of life leave together; what else there is to do comes in between. */
const BEATS_AT_ONCE = 200;

/** A node whose channels break this often before they are used does not want to be reached. */
const MAX_BROKEN = 3;

type Offer = Extract<HubNews, { type: "offer" }>;

/** Channels in the making of nodes that were not met: a quarter of the legs that a hub gives a node, unless told otherwise. */
const MAX_STRANGE = 5_000;
const MAX_STRANGE_OF_ONE = 32;

export class Channels {
  private readonly pools = new Map<number, ChannelPool>();
  /** all of them, also those of pools that were given up while streams ran on them */
  private readonly all = new Set<Channel>();
  private readonly warnings = new Repetition(WARN_AGAIN_MS, MAX_TOLD);
  /** legs of channels in the making */
  private readonly legs = new Set<Duplex>();
  /** descriptors that channels in the making will still need */
  private coming = 0;
  private readonly declines: Declines;
  private readonly strangers: Strangers;
  private isBeating = false;

  constructor(private readonly options: ChannelsOptions) {
    this.strangers = new Strangers(
      () => this.strangersLimits,
      (key) => options.security.isMet(key),
    );
    this.declines = new Declines((ticket) => options.link.openLastLeg(ticket));
  }

  get counts(): { idle: number; busy: number } {
    let idle = 0;
    for (const channel of this.all) if (channel.isIdle) idle++;
    return { idle, busy: this.all.size - idle };
  }

  /** The outgoing channels to a node, whether or not there are any yet. */
  pool(vnetid: number): ChannelPool {
    let pool = this.pools.get(vnetid);
    if (pool === undefined) {
      pool = new ChannelPool({
        connect: () => this.connect(vnetid),
        ...(this.options.poolLimits && { limits: this.options.poolLimits }),
      });
      this.pools.set(vnetid, pool);
    }
    return pool;
  }

  /** The same, of the node that has this key. Throws VnetError `closed` where the number is another node's by now. */
  private poolOf({ vnetid, key }: Reached): ChannelPool {
    if (this.options.directory.node(vnetid)?.key !== key)
      throw new VnetError(
        "closed",
        `node ${formatVnetid(vnetid)} is another one by now`,
      );
    return this.pool(vnetid);
  }

  /**
   * An idle channel to a node, for one stream, and the pool that it came from: one of another node may have the number by the
   * time it is given back. Rejects with VnetError.
   * @param leaving see ChannelPool.acquire
   */
  async acquire(
    node: Reached,
    turn: Turn,
    leaving?: AbortSignal,
  ): Promise<Taken> {
    // One may break after it was given and before we hear of it: what the other node says can end it in the same read.
    for (let broken = 0; broken < MAX_BROKEN; broken++) {
      const pool = this.poolOf(node);
      const channel = await pool.acquire(turn, leaving);
      if (channel.isIdle) return { channel, pool };
    }
    const name = this.options.directory.node(node.vnetid)?.name ?? "?";
    throw new VnetError(
      "closed",
      `the channels to vnet ${quoted(name)} break at once`,
    );
  }

  /** These nodes have a use of ours: a channel to each is kept warm, to the others none. */
  setWanted(vnetids: ReadonlySet<number>): void {
    for (const [vnetid, pool] of this.pools)
      if (!vnetids.has(vnetid)) pool.setWanted(false);
    for (const vnetid of vnetids) this.pool(vnetid).setWanted(true);
  }

  /** A node left: what is idle goes, streams that run may finish. */
  forget(vnetid: number): void {
    this.pools.get(vnetid)?.close();
    this.pools.delete(vnetid);
  }

  /** Of every node. */
  forgetAll(): void {
    for (const vnetid of [...this.pools.keys()]) this.forget(vnetid);
  }

  /** Another node wants a channel to us. */
  async answerOffer(offer: Offer): Promise<void> {
    const { security } = this.options;
    const from = callerOf(offer);
    try {
      security.refuseOwnKey(offer, this.options.link.vnetid);
      security.refuseMismatch(offer);
      await this.strangers.run(offer.key, () => this.take(offer, from));
    } catch (error) {
      if (!(error instanceof VnetError)) throw error;
      if (error instanceof Crowded) this.declines.add(offer.ticket);
      this.warn({
        who: `a channel to ${quoted(from.name)}`,
        what: "failed",
        why: error.message,
      });
    }
  }

  /** Cuts all of them off, with their streams. */
  destroy(reason: VnetError): void {
    for (const pool of this.pools.values()) pool.destroy(reason);
    this.pools.clear();
    for (const channel of this.all) channel.destroy(reason);
    for (const leg of this.legs) leg.destroy();
    this.strangers.turnAway();
  }

  private async take(offer: Offer, from: Caller): Promise<void> {
    this.refuseOfferWhenShort(offer.ticket);
    await this.make(offer.ticket, offer, "acceptor", (duplex) => {
      const channel = new Channel({
        duplex,
        role: "acceptor",
        traffic: this.options.traffic,
        idleTimeoutMs: this.options.incomingIdleMs ?? INCOMING_IDLE_MS,
      });
      this.watch(channel, from.name);
      channel.on("stream", (stream) => {
        this.options.onStream(stream, from);
      });
      return channel;
    });
  }

  /**
   * A channel on our leg, within the encryption.
   * @param begin makes it of that duplex, and listens to it in the same step: what the peer says comes at once
   */
  private async make(
    ticket: string,
    peer: ChannelPeer,
    role: ChannelRole,
    begin: (duplex: Duplex) => Channel,
  ): Promise<Channel> {
    const { link, security } = this.options;
    const leg = await this.whileComing(link.openLeg(ticket));
    if (link.state === "closed") {
      leg.destroy();
      throw new VnetError("closed", "this node is closing");
    }
    this.legs.add(leg);
    try {
      const secured = security.secure(leg, peer, role);
      // The acceptor's service will need a descriptor, too.
      const duplex = await (role === "acceptor"
        ? this.whileComing(secured)
        : secured.catch(unlessLost));
      return begin(duplex);
    } finally {
      this.legs.delete(leg);
    }
  }

  /** A quarter of what there is. */
  private get strangersLimits(): StrangersLimits {
    // Each takes two descriptors.
    const most = Math.min(this.options.link.maxLegs, openFiles.limit / 2);
    const all = Math.max(1, Math.floor(Math.min(MAX_STRANGE, most / 4)));
    const ofOne = Math.max(
      1,
      Math.floor(Math.min(MAX_STRANGE_OF_ONE, all / 4)),
    );
    return { all, ofOne };
  }

  private async whileComing<T>(promise: Promise<T>): Promise<T> {
    this.coming++;
    try {
      return await promise;
    } finally {
      this.coming--;
    }
  }

  /** Throws VnetError where there are no descriptors or programs left for it, and lets the other node know. */
  private refuseOfferWhenShort(ticket: string): void {
    try {
      if (this.isShortForOffer())
        throw new VnetError("network", openFiles.reason);
      this.options.link.refuseLegAtLimit();
    } catch (error) {
      this.declines.add(ticket);
      throw error;
    }
  }

  /** A channel to us takes two descriptors, the service's too, which the idle ones have not taken yet. */
  private isShortForOffer(): boolean {
    const needed = this.coming + 2;
    // To count the idle ones takes a while where there are thousands.
    return (
      openFiles.isShort(needed + this.all.size) &&
      openFiles.isShort(needed + this.counts.idle)
    );
  }

  private watch(channel: Channel, peer: string): void {
    this.all.add(channel);
    this.beatLater();
    channel.on("close", (reason) => {
      this.all.delete(channel);
      if (reason.code === "protocol")
        this.warn({
          who: `a channel with ${peer}`,
          what: "broke",
          why: reason.message,
        });
    });
  }

  /** One timer for all of them: thousands of quiet streams would have thousands. It goes on while there are some. */
  private beatLater(): void {
    if (this.isBeating) return;
    this.isBeating = true;
    const timer = setTimeout(() => {
      void this.beat();
    }, this.options.link.beatMs);
    timer.unref();
  }

  private async beat(): Promise<void> {
    let left = BEATS_AT_ONCE;
    for (const channel of this.all) {
      channel.beat();
      if (--left > 0) continue;
      left = BEATS_AT_ONCE;
      await new Promise(setImmediate);
    }
    this.isBeating = false;
    if (this.all.size > 0) this.beatLater();
  }

  /** The same of the same node once in a while only: whoever fails tries again and again. */
  private warn(event: LogEvent): void {
    if (this.warnings.isNews(textOf(event)))
      this.options.notify({ level: "warn", ...event });
  }

  private async connect(vnetid: number): Promise<Channel> {
    const { link, directory, security, traffic } = this.options;
    const peer = directory.node(vnetid);
    if (peer === undefined)
      throw new VnetError(
        "closed",
        `node ${formatVnetid(vnetid)} is not in the group`,
      );
    security.refuseOwnKey(peer, link.vnetid);
    security.refuseMismatch(peer);
    openFiles.refuseWhenShort(this.coming + 1);
    link.refuseLegAtLimit();
    const reply = await this.whileComing(
      link.request<ChannelRequest>({ type: "channel", vnetid }),
    );
    if (reply.type !== "leg")
      throw new VnetError("protocol", "the hub answered something else");
    try {
      return await this.make(reply.ticket, peer, "opener", (duplex) => {
        const channel = new Channel({ duplex, role: "opener", traffic });
        this.watch(channel, `vnet ${quoted(peer.name)}`);
        return channel;
      });
    } catch (error) {
      // Nobody may wait for this channel: that the keys differ has to be mended by a person.
      if (error instanceof VnetError && error.code === "refused")
        this.warn({
          who: `a channel to ${quoted(peer.name)}`,
          what: "failed",
          why: error.message,
        });
      throw error;
    }
  }
}

/** The other node or the hub ended it, and said to nobody but its own log why. */
function unlessLost(error: unknown): never {
  if (!(error instanceof VnetError) || error.code !== "closed") throw error;
  throw new VnetError(
    "closed",
    `the channel was turned away by the other node or the hub (${error.message}), whose logs say why`,
    { cause: error },
  );
}

type ChannelRequest = { type: "channel"; request: number; vnetid: number };
