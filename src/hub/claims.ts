// What the keys of each group hold, or held until they left: the name of a node, a static id, the name of a serve. Nobody
// else gets it for 30 days. Keeps order only: whom a node trusts is its own affair. Bounded; claims-file.ts keeps it on disk.

import { performance } from "node:perf_hooks";
import { SHARES, type Share } from "../config/config.js";
import { mayTake } from "./fair-share.js";

const CLAIM_KINDS = ["node", "serveid", "name"] as const;
export type ClaimKind = (typeof CLAIM_KINDS)[number];

/** Who claims. */
export interface Claimant {
  /** its identity, base64 */
  readonly key: string;
  /** how the node is called */
  readonly name: string;
  /** which of the hub's keys it came with */
  readonly credential: string;
  /** its network, empty: nobody's in particular */
  readonly crowd: string;
}

export interface Claim {
  readonly kind: ClaimKind;
  /** the node's name, the id's digits, or the serve's name */
  readonly what: string;
  readonly share: Share;
  /** that came with it: a node's vnetid, a name's serveid */
  readonly number: number;
  readonly holder: Readonly<Holder>;
}

/** One key in one group. */
interface Holder extends Claimant {
  group: string;
  name: string;
  credential: string;
  crowd: string;
  /** by the clock that nobody sets */
  seen: number;
  /** by the wall clock, as was written down: the clock of a machine may be years behind until it is set */
  seenBefore: number;
  /** its sessions at this moment */
  present: number;
  /** by slot, the oldest first */
  claims: Map<string, Claim>;
}

/** The holders of one network that came with one credential. */
interface Crowd {
  /** claims of all of them */
  size: number;
  holders: Set<Holder>;
  /** until then it has nothing to give up */
  barrenUntil: number;
}

/** A holder as it is kept. */
export interface KeptHolder extends Claimant {
  group: string;
  /** by the wall clock, which outlives the process */
  seen: number;
  claims: [kind: string, what: string, share: string, number: number][];
}

const DAY_MS = 86_400_000;
export const LAPSE_MS = 30 * DAY_MS;
/** That a key was seen is worth writing down this often. */
const SEEN_AGAIN_MS = 3_600_000;
/** A node with 999 serves has 999 names and at most 500 static ids. */
const MAX_OF_HOLDER = 2_000;
/** Of all who came with one of the hub's keys: one that leaked must not push out what others hold. */
const MAX_OF_CREDENTIAL = 20_000;
/** Of these the last ones are for networks that have few; see mayTake. */
const RESERVE_PERCENT = 10;
/** To look through them takes time, and somebody may make it necessary as often as he likes. */
const BARREN_MS = 1_000;

interface ClaimsOptions {
  /** the wall clock, which may be set at any time */
  now?: () => number;
  /** the one that only runs on */
  uptime?: () => number;
  maxOfCredential?: number;
}

export class Claims {
  private readonly groups = new Map<string, Map<string, Claim>>();
  private readonly holders = new Map<string, Holder>();
  private readonly counts = new Map<string, number>();
  private readonly crowds = new Map<string, Map<string, Crowd>>();
  private readonly now: () => number;
  private readonly uptime: () => number;
  private readonly max: number;
  /** there is something to be written */
  onChange: () => void = () => undefined;
  /** called before a claim stands in somebody's way: it may have been ended elsewhere */
  onLook: () => void = () => undefined;
  /** whether somebody who is here goes by it now; else it may make room for others */
  isUsed: (group: string, claim: Claim) => boolean = () => true;

  constructor(options: ClaimsOptions = {}) {
    const { now = Date.now, uptime, maxOfCredential } = options;
    this.now = now;
    this.uptime = uptime ?? (() => performance.now());
    this.max = maxOfCredential ?? MAX_OF_CREDENTIAL;
  }

  get(group: string, kind: ClaimKind, what: string): Claim | undefined {
    const claim = this.groups.get(group)?.get(slotOf(kind, what));
    if (claim === undefined || !this.hasLapsed(claim.holder)) return claim;
    this.dropHolder(claim.holder);
    return undefined;
  }

  /** As `get`, for one that would stand in the way of `key`. */
  inTheWay(
    group: string,
    kind: ClaimKind,
    what: string,
    key: string,
  ): Claim | undefined {
    const find = () => {
      const claim = this.get(group, kind, what);
      return claim?.holder.key === key ? undefined : claim;
    };
    if (find() === undefined) return undefined;
    this.onLook();
    return find();
  }

  of(group: string, key: string): Claim[] {
    return [...(this.holders.get(idOf(group, key))?.claims.values() ?? [])];
  }

  /** All of a group that have not lapsed. */
  inGroup(group: string): Claim[] {
    return [...(this.groups.get(group)?.values() ?? [])].filter(
      ({ holder }) => !this.hasLapsed(holder),
    );
  }

