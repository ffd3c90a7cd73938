// The opener's idle channels to one other node: some are always warm while wanted, more while connections come fast.
// Who finds none waits for one that comes, new or given back. Owns its idle channels; a busy one belongs to its
// stream and comes back by itself, unless it was closed.

import { performance } from "node:perf_hooks";
import { VnetError } from "../errors.js";
import type { Channel } from "./channel.js";
import { NO_USER, WaitingLine, type Turn } from "./waiting-line.js";

export interface PoolOptions {
  /** makes a new channel to the node; rejects with VnetError */
  connect: () => Promise<Channel>;
  limits?: Partial<PoolLimits>;
}

export interface PoolLimits {
  /** idle channels aimed at in a burst, and kept at the very most */
  maxTarget: number;
  maxIdle: number;
  /** attempts to connect that begin together; the next ones after this pause */
  startsAtOnce: number;
  startPauseMs: number;
  /** attempts under way at the most; the hub allows twice as many, see hub/limits.ts `maxMakingPerPair` */
  maxConnecting: number;
  /** an idle channel beyond the target goes after this long */
  idleMs: number;
  /** how often idle channels are looked after, and how long one may idle without being probed */
  tickMs: number;
  probeAfterMs: number;
  probeTimeoutMs: number;
  /** A channel that is older, or has carried more bytes, takes no further stream: its encryption is made anew with another one. */
  maxAgeMs: number;
  maxBytes: number;
  /** after a failed attempt to warm up; doubled with each further one, up to the other */
  retryMs: number;
  maxRetryMs: number;
}

const LIMITS: PoolLimits = {
  maxTarget: 16,
  maxIdle: 64,
  // A handshake costs a core half a millisecond or more. Hundreds at the same time would all end late; a few at a time
  // end early, and streams that are short give their channels to those who still wait.
  startsAtOnce: 16,
  startPauseMs: 16,
  maxConnecting: 128,
  idleMs: 10_000,
  tickMs: 5_000,
  probeAfterMs: 15_000,
  probeTimeoutMs: 5_000,
  // Far below what AES-GCM may encrypt with one key (RFC 8446, 5.5: about 380 GB in records of 16 KiB).
  maxAgeMs: 3_600_000,
  maxBytes: 64e9,
  retryMs: 1_000,
  maxRetryMs: 30_000,
};

/** What a stream has sent at its end has left by then, unless somebody reads slowly. */
const JUST_NOW_MS = 50;

export class ChannelPool {
  private state: "open" | "closed" = "open";
  /** newest last: the one used last is the likeliest to be alive and quick */
  private readonly idle: Channel[] = [];
  private readonly all = new Set<Channel>();
  private readonly limits: PoolLimits;
  private readonly ticker: NodeJS.Timeout;
  private readonly waiting = new WaitingLine();
  /** attempts on their way, and how many more may begin before the next pause */
  private connecting = 0;
  private startsLeft: number;
  private pauseTimer: NodeJS.Timeout | undefined;
  private wanted = false;
  /** how many idle channels are aimed at; doubles when a connection found none, sinks when things are calm */
  private target = 1;
  private missed = false;
  /** attempts to warm up that failed in a row */
  private failures = 0;
  private retryTimer: NodeJS.Timeout | undefined;

  constructor(private readonly options: PoolOptions) {
    this.limits = { ...LIMITS, ...options.limits };
    this.startsLeft = this.limits.startsAtOnce;
    this.ticker = setInterval(() => {
      this.tick();
    }, this.limits.tickMs);
  }

  get counts(): { idle: number; busy: number } {
    return { idle: this.idle.length, busy: this.all.size - this.idle.length };
  }

  /** While wanted, at least one channel is kept warm. */
  setWanted(wanted: boolean): void {
    this.wanted = wanted;
    this.begin();
  }

  /**
   * An idle channel, for one stream: at once where there is a warm one. Rejects with VnetError.
   * @param turn whose turn it is where there is none: those who mean different services take turns
   * @param leaving aborted when the one for whom it is has gone: all others come first then
   */
  acquire(turn: Turn, leaving?: AbortSignal): Promise<Channel> {
    if (this.state === "closed") return Promise.reject(gone());
    const warm = this.takeIdle();
    if (warm !== undefined) {
      this.begin();
      return Promise.resolve(warm);
    }
    if (turn !== NO_USER) {
      this.missed = true;
      this.target = Math.min(this.target * 2, this.limits.maxTarget);
    }
    const channel = this.waiting.join(turn, leaving);
    this.begin();
    return channel;
  }

  /** Gives back a channel that was acquired and not used for a stream. */
  release(channel: Channel): void {
    if (channel.isClosed || !channel.isIdle || this.idle.includes(channel))
      return;
    if (this.isWorn(channel)) {
      channel.close();
      this.begin();
      return;
    }
    if (this.waiting.serve(channel)) return;
    if (this.state === "closed" || this.idle.length >= this.limits.maxIdle) {
      channel.close();
      return;
    }
    this.idle.push(channel);
  }

