// One group: its nodes, its serves, and the news of both. A change is told at once; those that follow it closely leave as
// one message, encoded once for all members.

import { performance } from "node:perf_hooks";
import { formatServeid, formatVnetid } from "../config/config.js";
import { quoted } from "../printable.js";
import type {
  DirectoryNode,
  DirectoryServe,
  ServeOf,
  ServeParticulars,
} from "../wire/fields.js";
import { encodeFrame } from "../wire/frame.js";
import { encodeChanges } from "./changes.js";
import { Claims, type Claim } from "./claims.js";
import { IdPool } from "./id-pool.js";
import { Pace } from "./pace.js";
import { NodeNames } from "./node-names.js";
import {
  ServeRegistry,
  type Holder,
  type RegisteredServe,
} from "./serve-registry.js";

/** What a group knows of a session. */
export interface Member extends Holder {
  readonly vnetid: number;
  /** a guest sees everything and is seen by nobody */
  readonly guest: boolean;
  readonly encrypt: boolean;
  sendFrame(frame: Buffer): void;
}

interface ServeChange {
  of: ServeOf;
  /** null: it is gone */
  entry: DirectoryServe | null;
}

/**
 * Between two messages of news: so long for each member, up to the other. When all come back after a restart of the hub,
 * telling each of each would cost their number squared, and that is what they would wait for.
 */
const GATHER_MS_PER_MEMBER = 1;
const GATHER_MAX_MS = 500;

const LOOK_AT_NAMES_MS = 100;

/** Guests count from here, so that they use up none of the numbers that people remember. */
const FIRST_GUEST = 10_001;
const LAST_VNETID = 999_999;

export class Group<M extends Member> {
  private readonly members = new Map<number, M>();
  private readonly registry: ServeRegistry<M>;
  private readonly nodeIds: IdPool;
  private readonly guestIds: IdPool;
  private readonly names: NodeNames<M>;
  private readonly claims: Claims;
  private changedNodes = new Map<number, DirectoryNode | null>();
  /** by id and owner */
  private changedServes = new Map<string, ServeChange>();
  /** what was told last of each serve: that it is a namesake */
  private readonly namesakes = new WeakSet<RegisteredServe<M>>();
  /** names of which somebody else may be meant now */
  private readonly movedNames = new Set<string>();
  private lookedAtNames = -Infinity;
  private lookingAtNames: NodeJS.Timeout | undefined;
  private readonly pace = new Pace<ServeChange>((changes) => {
    for (const [slot, change] of changes) this.changedServes.set(slot, change);
    this.flushSoon();
  });
  private flushing: NodeJS.Timeout | undefined;
  private flushedAt = -Infinity;

  constructor(
    readonly name: string,
    options: {
      restMs: number;
      now: () => number;
      claims?: Claims;
      reservePercent?: number;
    },
  ) {
    const { restMs, now, claims = new Claims(), reservePercent = 0 } = options;
    this.claims = claims;
    this.names = new NodeNames(name, claims);
    this.registry = new ServeRegistry({
      ...{ group: name, claims, restMs, now, reservePercent },
    });
    this.nodeIds = new IdPool({ restMs, now, min: 1, max: FIRST_GUEST - 1 });
    // The hub was away: its nodes are to have the numbers that they had.
    for (const { kind, number, holder } of claims.inGroup(name))
      if (kind === "node") this.nodeIds.rest(number, holder.key, holder.crowd);
    this.guestIds = new IdPool({
      now: options.now,
      restMs: 0,
      min: FIRST_GUEST,
      max: LAST_VNETID,
    });
  }

  get isEmpty(): boolean {
    return this.members.size === 0;
  }

  get counts(): { nodes: number; serves: number } {
    return { nodes: this.members.size, serves: this.registry.size };
  }

  /** A number for a node that is about to join; one that left gets its old one. Null: the group is full. */
  takeVnetid(wanted: number, key: string, guest: boolean): number | null {
    return (guest ? this.guestIds : this.nodeIds).take(wanted, key);
  }

  /** A name for a node that is about to join: the one that it wants, or `home-2` where that is another key's. */
  nameFor({ name, key, guest }: Pick<M, "name" | "key" | "guest">): string {
    return guest
      ? this.names.chooseForGuest(name, key)
      : this.names.choose(name, key);
  }

