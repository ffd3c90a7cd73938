// One unserve that this node has granted: to whom, on which leases, the streams on it, and the clock that ends it when nobody
// uses it. It outlives a lease that breaks, as its requester asks again.

import type { Duplex } from "node:stream";
import type { Stream } from "../channel/stream.js";
import { formatUnserve, type VnetSettings } from "../config/config.js";
import { networkError } from "../net/address.js";
import { reachedBy } from "../net/places.js";
import { quoted } from "../printable.js";
import { ProgramLimit } from "../net/program-limit.js";
import type { Caller } from "./channels.js";
import type { ServeView } from "./control.js";
import { untilHeard } from "./last-words.js";
import type { LeaseTalk } from "./lease-talk.js";
import { ServedStreams } from "./served-streams.js";
import { Service } from "./service.js";

/** How often one requester may have leases of the same: a use each, and some that broke unnoticed. */
const MAX_LEASES = 32;

interface Target {
  ip: string;
  port: number;
}

export interface GrantOptions {
  number: number;
  ip: string;
  port: number;
  requester: Caller;
  /** what it is called now */
  nameOf: (caller: Caller) => string;
  settings: () => VnetSettings;
  /** Rejects with VnetError where that node may not have what this leads to. */
  check: (reached: Target, caller: Caller) => Promise<void>;
  /** it is over by itself, and why */
  onOver: (why: string) => void;
}

interface Lease {
  talk: LeaseTalk;
  keep: boolean;
}

export class Grant {
  private state: "open" | "over" = "open";
  private readonly leases = new Set<Lease>();
  private readonly streams = new ServedStreams(() => {
    this.settle();
  });
  private readonly service: Service;
  /** its requester wants it for good, also while it is away for a moment */
  private isKept = false;
  private wasUsed = false;
  /** its requester has said once that it has it */
  private isTaken = false;
  private timer: NodeJS.Timeout | undefined;
  private holder: Caller;

  constructor(private readonly options: GrantOptions) {
    const { ip, port } = options;
    this.holder = options.requester;
    const plain = { host: "", hosts: "", trustForwarded: false };
    this.service = new Service({
      settings: { ip, port, ...plain },
      hubHost: () => "",
      onLine: () => undefined,
      // It is for hosts only.
      programs: new ProgramLimit(0),
    });
    this.settle();
  }

  get number(): number {
    return this.options.number;
  }

  get ip(): string {
    return this.options.ip;
  }

  get port(): number {
    return this.options.port;
  }

  get requester(): Caller {
    return this.holder;
  }

  get isInUse(): boolean {
    return this.streams.count > 0;
  }

  get hasRoom(): boolean {
    return this.leases.size < MAX_LEASES;
  }

  isOf({ fingerprint }: Caller): boolean {
    return this.requester.fingerprint === fingerprint;
  }

  isFor(ip: string, port: number): boolean {
    return this.options.ip === ip && this.options.port === port;
  }

  view(): ServeView {
    const { number, ip, port } = this.options;
    return {
      label: formatUnserve(number),
      serveid: 0,
      unserve: number,
      ...{ name: `unserve-${port}`, type: "tcp", ip, port },
      info: `for ${quoted(this.options.nameOf(this.holder))}`,
      share: "exclusive",
      active: this.state === "open",
      state: this.state === "open" ? "lent" : "inactive",
      error: null,
      origin: "unserve",
      streams: this.streams.count,
    };
  }

  /** Its requester holds it by this stream, too. */
  lease(talk: LeaseTalk, keep: boolean, requester: Caller): void {
    this.holder = requester;
    const lease = { talk, keep };
    this.leases.add(lease);
    talk.on("word", () => {
      this.isTaken = true;
    });
    talk.on("end", () => {
      this.returned(lease, "it was given back");
    });
    talk.on("lost", () => {
      // What never arrived was asked for in vain; what did may be in use.
      if (!this.isTaken) this.returned(lease, "its requester did not take it");
      else this.leases.delete(lease);
      this.settle();
    });
    talk.say({ unserve: this.number });
    this.isKept ||= keep;
    this.settle();
  }

  serve(stream: Stream, caller: Caller): Promise<void> {
    this.wasUsed = true;
    return this.streams.add(stream, caller, {
      connect: (from) => this.connect(caller, from),
      consent: () => "alone",
    });
  }

  private async connect(caller: Caller, from: string): Promise<Duplex> {
    const duplex = await this.service.connect(from);
    const ignore = () => undefined;
    // It may break meanwhile.
    duplex.on("error", ignore);
    try {
      const reached = reachedBy(duplex);
      if (reached !== null) await this.options.check(reached, caller);
      if (duplex.errored !== null)
        throw networkError("the service", duplex.errored);
      duplex.off("error", ignore);
      return duplex;
    } catch (error) {
      duplex.destroy();
      throw error;
    }
  }

  /** Ends its streams, and its leases with the reason; resolves when that was heard, or a moment later. Idempotent. */
  end(why: string): Promise<void> {
    if (this.state === "over") return Promise.resolve();
    this.state = "over";
    clearTimeout(this.timer);
    const talks = [...this.leases].map(({ talk }) => talk);
    this.leases.clear();
    for (const talk of talks) {
      talk.say({ gone: why });
      talk.end();
    }
    this.streams.reset(why);
    return untilHeard(talks.map((talk) => talk.closed));
  }

  /** Without a word. Idempotent. */
  close(): void {
    this.state = "over";
    clearTimeout(this.timer);
    for (const { talk } of this.leases) talk.destroy();
    this.leases.clear();
  }

  private returned(lease: Lease, why: string): void {
    this.leases.delete(lease);
    this.isKept = [...this.leases].some(({ keep }) => keep);
    if (this.leases.size === 0) this.over(why);
    else this.settle();
  }

  /** Its time runs while it has no stream, and nobody who keeps it holds it. */
  private settle(): void {
    clearTimeout(this.timer);
    const isHeld = [...this.leases].some(({ keep }) => keep);
    if (this.state === "over" || isHeld || this.isInUse) return;
    const { unserveTtlSeconds, unserveLingerSeconds } = this.options.settings();
    const [seconds, why] = this.isKept
      ? [unserveTtlSeconds, "its node did not come back within"]
      : this.wasUsed
        ? [unserveLingerSeconds, "nobody used it after its last connection for"]
        : [unserveTtlSeconds, "it was not used for"];
    this.timer = setTimeout(() => {
      this.over(`${why} ${seconds} s`);
    }, seconds * 1000);
  }

  private over(why: string): void {
    if (this.state === "open") this.options.onOver(why);
  }
}
