// The hub's gate: who stands before it without having proved anything yet. Bounds them in all and for each address,
// and makes an address that showed wrong keys wait. Knows sockets only to turn the longest waiting one away.

import type { Duplex } from "node:stream";

export interface GateLimits {
  maxUnauthenticated: number;
  maxUnauthenticatedPerAddress: number;
}

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
  private readonly standing = new Map<Duplex, string>();
  private readonly byAddress = new Map<string, Set<Duplex>>();
  private readonly failures = new Map<string, Failures>();

  constructor(
    private readonly limits: GateLimits,
    private readonly now: () => number = Date.now,
  ) {}

  get size(): number {
    return this.standing.size;
  }

  /**
   * A newcomer. Where there are too many, the one that has been silent longest goes, not the newcomer: who has a key
   * needs milliseconds.
   */
  enter(socket: Duplex, address: string): void {
    const own = this.byAddress.get(address) ?? new Set();
    const [oldestOwn] = own;
    if (own.size >= this.limits.maxUnauthenticatedPerAddress && oldestOwn)
      this.turnAway(oldestOwn);
    const [oldest] = this.standing.keys();
    if (this.standing.size >= this.limits.maxUnauthenticated && oldest)
      this.turnAway(oldest);
    this.standing.set(socket, address);
    own.add(socket);
    // Only now: turning the last one of the address away has dropped its set.
    this.byAddress.set(address, own);
  }

  /** It has proved what it is, or is gone. Idempotent. */
  leave(socket: Duplex): void {
    const address = this.standing.get(socket);
    if (address === undefined) return;
    this.standing.delete(socket);
    const own = this.byAddress.get(address);
    own?.delete(socket);
    if (own?.size === 0) this.byAddress.delete(address);
  }

  /** A wrong key came from there. */
  failed(address: string): void {
    const count = (this.current(address)?.count ?? 0) + 1;
    this.failures.delete(address);
    const [oldest] = this.failures.keys();
    if (this.failures.size >= MAX_REMEMBERED && oldest !== undefined)
      this.failures.delete(oldest);
    this.failures.set(address, { count, at: this.now() });
  }

  /** How long the next handshake from there has to wait, in ms. */
  delayMs(address: string): number {
    const count = this.current(address)?.count ?? 0;
    if (count === 0) return 0;
    return Math.min(FIRST_DELAY_MS * 2 ** Math.min(count, 10), MAX_DELAY_MS);
  }

  /** Turns everybody away. */
  close(): void {
    for (const socket of [...this.standing.keys()]) this.turnAway(socket);
  }

  private current(address: string): Failures | undefined {
    const failures = this.failures.get(address);
    if (failures === undefined || this.now() - failures.at < FORGET_MS)
      return failures;
    this.failures.delete(address);
    return undefined;
  }

  private turnAway(socket: Duplex): void {
    this.leave(socket);
    socket.destroy();
  }
}
