// The hub's gate: who stands before it without having proved anything yet. Bounds them in all and for each address, and
// makes those wait for their answer that showed no key; of IPv6, a whole /64. Knows sockets only to turn one away.
//
//   enter ──→ silent ──beginHandshake──→ handshake ──→ leave        a leg leaves by its ticket, straight from silent
//                    └──fail──→ failed, until it has its answer

import { performance } from "node:perf_hooks";
import type { Duplex } from "node:stream";
import { networkOf } from "../net/address.js";

export interface GateLimits {
  maxUnauthenticated: number;
  /** of those that began a handshake; of silent ones half of all may be of one address, see `enter` */
  maxUnauthenticatedPerAddress: number;
}

type Stage = "silent" | "handshake" | "failed";

interface Place {
  stage: Stage;
  /** those of one address that have come equally far; undefined: of nobody in particular */
  crowd: string | undefined;
  /** when it came, in ms of the gate's clock */
  since: number;
}

interface Bounds {
  inAll: number;
  perAddress: number;
}

interface Failures {
  count: number;
  at: number;
}

/** They cost little, and nobody needs them. */
const FAILED_BOUNDS: Bounds = { inAll: 1_024, perAddress: 64 };

const FIRST_DELAY_MS = 100;
const MAX_DELAY_MS = 2_000;
/** After this long without a wrong key an address is as good as any. */
const FORGET_MS = 60_000;
const MAX_REMEMBERED = 10_000;

export class Gate {
  /** oldest first */
  private readonly standing = new Map<Duplex, Place>();
  /** the same by how far they have come, and by crowd; oldest first in each */
  private readonly stages: Readonly<Record<Stage, Set<Duplex>>> = {
    silent: new Set(),
    handshake: new Set(),
    failed: new Set(),
  };
  private readonly crowds = new Map<string, Set<Duplex>>();
  private readonly failures = new Map<string, Failures>();
  private readonly bounds: Readonly<Record<Stage, Bounds>>;

  constructor(
    private readonly limits: GateLimits,
    private readonly now = () => performance.now(),
  ) {
    const { maxUnauthenticated: all, maxUnauthenticatedPerAddress: each } =
      limits;
    this.bounds = {
      silent: { inAll: all, perAddress: Math.max(Math.ceil(all / 2), each) },
      // Each is a TLS object of its own, with its buffers.
      handshake: {
        inAll: Math.max(Math.ceil(all / 4), each),
        perAddress: each,
      },
      failed: FAILED_BOUNDS,
    };
  }

  get size(): number {
    return this.standing.size;
  }

  /**
   * A newcomer, of which nothing is known yet. Where there are too many, one of those that failed goes; without such the
   * one that has been silent longest, not the newcomer: who has a key or a ticket needs milliseconds.
   *
   * Of one address half of all may be silent at the same time. A thousand users behind one NAT are two thousand legs,
   * which all stand here for the moment until they are read, and so does everybody behind a proxy whose header has
   * not come. What costs the hub work and lasts longer, a handshake, has the tighter bound.
   *
   * @param address undefined where it says nothing of who that is (a Unix socket): only the bound of all counts
   */
  enter(socket: Duplex, address: string | undefined): void {
    if (this.standing.size >= this.limits.maxUnauthenticated) this.makeRoom();
    this.standing.set(socket, {
      ...{ stage: "silent", crowd: undefined },
      since: this.now(),
    });
    this.join(socket, "silent", address);
  }

  /**
   * Somebody is to go, as there is hardly a descriptor for one who has come. False: there is nobody else.
   * @param sinceMs who came less than that ago stays: it may be the leg of a channel that was promised
   */
  makeRoom(newcomer?: Duplex, sinceMs = 0): boolean {
    const latest = this.now() - sinceMs;
    for (const those of [this.stages.failed, this.standing.keys()])
      for (const oldest of those) {
        if (oldest === newcomer) continue;
        if ((this.standing.get(oldest)?.since ?? 0) > latest) break;
        this.turnAway(oldest);
        return true;
      }
    return false;
  }

  /** Still silent, but its proxy has said whose it really is. */
  moveTo(socket: Duplex, address: string | undefined): void {
    this.join(socket, "silent", address);
  }

  /** It has shown a key of ours, and goes on from there. */
  beginHandshake(socket: Duplex, address: string | undefined): void {
    this.join(socket, "handshake", address);
  }

  /**
   * It has shown no key of ours. How long it has to wait for its answer, in ms: longer each time that this comes from
   * its address. Nobody else waits for that.
   */
  fail(socket: Duplex, address: string | undefined): number {
    this.join(socket, "failed", address);
    const network = address === undefined ? "" : networkOf(address);
    const count = (this.current(network)?.count ?? 0) + 1;
    this.failures.delete(network);
    const [oldest] = this.failures.keys();
    if (this.failures.size >= MAX_REMEMBERED && oldest !== undefined)
      this.failures.delete(oldest);
    this.failures.set(network, { count, at: this.now() });
    return Math.min(FIRST_DELAY_MS * 2 ** Math.min(count, 10), MAX_DELAY_MS);
  }

  /** It has proved what it is, or is gone. Idempotent. */
  leave(socket: Duplex): void {
    this.quit(socket);
    this.standing.delete(socket);
  }

  /** Turns everybody away. */
  close(): void {
    for (const socket of [...this.standing.keys()]) this.turnAway(socket);
  }

  private current(network: string): Failures | undefined {
    const failures = this.failures.get(network);
    if (failures === undefined || this.now() - failures.at < FORGET_MS)
      return failures;
    this.failures.delete(network);
    return undefined;
  }

  /** Does nothing for one that has been turned away meanwhile. */
  private join(
    socket: Duplex,
    stage: Stage,
    address: string | undefined,
  ): void {
    if (!this.standing.has(socket)) return;
    this.quit(socket);
    const crowd =
      address === undefined ? undefined : `${stage} ${networkOf(address)}`;
    const { inAll, perAddress } = this.bounds[stage];
    this.keepBelow(this.stages[stage], inAll);
    if (crowd !== undefined) {
      const known = this.crowds.get(crowd);
      if (known !== undefined) this.keepBelow(known, perAddress);
      // Only now: turning the last one of it away has dropped its set.
      const own = this.crowds.get(crowd) ?? new Set();
      this.crowds.set(crowd, own.add(socket));
    }
    this.stages[stage].add(socket);
    const since = this.standing.get(socket)?.since ?? this.now();
    this.standing.set(socket, { stage, crowd, since });
  }

  private keepBelow(those: ReadonlySet<Duplex>, bound: number): void {
    const [oldest] = those;
    if (those.size >= bound && oldest !== undefined) this.turnAway(oldest);
  }

  private quit(socket: Duplex): void {
    const place = this.standing.get(socket);
    if (place === undefined) return;
    this.stages[place.stage].delete(socket);
    if (place.crowd === undefined) return;
    const own = this.crowds.get(place.crowd);
    own?.delete(socket);
    if (own?.size === 0) this.crowds.delete(place.crowd);
  }

  private turnAway(socket: Duplex): void {
    this.leave(socket);
    socket.destroy();
  }
}