  /** The node of that name; a guest takes none. */
  memberNamed(name: string): M | undefined {
    return this.names.get(name);
  }

  /** What `./route forget` ended: others that have such a name may have it now. */
  forgotten(claims: readonly Claim[]): void {
    for (const { kind, what } of claims)
      if (kind === "name" && this.registry.passName(what)) this.moved(what);
  }

  /** Whether a node that is here goes by it, or one of its serves. */
  uses({ kind, what, holder }: Claim): boolean {
    const { names, registry } = this;
    if (kind === "node") return names.get(what)?.key === holder.key;
    const serves =
      kind === "name" ? registry.named(what) : registry.holders(Number(what));
    return serves.some(({ owner }) => owner.key === holder.key);
  }

  member(vnetid: number): M | undefined {
    return this.members.get(vnetid);
  }

  /** Adds the member and sends it the whole directory. What others are still to be told comes to it twice, to no effect. */
  join(member: M): void {
    this.members.set(member.vnetid, member);
    if (!member.guest) this.enter(member);
    const nodes = [...this.members.values()].filter((other) => !other.guest);
    const frames = encodeChanges({
      nodes: nodes.map(nodeEntry),
      serves: [...this.registry.all()].map((serve) => this.entryOf(serve)),
      goneNodes: [],
      goneServes: [],
    });
    for (const frame of frames) member.sendFrame(frame);
    this.flushSoon();
  }

  /** Removes the member with all that it registered. */
  leave(member: M): void {
    if (this.members.get(member.vnetid) !== member) return;
    this.members.delete(member.vnetid);
    (member.guest ? this.guestIds : this.nodeIds).free(
      member.vnetid,
      member.key,
      member.crowd,
    );
    if (!member.guest) this.changedNodes.set(member.vnetid, null);
    for (const serve of this.servesOf(member)) {
      this.registry.remove(serve);
      this.tell(serve, null, true);
    }
    if (!member.guest) {
      this.names.leave(member);
      this.claims.left(this.name, member.key);
    }
    this.flushSoon();
  }

  private enter(member: M): void {
    const { vnetid, name: what } = member;
    this.changedNodes.set(vnetid, nodeEntry(member));
    const claim = { kind: "node", what, share: "exclusive" } as const;
    this.claims.came(this.name, member);
    this.claims.put(this.name, member, { ...claim, number: vnetid });
    this.names.join(member);
  }

  /** All that have this id; more than one where they share it. */
  holders(serveid: number): readonly RegisteredServe<M>[] {
    return this.registry.holders(serveid);
  }

  /** What that member has under this id. */
  serveOf(member: M, serveid: number): RegisteredServe<M> | undefined {
    return this.holders(serveid).find((serve) => serve.owner === member);
  }

  servesOf(member: M): readonly RegisteredServe<M>[] {
    return this.registry.ofOwner(member);
  }

  /** See ServeRegistry. Throws VnetError `refused`. */
  register(
    owner: M,
    wanted: number,
    particulars: ServeParticulars,
    since?: number,
  ): RegisteredServe<M> {
    const { registry } = this;
    const serve = registry.register(
      owner,
      wanted,
      particulars,
      since,
      (ended) => {
        this.ended(ended, owner);
      },
    );
    this.publish(serve);
    this.moved(serve.name);
    return serve;
  }

  /** It had the id of one that has come back. */
  private ended(serve: RegisteredServe<M>, { title }: M): void {
    this.tell(serve, null);
    const { serveid, owner } = serve;
    const id = formatServeid(serveid);
    const reason = `serveid ${id} is that of vnet ${title}, which is back and does not share it in this way`;
    owner.sendFrame(encodeFrame({ type: "unregistered", serveid, reason }));
  }

  update(serve: RegisteredServe<M>, particulars: ServeParticulars): void {
    const { name, share } = serve;
    this.registry.update(serve, particulars);
    this.publish(serve);
    if (serve.name === name && serve.share === share) return;
    this.moved(name);
    this.moved(serve.name);
  }

  /** It is gone; its id and name are kept for its owner. */
  remove(serve: RegisteredServe<M>): void {
    this.registry.remove(serve);
    this.tell(serve, null);
  }

