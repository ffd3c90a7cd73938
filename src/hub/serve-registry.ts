// The serves of one group: who holds which serveid, and the rules by which ids are given (docs/architecture.md).
// Tells nobody; the group publishes what changed.

import { formatServeid, SERVEID } from "../config/config.js";
import { fingerprintOf } from "../keys/fingerprint.js";
import { VnetError } from "../errors.js";
import { quoted } from "../printable.js";
import type { ServeParticulars } from "../wire/fields.js";
import type { Claim, Claimant, Claims } from "./claims.js";
import { mayTake, type Level } from "./fair-share.js";
import { IdPool } from "./id-pool.js";

export interface RegisteredServe<Owner> extends ServeParticulars {
  serveid: number;
  owner: Owner;
  /** by the wall clock, and never the same twice */
  since: number;
}

export interface Holder extends Claimant {
  /** how people tell it apart: `01 (home)` */
  readonly title: string;
}

export interface RegistryOptions {
  group: string;
  claims: Claims;
  restMs: number;
  now: () => number;
  /** see mayTake; 0: nothing is kept */
  reservePercent?: number;
  /** absent: Date.now, which outlives this process */
  clock?: () => number;
}

/** What it wants to be with an id. */
type Wanted = Pick<ServeParticulars, "share" | "name">;

/** So many share one id: whoever has an authkey may join, and each member hears of all. */
export const MAX_HOLDERS = 256;

export class ServeRegistry<Owner extends Holder> {
  /** in the order of registration; more than one with an id only where all of them share it in the same way */
  private readonly serves = new Map<number, RegisteredServe<Owner>[]>();
  private readonly byOwner = new Map<Owner, Set<RegisteredServe<Owner>>>();
  private readonly byName = new Map<string, Set<RegisteredServe<Owner>>>();
  private readonly dynamicIds: IdPool;
  private count = 0;
  private latest = 0;

  constructor(private readonly options: RegistryOptions) {
    const { restMs, now, claims, group } = options;
    const [min, max] = [SERVEID.min, SERVEID.staticMin - 1];
    this.dynamicIds = new IdPool({ restMs, now, min, max });
    // The hub was away: what its nodes had before is theirs for a while, as if they had just left.
    for (const { kind, number, what, share, holder } of claims.inGroup(group))
      if (kind === "name") {
        const owner = mark(holder, { name: what, share });
        this.dynamicIds.rest(number, owner, crowdOf(holder));
      }
  }

  /** All that have this id; empty: nobody. */
  holders(serveid: number): readonly RegisteredServe<Owner>[] {
    return this.serves.get(serveid) ?? [];
  }

  *all(): Iterable<RegisteredServe<Owner>> {
    for (const holders of this.serves.values()) yield* holders;
  }

  get size(): number {
    return this.count;
  }

  ofOwner(owner: Owner): readonly RegisteredServe<Owner>[] {
    return [...(this.byOwner.get(owner) ?? [])];
  }

  /** In the order in which they came. */
  named(name: string): readonly RegisteredServe<Owner>[] {
    return [...(this.byName.get(name) ?? [])];
  }

  /** Whether the name is another key's, which had it first: then a use by the bare name does not mean this one. */
  isNamesake({ name, share, owner }: RegisteredServe<Owner>): boolean {
    const { claims, group } = this.options;
    const claim = claims.get(group, "name", name);
    if (claim === undefined || claim.holder.key === owner.key) return false;
    return share === "exclusive" || claim.share !== share;
  }

  /**
   * Its owner gives it up: id and name are free at once for whoever wants them. Without that they are kept for the owner.
   * True: others that have the name may have it now.
   */
  release(serve: RegisteredServe<Owner>): boolean {
    const { claims, group } = this.options;
    const { serveid, name, owner } = serve;
    const [heir] = this.holders(serveid);
    claims.release(group, "serveid", String(serveid), owner.key);
    if (heir !== undefined) this.claim(heir);
    const isStillIts = this.named(name).some(
      (other) => other.owner.key === owner.key,
    );
    if (isStillIts || !claims.release(group, "name", name, owner.key))
      return false;
    return this.passName(name);
  }

  /** The first of those that have that name gets it, where it is nobody's. True: there is one. */
  passName(name: string): boolean {
    const { claims, group } = this.options;
    const [first] = this.named(name);
    if (first === undefined) return false;
    if (claims.get(group, "name", name) === undefined) this.claimName(first);
    return true;
  }

