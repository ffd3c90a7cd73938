// What the keys of each group hold, or held until they left: the name of a node, a static id, the name of a serve. Nobody
// else gets it for 30 days. Keeps order only: whom a node trusts is its own affair. Bounded; claims-file.ts keeps it on disk.

import { SHARES, type Share } from "../config/config.js";

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
  /** by the wall clock, as it outlives this process */
  seen: number;
  /** its sessions at this moment */
  present: number;
  /** by slot, the oldest first */
  claims: Map<string, Claim>;
}

/** A holder as it is kept. */
export interface KeptHolder extends Claimant {
  group: string;
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

interface ClaimsOptions {
  now?: () => number;
  maxOfCredential?: number;
}

export class Claims {
  private readonly groups = new Map<string, Map<string, Claim>>();
  private readonly holders = new Map<string, Holder>();
  private readonly counts = new Map<string, number>();
  private readonly now: () => number;
  private readonly max: number;
  /** there is something to be written */
  onChange: () => void = () => undefined;
  /** called before a claim stands in somebody's way: it may have been ended elsewhere */
  onLook: () => void = () => undefined;

  constructor({ now = Date.now, maxOfCredential }: ClaimsOptions = {}) {
    this.now = now;
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
    if (!this.makeRoom(claimant.credential)) return;
    const holder = this.holder(group, claimant);
    const [oldest] = holder.claims.values();
    if (holder.claims.size >= MAX_OF_HOLDER && oldest) this.drop(oldest);
    const claim = { kind, what, share, number, holder };
    holder.claims.set(slot, claim);
    let slots = this.groups.get(group);
    if (slots === undefined)
      this.groups.set(group, (slots = new Map<string, Claim>()));
    slots.set(slot, claim);
    this.count(holder.credential, 1);
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

  came(group: string, claimant: Claimant): void {
    const holder = this.holder(group, claimant);
    holder.present++;
    this.see(holder);
  }

  left(group: string, key: string): void {
    const holder = this.holders.get(idOf(group, key));
    if (holder === undefined) return;
    holder.present = Math.max(0, holder.present - 1);
    this.see(holder);
    if (holder.present === 0 && holder.claims.size === 0)
      this.holders.delete(idOf(group, key));
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
    const now = this.now();
    return [...this.holders.values()].flatMap((holder) => {
      if (holder.present > 0) holder.seen = now;
      if (this.hasLapsed(holder) || holder.claims.size === 0) return [];
      const { group, key, name, credential, crowd, seen } = holder;
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
      if (holder !== undefined) holder.seen = Math.min(seen, this.now());
    }
  }

  private hasLapsed({ present, seen }: Readonly<Holder>): boolean {
    return present === 0 && this.now() - seen > LAPSE_MS;
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
      ...{ seen: this.now(), present: 0 },
      claims: new Map<string, Claim>(),
    };
    this.holders.set(id, made);
    return made;
  }

  private see(holder: Holder): void {
    const now = this.now();
    if (now - holder.seen > SEEN_AGAIN_MS) this.onChange();
    holder.seen = now;
  }

  private drop(claim: Claim): void {
    const { holder, kind, what } = claim;
    const slot = slotOf(kind, what);
    const known = this.holders.get(idOf(holder.group, holder.key));
    if (known?.claims.delete(slot) !== true) return;
    const slots = this.groups.get(holder.group);
    slots?.delete(slot);
    if (slots?.size === 0) this.groups.delete(holder.group);
    this.count(holder.credential, -1);
    if (known.present === 0 && known.claims.size === 0)
      this.holders.delete(idOf(holder.group, holder.key));
  }

  private dropHolder(holder: Readonly<Holder>): void {
    for (const claim of [...holder.claims.values()]) this.drop(claim);
  }

  private count(credential: string, change: number): void {
    const count = (this.counts.get(credential) ?? 0) + change;
    if (count > 0) this.counts.set(credential, count);
    else this.counts.delete(credential);
  }

  /**
   * Where there are too many, those go that were away longest, of the network that has most: who makes up keys by the
   * thousand pushes out its own. False: all of them are here.
   */
  private makeRoom(credential: string): boolean {
    const count = () => this.counts.get(credential) ?? 0;
    if (count() < this.max) return true;
    const crowds = new Map<string, { size: number; away: Holder[] }>();
    for (const holder of this.holders.values()) {
      if (holder.credential !== credential) continue;
      const crowd = crowds.get(holder.crowd) ?? { size: 0, away: [] };
      crowd.size += holder.claims.size;
      if (holder.present === 0) crowd.away.push(holder);
      crowds.set(holder.crowd, crowd);
    }
    for (const { away } of crowds.values())
      away.sort((a, b) => b.seen - a.seen);
    // A few more than needed, so that this is rare.
    while (count() > this.max * 0.95) {
      const [largest] = [...crowds.values()]
        .filter(({ away }) => away.length > 0)
        .sort((a, b) => b.size - a.size);
      const gone = largest?.away.pop();
      if (largest === undefined || gone === undefined) break;
      largest.size -= gone.claims.size;
      this.dropHolder(gone);
    }
    return count() < this.max;
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