  /** Somebody else's claim of the same ends. Where there is no room for it, it is not remembered. */
  put(
    group: string,
    claimant: Claimant,
    { kind, what, share, number }: Omit<Claim, "holder">,
  ): void {
    const slot = slotOf(kind, what);
    const before = this.groups.get(group)?.get(slot);
    if (before?.holder.key === claimant.key) {
      const isSame = before.share === share && before.number === number;
      if (isSame && before.holder.name === claimant.name) return;
    }
    if (before !== undefined) this.drop(before);
    const holder = this.holder(group, claimant);
    if (holder.claims.size >= MAX_OF_HOLDER) this.dropOldest(holder);
    if (!this.makeRoom(holder)) {
      this.letGo(holder);
      return;
    }
    const claim = { kind, what, share, number, holder };
    holder.claims.set(slot, claim);
    let slots = this.groups.get(group);
    if (slots === undefined)
      this.groups.set(group, (slots = new Map<string, Claim>()));
    slots.set(slot, claim);
    this.count(holder, 1);
    this.onChange();
  }

  /** Its holder gives it up. False: it is not that key's. */
  release(group: string, kind: ClaimKind, what: string, key: string): boolean {
    const claim = this.groups.get(group)?.get(slotOf(kind, what));
    if (claim?.holder.key !== key) return false;
    this.drop(claim);
    this.onChange();
    return true;
  }

  /** What it had counts from now on as that of the network and the credential with which it comes. */
  came(group: string, claimant: Claimant): void {
    const holder = this.holder(group, claimant);
    const { credential, crowd } = claimant;
    if (holder.credential !== credential || holder.crowd !== crowd) {
      this.leaveCrowd(holder);
      Object.assign(holder, { credential, crowd });
      this.enterCrowd(holder);
      this.onChange();
    }
    holder.present++;
    this.see(holder);
  }

  left(group: string, key: string): void {
    const holder = this.holders.get(idOf(group, key));
    if (holder === undefined) return;
    holder.present = Math.max(0, holder.present - 1);
    this.see(holder);
    this.letGo(holder);
  }

  /** Every claim of that name or id ends; says whose they were. */
  forget(group: string, what: string): Claim[] {
    const found = CLAIM_KINDS.flatMap(
      (kind) => this.groups.get(group)?.get(slotOf(kind, what)) ?? [],
    );
    for (const claim of found) this.drop(claim);
    if (found.length > 0) this.onChange();
    return found;
  }

  /** What is to be written down. Those that are here are seen now. */
  kept(): KeptHolder[] {
    return [...this.holders.values()].flatMap((holder) => {
      if (holder.present > 0) holder.seen = this.uptime();
      if (this.hasLapsed(holder) || holder.claims.size === 0) return [];
      const { group, key, name, credential, crowd, seenBefore } = holder;
      const awayMs = this.uptime() - holder.seen;
      // A clock that was behind and is not set yet makes nobody older.
      const seen = Math.max(seenBefore, Math.round(this.now() - awayMs));
      const claims = [...holder.claims.values()].map(
        ({ kind, what, share, number }): KeptHolder["claims"][number] => {
          return [kind, what, share, number];
        },
      );
      return { group, key, name, credential, crowd, seen, claims };
    });
  }

  /** What was written down; nobody of it is here yet. */
  restore(kept: readonly KeptHolder[]): void {
    for (const { group, seen, claims, ...claimant } of kept) {
      for (const [kind, what, share, number] of claims)
        if (isOneOf(CLAIM_KINDS, kind) && isOneOf(SHARES, share))
          this.put(group, claimant, { kind, what, share, number });
      const holder = this.holders.get(idOf(group, claimant.key));
      if (holder === undefined) continue;
      holder.seen = this.uptime() - Math.max(0, this.now() - seen);
      holder.seenBefore = seen;
    }
  }

  private hasLapsed({ present, seen }: Readonly<Holder>): boolean {
    return present === 0 && this.uptime() - seen > LAPSE_MS;
  }

  private holder(group: string, claimant: Claimant): Holder {
    const id = idOf(group, claimant.key);
    const known = this.holders.get(id);
    if (known !== undefined) {
      known.name = claimant.name;
      return known;
    }
    const { key, name, credential, crowd } = claimant;
    const made: Holder = {
      ...{ group, key, name, credential, crowd },
      ...{ seen: this.uptime(), seenBefore: 0, present: 0 },
      claims: new Map<string, Claim>(),
    };
    this.holders.set(id, made);
    this.enterCrowd(made);
    return made;
  }

  private see(holder: Holder): void {
    const now = this.uptime();
    if (now - holder.seen > SEEN_AGAIN_MS) this.onChange();
    holder.seen = now;
  }

