// Stands in front of a service that speaks HTTP/1: passes requests on with another Host header, tells it what the user
// asked for, and lets nobody ask under a name that is not the service's. Owns the connections that it hands out.

import type { Duplex } from "node:stream";
import { createDuplexPair } from "../net/duplex-pair.js";
import { AllowedHosts } from "./hosts.js";
import { HttpVisit, type VisitLimits } from "./visit.js";

const LIMITS: VisitLimits = {
  idleMs: 75_000,
  lingerMs: 30_000,
  lingerMaxMs: 1_800_000,
  bodyMs: 30_000,
  breakMs: 5_000,
};

export interface HttpFrontOptions {
  /** the Host header that the service gets */
  host: string;
  /** the names that users may ask for, besides `host`, addresses and localhost; `*`: any */
  hosts: () => readonly string[];
  /** What a user says of himself in forwarding headers is passed on: a proxy stands in front of him. */
  trustsForwarded: boolean;
  /** Connects to the service. Rejects with VnetError; has a deadline of its own. */
  dial: () => Promise<Duplex>;
  limits?: Partial<VisitLimits>;
}

export class HttpFront {
  private readonly visits = new Set<HttpVisit>();

  constructor(private readonly options: HttpFrontOptions) {}

  /** A connection to the service through the front, as dial() would give one. `from`: the user's `ip:port`, or empty. */
  open(from: string): Duplex {
    const { a: near, b: user } = createDuplexPair();
    const { host, trustsForwarded, dial, limits } = this.options;
    const hosts = new AllowedHosts([host, ...this.options.hosts()]);
    const visit = new HttpVisit({
      user,
      route: { host, from, hosts, trustsForwarded },
      dial,
      limits: { ...LIMITS, ...limits },
      onClose: () => this.visits.delete(visit),
    });
    this.visits.add(visit);
    return near;
  }

  /** Cuts off all connections. Idempotent. */
  close(): void {
    for (const visit of [...this.visits]) visit.destroy();
  }
}
