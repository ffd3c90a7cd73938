// A node's channels: a pool of outgoing ones for each node it uses, and those that other nodes opened to it.
// Owns them all. The only place of a node that turns tickets into channels.

import { Channel } from "../channel/channel.js";
import { ChannelPool, type PoolLimits } from "../channel/pool.js";
import type { Stream } from "../channel/stream.js";
import type { Traffic } from "../channel/traffic.js";
import { formatVnetid } from "../config/config.js";
import { VnetError } from "../errors.js";
import type { Notice } from "./control.js";
import type { HubLink } from "./hub-link.js";
import type { HubNews } from "./hub-messages.js";

export interface Caller {
  vnetid: number;
  name: string;
}

export interface ChannelsOptions {
  link: HubLink;
  traffic: Traffic;
  notify: (notice: Notice) => void;
  /** another node opened a stream: answer it with accept or refuse */
  onStream: (stream: Stream, from: Caller) => void;
  poolLimits?: Partial<PoolLimits>;
  /** an incoming channel on which nothing was said for this long goes; its opener probes it more often */
  incomingIdleMs?: number;
}

const INCOMING_IDLE_MS = 60_000;

export class Channels {
  private readonly pools = new Map<number, ChannelPool>();
  /** all of them, also those of pools that were given up while streams ran on them */
  private readonly all = new Set<Channel>();

  constructor(private readonly options: ChannelsOptions) {}

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

  /** Another node wants a channel to us. */
  async answerOffer(offer: Extract<HubNews, { type: "offer" }>): Promise<void> {
    const from = { vnetid: offer.vnetid, name: offer.name };
    try {
      const leg = await this.options.link.openLeg(offer.ticket);
      if (this.options.link.state === "closed") {
        // This node closed while the leg was being opened.
        leg.destroy();
        return;
      }
      const channel = new Channel({
        duplex: leg,
        role: "acceptor",
        traffic: this.options.traffic,
        idleTimeoutMs: this.options.incomingIdleMs ?? INCOMING_IDLE_MS,
      });
      this.watch(channel, from.name);
      channel.on("stream", (stream) => {
        this.options.onStream(stream, from);
      });
    } catch (error) {
      if (!(error instanceof VnetError)) throw error;
      this.warn(`a channel to ${from.name} failed: ${error.message}`);
    }
  }

  /** Cuts all of them off, with their streams. */
  destroy(reason: VnetError): void {
    for (const pool of this.pools.values()) pool.destroy(reason);
    this.pools.clear();
    for (const channel of this.all) channel.destroy(reason);
  }

  private watch(channel: Channel, peer: string): void {
    this.all.add(channel);
    channel.on("close", (reason) => {
      this.all.delete(channel);
      if (reason.code === "protocol")
        this.warn(`a channel with ${peer} broke: ${reason.message}`);
    });
  }

  private warn(text: string): void {
    this.options.notify({ level: "warn", text });
  }

  private async connect(vnetid: number): Promise<Channel> {
    const { link, traffic } = this.options;
    const reply = await link.request<ChannelRequest>({
      type: "channel",
      vnetid,
    });
    if (reply.type !== "leg")
      throw new VnetError("protocol", "the hub answered something else");
    const duplex = await link.openLeg(reply.ticket);
    const channel = new Channel({ duplex, role: "opener", traffic });
    this.watch(channel, `node ${formatVnetid(vnetid)}`);
    return channel;
  }
}

type ChannelRequest = { type: "channel"; request: number; vnetid: number };