  /**
   * New particulars of what stays registered. What is shared keeps what those who share it have agreed on, with the one
   * whose id it is, too, while that is away.
   */
  update(serve: RegisteredServe<Owner>, particulars: ServeParticulars): void {
    const before = { ...serve };
    const { share, name } = serve;
    const isShared =
      this.holders(serve.serveid).length > 1 || this.isLent(serve);
    Object.assign(
      serve,
      { service: "up" },
      particulars,
      isShared && { share, name },
    );
    if (before.name === serve.name && before.share === serve.share) return;
    if (before.name !== serve.name) {
      removeFrom(this.byName, before.name, serve);
      addTo(this.byName, serve.name, serve);
    }
    this.release(before);
    this.claim(serve);
  }

  /**
   * Throws VnetError `refused` when a static id is held or no dynamic one is left.
   * @param since it was registered then, says its owner
   * @param onEnded called with each of those that had its id and do not fit its new owner, whose it is
   */
  register(
    owner: Owner,
    wanted: number,
    particulars: ServeParticulars,
    since?: number,
    onEnded: (serve: RegisteredServe<Owner>) => void = () => undefined,
  ): RegisteredServe<Owner> {
    const misfits = this.misfits(owner, wanted, particulars);
    this.refuseHeld(owner, wanted, particulars, misfits);
    for (const misfit of misfits) {
      this.remove(misfit);
      onEnded(misfit);
    }
    const serveid = this.takeId(owner, wanted, particulars);
    const serve = { ...particulars, serveid, owner, since: this.stamp(since) };
    this.serves.set(serveid, [...this.holders(serveid), serve]);
    this.list(serve);
    this.count++;
    this.claim(serve);
    return serve;
  }

  remove(serve: RegisteredServe<Owner>): void {
    const { serveid } = serve;
    const holders = this.holders(serveid);
    const rest = holders.filter((holder) => holder !== serve);
    if (rest.length === holders.length) return;
    this.count--;
    this.unlist(serve);
    if (rest.length > 0) {
      this.serves.set(serveid, rest);
      return;
    }
    this.serves.delete(serveid);
    if (serveid < SERVEID.staticMin)
      this.dynamicIds.free(
        serveid,
        mark(serve.owner, serve),
        crowdOf(serve.owner),
      );
  }

  private list(serve: RegisteredServe<Owner>): void {
    addTo(this.byOwner, serve.owner, serve);
    addTo(this.byName, serve.name, serve);
  }

  private unlist(serve: RegisteredServe<Owner>): void {
    removeFrom(this.byOwner, serve.owner, serve);
    removeFrom(this.byName, serve.name, serve);
  }

  /** The id where it is static, and the name where it is nobody's; a shared one stays whose it was first. */
  private claim(serve: RegisteredServe<Owner>): void {
    const { claims, group } = this.options;
    const { serveid, share, owner } = serve;
    const what = String(serveid);
    const held = claims.get(group, "serveid", what);
    const isFree = held === undefined || held.holder.key === owner.key;
    if (serveid >= SERVEID.staticMin && isFree)
      claims.put(group, owner, { kind: "serveid", what, share, number: 0 });
    this.claimName(serve);
  }

  /** Whose the id is: a static one by its claim, a dynamic one with the name. */
  private claimOf(serveid: number, name: string): Claim | undefined {
    const { claims, group } = this.options;
    if (serveid >= SERVEID.staticMin)
      return claims.get(group, "serveid", String(serveid));
    const claim = claims.get(group, "name", name);
    return claim?.number === serveid ? claim : undefined;
  }

  /** Whether it has its id only because the one whose that is shares it. */
  private isLent(serve: RegisteredServe<Owner>): boolean {
    const { serveid, name, share, owner } = serve;
    const claim = this.claimOf(serveid, name);
    if (claim === undefined || claim.holder.key === owner.key) return false;
    return claim.share === share && share !== "exclusive";
  }

  /** Of those who have that static id, who may not have it beside that owner, whose it is. */
  private misfits(
    owner: Owner,
    wanted: number,
    { share, name }: Wanted,
  ): RegisteredServe<Owner>[] {
    if (wanted < SERVEID.staticMin) return [];
    if (this.claimOf(wanted, name)?.holder.key !== owner.key) return [];
    const fits = (serve: RegisteredServe<Owner>) =>
      share !== "exclusive" &&
      serve.share === share &&
      (share === "takeover" || serve.name === name);
    return this.holders(wanted).filter(
      (serve) => serve.owner.key !== owner.key && !fits(serve),
    );
  }