  /** It is gone, and its owner gives up id and name. */
  release(serve: RegisteredServe<M>): void {
    this.remove(serve);
    if (this.registry.release(serve)) this.moved(serve.name);
  }

  /**
   * Whom that name means may be another one now. Looked at a few times a second at most: hundreds may have one name, and
   * one member can move it as fast as it talks.
   */
  private moved(name: string): void {
    this.movedNames.add(name);
    if (performance.now() - this.lookedAtNames >= LOOK_AT_NAMES_MS)
      this.lookAtNames();
    else
      this.lookingAtNames ??= setTimeout(() => {
        this.lookAtNames();
      }, LOOK_AT_NAMES_MS).unref();
  }

  /** Tells of those alone that are namesakes now and were none, or were and are none. */
  private lookAtNames(): void {
    clearTimeout(this.lookingAtNames);
    this.lookingAtNames = undefined;
    this.lookedAtNames = performance.now();
    const names = [...this.movedNames];
    this.movedNames.clear();
    for (const serve of names.flatMap((name) => this.registry.named(name)))
      if (this.registry.isNamesake(serve) !== this.namesakes.has(serve))
        this.publish(serve);
  }

  private publish(serve: RegisteredServe<M>): void {
    const entry = this.entryOf(serve);
    if (entry.namesake === true) this.namesakes.add(serve);
    else this.namesakes.delete(serve);
    this.tell(serve, entry);
  }

  private entryOf(serve: RegisteredServe<M>): DirectoryServe {
    return serveEntry(serve, this.registry.isNamesake(serve));
  }

  /** @param isUrgent its node is gone: that is no time to hold it back */
  private tell(
    serve: RegisteredServe<M>,
    entry: DirectoryServe | null,
    isUrgent = false,
  ): void {
    const of = { serveid: serve.serveid, vnetid: serve.owner.vnetid };
    const slot = `${of.serveid} ${of.vnetid}`;
    const change = { of, entry };
    const { key } = serve.owner;
    const isNow = this.pace.admit(
      { identity: key, slot, about: serve.serveid },
      change,
      isUrgent,
    );
    if (!isNow) return;
    // That another one had this id until now is told before.
    if (entry !== null) this.pace.hurry(serve.serveid);
    this.changedServes.set(slot, change);
    this.flushSoon();
  }

  private flushSoon(): void {
    const share = this.members.size * GATHER_MS_PER_MEMBER;
    const gatherMs = Math.min(share, GATHER_MAX_MS);
    const leftMs = this.flushedAt + gatherMs - performance.now();
    this.flushing ??= setTimeout(
      () => {
        this.flush();
      },
      Math.max(0, leftMs),
    );
  }

  private flush(): void {
    clearTimeout(this.flushing);
    this.flushing = undefined;
    this.flushedAt = performance.now();
    if (this.changedNodes.size + this.changedServes.size === 0) return;
    const nodes = [...this.changedNodes];
    const serves = [...this.changedServes.values()];
    const frames = encodeChanges({
      nodes: nodes.flatMap(([, entry]) => entry ?? []),
      goneNodes: nodes.flatMap(([id, entry]) => (entry === null ? id : [])),
      serves: serves.flatMap(({ entry }) => entry ?? []),
      goneServes: serves.flatMap(({ of, entry }) => (entry === null ? of : [])),
    });
    this.changedNodes = new Map();
    this.changedServes = new Map();
    for (const member of this.members.values())
      for (const frame of frames) member.sendFrame(frame);
  }
}

function nodeEntry(member: Member): DirectoryNode {
  const { vnetid, name, key, encrypt } = member;
  return { vnetid, name, key, encrypt };
}

function serveEntry(
  serve: RegisteredServe<Member>,
  isNamesake: boolean,
): DirectoryServe {
  const { serveid, name, type, ip, port, info, share, owner } = serve;
  const { service = "up", since } = serve;
  return {
    serveid,
    vnetid: owner.vnetid,
    name,
    type,
    ip,
    port,
    info,
    share,
    service,
    ...(isNamesake && { namesake: true }),
    ...(share === "takeover" && { since }),
  };
}

/** `01 (home)` */
export function memberTitle(vnetid: number, name: string): string {
  return `${formatVnetid(vnetid)} (${quoted(name)})`;
}