  /** Closes the idle ones now and the busy ones when their streams end. Idempotent. */
  close(): void {
    this.state = "closed";
    clearInterval(this.ticker);
    clearTimeout(this.retryTimer);
    clearTimeout(this.pauseTimer);
    this.waiting.turnAway(gone());
    for (const channel of this.idle.splice(0)) channel.close();
  }

  /** Cuts all of them off. */
  destroy(reason: VnetError): void {
    this.close();
    for (const channel of this.all) channel.destroy(reason);
  }

  /** Begins what is lacking: a channel for each one who waits, and the warm ones. */
  private begin(): void {
    while (this.state === "open" && this.connecting < this.lacking) {
      if (this.startsLeft === 0) return;
      this.startsLeft--;
      this.connecting++;
      this.pauseTimer ??= setTimeout(() => {
        this.pauseTimer = undefined;
        this.startsLeft = this.limits.startsAtOnce;
        this.begin();
      }, this.limits.startPauseMs);
      this.options.connect().then(
        (channel) => {
          this.connecting--;
          this.connected(channel);
          this.begin();
        },
        (error: unknown) => {
          this.connecting--;
          if (!(error instanceof VnetError)) throw error;
          this.failed(error);
          this.begin();
        },
      );
    }
  }

  /** After a failed attempt, those who wait are served still; what would only be warm waits. */
  private get lacking(): number {
    const warms = this.wanted && this.retryTimer === undefined;
    const cold = warms ? Math.max(0, this.target - this.idle.length) : 0;
    return Math.min(this.waiting.wanted + cold, this.limits.maxConnecting);
  }

  private connected(channel: Channel): void {
    this.failures = 0;
    if (this.state === "closed") {
      channel.close();
      return;
    }
    this.all.add(channel);
    channel.on("idle", () => {
      this.release(channel);
    });
    channel.on("close", () => {
      this.all.delete(channel);
      const at = this.idle.indexOf(channel);
      if (at < 0) return;
      this.idle.splice(at, 1);
      this.retryLater();
    });
    this.release(channel);
  }

  /**
   * Told to one of those who wait, unless the other attempts are enough for all; a silence to all for whom they are not,
   * as the next attempts would last as long again.
   */
  private failed(error: VnetError): void {
    const left = Math.max(0, this.waiting.present - this.connecting);
    if (left === 0) this.retryLater();
    const told = error.code === "timeout" ? left : Math.min(left, 1);
    this.waiting.turnAway(error, told);
  }

  /** A channel that died or could not be had: the next try waits, so that a failure is no busy loop. */
  private retryLater(): void {
    if (this.retryTimer !== undefined || this.state === "closed") return;
    const { retryMs, maxRetryMs } = this.limits;
    const delayMs = Math.min(retryMs * 2 ** this.failures++, maxRetryMs);
    this.retryTimer = setTimeout(() => {
      this.retryTimer = undefined;
      this.begin();
    }, delayMs);
  }

  /** The newest, but not one that waits for a slow reader of its last stream: right after its end every one may. */
  private takeIdle(): Channel | undefined {
    const since = performance.now() - JUST_NOW_MS;
    const at = this.idle.findLastIndex(
      (channel) => !channel.hasUnsent || channel.idleSince > since,
    );
    return at < 0 ? undefined : this.idle.splice(at, 1)[0];
  }

  private tick(): void {
    const now = performance.now();
    if (!this.missed) this.target = Math.max(1, Math.floor(this.target / 2));
    this.missed = false;
    const keep = this.wanted ? this.target : 0;
    const spare = this.idle.filter(
      (channel) =>
        now - channel.idleSince > this.limits.idleMs && !channel.hasUnsent,
    );
    const going = new Set([
      ...this.idle.filter((channel) => this.isWorn(channel)),
      ...spare.slice(0, Math.max(0, this.idle.length - keep)),
    ]);
    for (const channel of going) {
      this.idle.splice(this.idle.indexOf(channel), 1);
      channel.close();
    }
    for (const channel of this.idle) this.probe(channel, now);
    this.begin();
  }

  private isWorn({ madeAt, bytes }: Channel): boolean {
    const { maxAgeMs, maxBytes } = this.limits;
    return performance.now() - madeAt > maxAgeMs || bytes > maxBytes;
  }

  private probe(channel: Channel, now: number): void {
    const idleMs = now - channel.idleSince;
    // Behind what a slow reader is yet to take there would be no answer in time.
    if (idleMs < this.limits.probeAfterMs || channel.hasUnsent) return;
    channel.ping(this.limits.probeTimeoutMs).catch((error: unknown) => {
      // Nobody answered: whoever got this channel would wait in vain.
      const silent = error instanceof VnetError && error.code === "timeout";
      if (silent && channel.isIdle) channel.destroy(error);
    });
  }
}

function gone(): VnetError {
  return new VnetError("closed", "the node is gone");
}