  private claimName(serve: RegisteredServe<Owner>): void {
    const { claims, group } = this.options;
    const { name: what, share, owner, serveid: number } = serve;
    if (claims.inTheWay(group, "name", what, owner.key) !== undefined) return;
    claims.put(group, owner, { kind: "name", what, share, number });
  }

  /** When it came: what was said by its owner is believed where it makes it no later than it is. */
  private stamp(since?: number): number {
    const { clock = Date.now } = this.options;
    const now = Math.max(clock(), this.latest + 1);
    if (since !== undefined && since < now) return since;
    this.latest = now;
    return now;
  }

  /** A static id is given as asked for or not at all. */
  private refuseHeld(
    owner: Owner,
    wanted: number,
    { share, name }: Wanted,
    misfits: readonly RegisteredServe<Owner>[],
  ): void {
    if (wanted < SERVEID.staticMin) return;
    const holders = this.holders(wanted).filter(
      (serve) => !misfits.includes(serve),
    );
    const [holder] = holders;
    if (holder === undefined) {
      this.refuseClaimed(owner, wanted, { share, name });
      return;
    }
    const by = `serveid ${formatServeid(wanted)} is held by vnet ${holder.owner.title}, serve ${quoted(holder.name)}`;
    if (share === "exclusive") throw new VnetError("refused", by);
    if (holder.share !== share)
      throw new VnetError(
        "refused",
        `${by}, which has share=${holder.share}; share=${share} must be set on both`,
      );
    if (share === "balance" && holder.name !== name)
      throw new VnetError(
        "refused",
        `${by}; serves that are balanced under one id have one name`,
      );
    if (holders.some((serve) => serve.owner === owner))
      throw new VnetError(
        "refused",
        `serveid ${formatServeid(wanted)} is this node's already; give the second one another id, and use them by name`,
      );
    if (!this.hasRoom(owner, wanted, name))
      throw new VnetError(
        "refused",
        `serveid ${formatServeid(wanted)} is shared by ${holders.length} nodes already, of ${MAX_HOLDERS}; the last places are kept for other addresses`,
      );
  }

  /** The last ids of each range are for those who have few. */
  private refuseGreedy(owner: Owner, wanted: number): void {
    const { claims, group, reservePercent = 0 } = this.options;
    if (reservePercent === 0) return;
    const isStatic = wanted >= SERVEID.staticMin;
    const first = isStatic ? SERVEID.staticMin : SERVEID.min;
    const last = isStatic ? SERVEID.max : SERVEID.staticMin - 1;
    const held = { all: 0, identity: 0, address: 0 };
    for (let id = first; id <= last; id++) {
      const [serve] = this.holders(id);
      const holder =
        serve?.owner ??
        (isStatic
          ? claims.get(group, "serveid", String(id))?.holder
          : undefined);
      if (holder === undefined) continue;
      // What it had, it may have again.
      if (id === wanted && holder.key === owner.key) return;
      held.all++;
      if (holder.key === owner.key) held.identity++;
      if (holder.crowd === owner.crowd) held.address++;
    }
    const total = last - first + 1;
    const refuseIf = (level: Level, who: string) => {
      const free = total - held.all;
      if (free <= 0 || mayTake(level, held[level], free, reservePercent))
        return;
      throw new VnetError(
        "refused",
        `${who} ${held[level]} of the group's ${total} ${isStatic ? "static" : "dynamic"} serveids; the last ones are kept for nodes that have few ([limits] reserve)`,
      );
    };
    refuseIf("identity", "this node has");
    if (owner.crowd !== "") refuseIf("address", "nodes of this address have");
  }

  /** Nobody has it now, but somebody had, and may come back; who shares it in the same way has agreed to others. */
  private refuseClaimed(
    owner: Owner,
    wanted: number,
    { share, name }: Wanted,
  ): void {
    const { claims, group } = this.options;
    const what = String(wanted);
    const claim = claims.inTheWay(group, "serveid", what, owner.key);
    if (claim === undefined) return;
    const known = this.nameUnder(wanted, claim);
    const isNamed = share === "takeover" || (known ?? name) === name;
    if (share !== "exclusive" && share === claim.share && isNamed) return;
    throw new VnetError(
      "refused",
      `serveid ${formatServeid(wanted)} is kept for ${formatHolder(claim)}, which had it last; take another id, or ask the hub's operator for \`./route forget ${formatServeid(wanted)}\``,
    );
  }