  private drop(claim: Claim): void {
    const { kind, what } = claim;
    const slot = slotOf(kind, what);
    const holder = this.holders.get(idOf(claim.holder.group, claim.holder.key));
    if (holder?.claims.delete(slot) !== true) return;
    const slots = this.groups.get(holder.group);
    slots?.delete(slot);
    if (slots?.size === 0) this.groups.delete(holder.group);
    this.count(holder, -1);
    this.letGo(holder);
  }

  private dropHolder(holder: Readonly<Holder>): void {
    for (const claim of [...holder.claims.values()]) this.drop(claim);
  }

  private dropOldest(holder: Holder): void {
    const claims = [...holder.claims.values()];
    const unused = claims.find((claim) => !this.isInUse(claim));
    const oldest = unused ?? claims[0];
    if (oldest !== undefined) this.drop(oldest);
  }

  /** Forgets one that neither is here nor has anything. */
  private letGo(holder: Holder): void {
    if (holder.present > 0 || holder.claims.size > 0) return;
    if (this.holders.delete(idOf(holder.group, holder.key)))
      this.leaveCrowd(holder);
  }

  private enterCrowd(holder: Holder): void {
    const { credential, crowd: name, claims } = holder;
    const crowds = this.crowds.get(credential) ?? new Map<string, Crowd>();
    this.crowds.set(credential, crowds);
    const crowd = crowds.get(name) ?? {
      ...{ size: 0, barrenUntil: -Infinity },
      holders: new Set<Holder>(),
    };
    crowds.set(name, crowd);
    crowd.holders.add(holder);
    this.count(holder, claims.size);
  }

  private leaveCrowd(holder: Holder): void {
    const { credential, crowd: name, claims } = holder;
    this.count(holder, -claims.size);
    const crowds = this.crowds.get(credential);
    const crowd = crowds?.get(name);
    crowd?.holders.delete(holder);
    if (crowd?.holders.size === 0) crowds?.delete(name);
    if (crowds?.size === 0) this.crowds.delete(credential);
  }

  private count({ credential, crowd: name }: Holder, change: number): void {
    const crowd = this.crowds.get(credential)?.get(name);
    if (crowd !== undefined) crowd.size += change;
    const count = (this.counts.get(credential) ?? 0) + change;
    if (count > 0) this.counts.set(credential, count);
    else this.counts.delete(credential);
  }

  private isInUse(claim: Claim): boolean {
    const { present, group } = claim.holder;
    return present > 0 && this.isUsed(group, claim);
  }

  /**
   * Room for one more of that holder. Where there is none, somebody gives up what nobody goes by now: of a network that
   * has more than its own, the largest first, else of its own. So who fills it all up pays with what it has itself. False:
   * there is nothing of that kind.
   */
  private makeRoom(asker: Holder): boolean {
    const { credential, crowd } = asker;
    const crowds = this.crowds.get(credential);
    const own = crowds?.get(crowd);
    if (crowds === undefined || own === undefined) return false;
    const isEnough = () => {
      const free = this.max - (this.counts.get(credential) ?? 0);
      // One that is nobody's in particular is everybody's.
      if (crowd === "") return free > 0;
      return mayTake("address", own.size, free, RESERVE_PERCENT);
    };
    if (isEnough()) return true;
    const larger = [...crowds.values()]
      .filter(({ size }) => size > own.size)
      .sort((a, b) => b.size - a.size);
    return [...larger, own].some((giver) =>
      this.giveUp(giver, asker, isEnough),
    );
  }

  /** Claims of those that are here and do not use them, first the asker's; then of those that were away longest. */
  private giveUp(
    crowd: Crowd,
    asker: Holder,
    isEnough: () => boolean,
  ): boolean {
    const now = this.uptime();
    if (now < crowd.barrenUntil) return false;
    const others = [...crowd.holders].filter((holder) => holder !== asker);
    const here = others.filter(({ present }) => present > 0);
    const isOfCrowd = crowd.holders.has(asker);
    for (const holder of isOfCrowd ? [asker, ...here] : here)
      for (const claim of [...holder.claims.values()]) {
        if (this.isInUse(claim)) continue;
        this.drop(claim);
        if (isEnough()) return true;
      }
    const away = others.filter(({ present }) => present === 0);
    for (const holder of away.sort((a, b) => a.seen - b.seen)) {
      this.dropHolder(holder);
      if (isEnough()) return true;
    }
    crowd.barrenUntil = now + BARREN_MS;
    return false;
  }
}

function slotOf(kind: ClaimKind, what: string): string {
  return `${kind} ${what}`;
}

function idOf(group: string, key: string): string {
  return `${key} ${group}`;
}

function isOneOf<T extends string>(
  words: readonly T[],
  word: string,
): word is T {
  return words.some((known) => known === word);
}
