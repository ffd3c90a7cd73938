// A node's channels: a pool of outgoing ones for each node it uses, and those that other nodes opened to it.
// Owns them all. The only place of a node that turns tickets into channels.

import { Channel } from "../channel/channel.js";
import { ChannelPool, type PoolLimits } from "../channel/pool.js";
import type { Stream } from "../channel/stream.js";
import type { Traffic } from "../channel/traffic.js";
import { VnetError } from "../errors.js";
import type { Log } from "../log.js";
import type { HubLink, HubNews } from "./hub-link.js";

export interface Caller {
  vnetid: number;
  name: string;
}

export interface ChannelsOptions {
  link: HubLink;
  traffic: Traffic;
  log: Log;
  /** another node opened a stream: answer it with accept or refuse */
  onStream: (stream: Stream, from: Caller) => void;
  poolLimits?: Partial<PoolLimits>;
  /** an incoming channel on which nothing was said for this long goes; its opener probes it more often */
  incomingIdleMs?: number;
}

const INCOMING_IDLE_MS = 60_000;

export class Channels {
  private readonly pools = new Map<number, ChannelPool>();
  private readonly incoming = new Set<Channel>();

  constructor(private readonly options: ChannelsOptions) {}

  get counts(): { idle: number; busy: number } {
    let idle = 0;
    let busy = 0;
    for (const pool of this.pools.values()) {
      idle += pool.counts.idle;
      busy += pool.counts.busy;
    }
    for (const channel of this.incoming)
      if (channel.isIdle) idle++;
      else busy++;
    return { idle, busy };
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
      const channel = new Channel({
        duplex: leg,
        role: "acceptor",
        traffic: this.options.traffic,
        idleTimeoutMs: this.options.incomingIdleMs ?? INCOMING_IDLE_MS,
      });
      this.incoming.add(channel);
      channel.on("stream", (stream) => {
        this.options.onStream(stream, from);
      });
      channel.on("close", (reason) => {
        this.incoming.delete(channel);
        if (reason.code === "protocol")
          this.options.log.warn(`channel of ${from.name}: ${reason.message}`);
      });
    } catch (error) {
      if (!(error instanceof VnetError)) throw error;
      this.options.log.warn(
        `a channel to ${from.name} failed: ${error.message}`,
      );
    }
  }

  /** Cuts all of them off, with their streams. */
  destroy(reason: VnetError): void {
    for (const pool of this.pools.values()) pool.destroy(reason);
    this.pools.clear();
    for (const channel of this.incoming) channel.destroy(reason);
  }

  private async connect(vnetid: number): Promise<Channel> {
    const { link, traffic } = this.options;
    const reply = await link.request<ChannelRequest>({
      type: "channel",
      vnetid,
    });
    if (reply.type !== "leg")
      throw new VnetError("protocol", "the hub answered something else");
    return new Channel({
      duplex: await link.openLeg(reply.ticket),
      role: "opener",
      traffic,
    });
  }
}

type ChannelRequest = { type: "channel"; request: number; vnetid: number };