  /** How the serve was called that had that id last, where the one whose it is has the name, too. */
  private nameUnder(serveid: number, { holder }: Claim): string | undefined {
    const { claims, group } = this.options;
    return claims
      .of(group, holder.key)
      .find(({ kind, number }) => kind === "name" && number === serveid)?.what;
  }

  private takeId(
    owner: Owner,
    wanted: number,
    particulars: ServeParticulars,
  ): number {
    const id =
      wanted === SERVEID.none ? this.knownId(owner, particulars) : wanted;
    if (this.mayShare(owner, id, particulars)) return id;
    this.refuseGreedy(owner, id);
    if (id >= SERVEID.staticMin) return id;
    const given = this.dynamicIds.take(id, mark(owner, particulars));
    if (given !== null) return given;
    throw new VnetError(
      "refused",
      `all dynamic serveids (1-${SERVEID.staticMin - 1}) of the group are taken; use a static one (${SERVEID.staticMin}-${SERVEID.max})`,
    );
  }

  /** Whoever takes over and has no id of its own in mind goes on under the one that people know. */
  private knownId(owner: Owner, particulars: ServeParticulars): number {
    if (particulars.share !== "takeover") return SERVEID.none;
    const named = this.named(particulars.name);
    const ids = new Set(named.map(({ serveid }) => serveid));
    for (const id of ids) if (this.mayShare(owner, id, particulars)) return id;
    return SERVEID.none;
  }

  private mayShare(
    owner: Owner,
    serveid: number,
    { share, name }: ServeParticulars,
  ): boolean {
    const holders = this.holders(serveid);
    if (share === "exclusive" || holders.length === 0) return false;
    // A dynamic id means the serve of a name; a static one is given by people, who may rename what takes over.
    const mayDiffer = share === "takeover" && serveid >= SERVEID.staticMin;
    const fits = (serve: RegisteredServe<Owner>) =>
      serve.share === share &&
      (serve.name === name || mayDiffer) &&
      serve.owner !== owner;
    return holders.every(fits) && this.hasRoom(owner, serveid, name);
  }

  /** The last places of an id are for other addresses, and its first owner always has one. */
  private hasRoom(owner: Owner, serveid: number, name: string): boolean {
    const { reservePercent = 0 } = this.options;
    const holders = this.holders(serveid);
    const free = MAX_HOLDERS - holders.length;
    const count = (fits: (holder: Owner) => boolean) =>
      holders.filter((serve) => fits(serve.owner)).length;
    const ofKey = count(({ key }) => key === owner.key);
    const first = this.claimOf(serveid, name);
    if (ofKey === 0 && first?.holder.key === owner.key) return true;
    if (!mayTake("identity", ofKey, free, reservePercent)) return false;
    if (owner.crowd === "") return true;
    const ofCrowd = count(({ crowd }) => crowd === owner.crowd);
    return mayTake("address", ofCrowd, free, reservePercent);
  }
}

/** `vnet home (SHA256:…)` */
function formatHolder({ holder }: Claim): string {
  const fingerprint = fingerprintOf(Buffer.from(holder.key, "base64"));
  return `vnet ${quoted(holder.name)} (${fingerprint})`;
}

/** Whose a resting id is: its node's key, or, where the id is shared, any node's that shares it by the same name. */
function mark(
  owner: Pick<Claimant, "key">,
  { name, share }: Pick<ServeParticulars, "name" | "share">,
): string {
  const node = share === "exclusive" ? [owner.key] : [];
  return JSON.stringify([share, ...node, name]);
}

/** Of those of one network, or where it says nothing, of one key. */
function crowdOf({ crowd, key }: Claimant): string {
  return crowd === "" ? key : crowd;
}

function addTo<K, T>(sets: Map<K, Set<T>>, key: K, entry: T): void {
  const set = sets.get(key);
  if (set === undefined) sets.set(key, new Set([entry]));
  else set.add(entry);
}

function removeFrom<K, T>(sets: Map<K, Set<T>>, key: K, entry: T): void {
  const set = sets.get(key);
  set?.delete(entry);
  if (set?.size === 0) sets.delete(key);
}
