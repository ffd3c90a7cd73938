// The hub's gate: who stands before it without having proved anything yet. Bounds them in all and for each address,
// and makes an address that showed wrong keys wait; of IPv6, a whole /64. Knows sockets only to turn the longest waiting one away.
//
//   enter ──→ silent ──beginHandshake──→ handshake ──→ leave        a leg leaves by its ticket, straight from silent

import { performance } from "node:perf_hooks";
import type { Duplex } from "node:stream";
import { networkOf } from "../net/address.js";

export interface GateLimits {
  maxUnauthenticated: number;
  /** of those that began a handshake; of silent ones half of all may be of one address, see `enter` */
  maxUnauthenticatedPerAddress: number;
}

/** Those of one address that have come equally far, oldest first; undefined: of nobody in particular. */
type Crowd = string | undefined;

interface Failures {
  count: number;
  at: number;
}

const FIRST_DELAY_MS = 100;
const MAX_DELAY_MS = 2_000;
/** After this long without a wrong key an address is as good as any. */
const FORGET_MS = 60_000;
const MAX_REMEMBERED = 10_000;

export class Gate {
  /** oldest first */
  private readonly standing = new Map<Duplex, Crowd>();
  private readonly crowds = new Map<string, Set<Duplex>>();
  private readonly failures = new Map<string, Failures>();

  constructor(
    private readonly limits: GateLimits,
    private readonly now = () => performance.now(),
  ) {}

  get size(): number {
    return this.standing.size;
  }

  /**
   * A newcomer, of which nothing is known yet. Where there are too many, the one that has been silent longest goes, not
   * the newcomer: who has a key or a ticket needs milliseconds.
   *
   * Of one address half of all may be silent at the same time. A thousand users behind one NAT are two thousand legs,
   * which all stand here for the moment until they are read, and so does everybody behind a proxy whose header has
   * not come. What costs the hub work and lasts longer, a handshake, has the tighter bound.
   *
   * @param address undefined where it says nothing of who that is (a Unix socket): only the bound of all counts
   */
  enter(socket: Duplex, address: string | undefined): void {
    const [oldest] = this.standing.keys();
    if (this.standing.size >= this.limits.maxUnauthenticated && oldest)
      this.turnAway(oldest);
    this.standing.set(socket, undefined);
    this.moveTo(socket, address);
  }

  /** Somebody came for whom there is hardly a descriptor: of the others, the one that came first goes. */
  makeRoom(newcomer: Duplex): void {
    const [oldest] = this.standing.keys();
    if (oldest !== undefined && oldest !== newcomer) this.turnAway(oldest);
  }

  /** Still silent, but its proxy has said whose it really is. */
  moveTo(socket: Duplex, address: string | undefined): void {
    const { maxUnauthenticated, maxUnauthenticatedPerAddress } = this.limits;
    const half = Math.ceil(maxUnauthenticated / 2);
    const bound = Math.max(half, maxUnauthenticatedPerAddress);
    this.join(socket, address && `silent ${networkOf(address)}`, bound);
  }

  /** It is no leg: it has to show a key. */
  beginHandshake(socket: Duplex, address: string | undefined): void {
    const bound = this.limits.maxUnauthenticatedPerAddress;
    this.join(socket, address && `handshake ${networkOf(address)}`, bound);
  }

  /** It has proved what it is, or is gone. Idempotent. */
  leave(socket: Duplex): void {
    this.quit(socket);
    this.standing.delete(socket);
  }

  /** A wrong key came from there. */
  failed(address: string): void {
    const network = networkOf(address);
    const count = (this.current(network)?.count ?? 0) + 1;
    this.failures.delete(network);
    const [oldest] = this.failures.keys();
    if (this.failures.size >= MAX_REMEMBERED && oldest !== undefined)
      this.failures.delete(oldest);
    this.failures.set(network, { count, at: this.now() });
  }

  /** How long the next handshake from there has to wait, in ms. */
  delayMs(address: string): number {
    const count = this.current(networkOf(address))?.count ?? 0;
    if (count === 0) return 0;
    return Math.min(FIRST_DELAY_MS * 2 ** Math.min(count, 10), MAX_DELAY_MS);
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
  private join(socket: Duplex, crowd: Crowd, bound: number): void {
    if (!this.standing.has(socket)) return;
    this.quit(socket);
    this.standing.set(socket, crowd);
    if (crowd === undefined) return;
    const own = this.crowds.get(crowd) ?? new Set();
    const [oldest] = own;
    if (own.size >= bound && oldest) this.turnAway(oldest);
    own.add(socket);
    // Only now: turning the last one of it away has dropped its set.
    this.crowds.set(crowd, own);
  }

  private quit(socket: Duplex): void {
    const crowd = this.standing.get(socket);
    if (crowd === undefined) return;
    const own = this.crowds.get(crowd);
    own?.delete(socket);
    if (own?.size === 0) this.crowds.delete(crowd);
  }

  private turnAway(socket: Duplex): void {
    this.leave(socket);
    socket.destroy();
  }
}
