// This node's copy of its group: who is there and what they offer, as the hub tells it in changes.
// While the hub is away the last copy stays readable, marked as not current.

import { EventEmitter } from "node:events";
import { fingerprintOf } from "../keys/fingerprint.js";
import type { DirectoryNode, ServeOf } from "../wire/fields.js";
import type { DirectoryChange } from "../wire/to-node.js";
import type { ListedServe, RemoteNode, RemoteServe, Trust } from "./control.js";

export interface DirectoryNews {
  nodesCame: DirectoryNode[];
  nodesGone: DirectoryNode[];
  servesCame: RemoteServe[];
  servesGone: RemoteServe[];
  /** the first news after connecting: all that changed while the hub was away */
  afterReconnect: boolean;
}

/** What tells one serve of the group from all others: several may share their id. */
export function serveKey({ serveid, vnetid }: ServeOf): string {
  return `${serveid} ${vnetid}`;
}

/** The order of serves of which a later one takes over from an earlier one. */
export function latestFirst(
  a: Pick<RemoteServe, "since">,
  b: Pick<RemoteServe, "since">,
): number {
  return (b.since ?? 0) - (a.since ?? 0);
}

/** One copy of the group. What every use looks for after each change is at hand: the directory may be long. */
class Copy {
  readonly nodes = new Map<number, DirectoryNode>();
  /** by id and node: what is balanced has one id at several nodes; in the order of registration */
  readonly serves = new Map<string, RemoteServe>();
  readonly nodesByName = new Index<string, number, DirectoryNode>();
  readonly nodesByKey = new Index<string, number, DirectoryNode>();
  readonly servesById = new Index<number, string, RemoteServe>();
  readonly servesByName = new Index<string, string, RemoteServe>();

  putNode(node: DirectoryNode): void {
    const { vnetid } = node;
    const before = this.nodes.get(vnetid);
    if (before !== undefined && before.name !== node.name)
      this.nodesByName.remove(before.name, vnetid);
    if (before !== undefined && before.key !== node.key)
      this.nodesByKey.remove(before.key, vnetid);
    this.nodes.set(vnetid, node);
    this.nodesByName.put(node.name, vnetid, node);
    this.nodesByKey.put(node.key, vnetid, node);
  }

  removeNode(vnetid: number): void {
    const node = this.nodes.get(vnetid);
    if (node === undefined) return;
    this.nodes.delete(vnetid);
    this.nodesByName.remove(node.name, vnetid);
    this.nodesByKey.remove(node.key, vnetid);
  }

  putServe(serve: RemoteServe): void {
    const key = serveKey(serve);
    const before = this.serves.get(key);
    if (before !== undefined && before.name !== serve.name)
      this.servesByName.remove(before.name, key);
    this.serves.set(key, serve);
    this.servesById.put(serve.serveid, key, serve);
    this.servesByName.put(serve.name, key, serve);
  }

  removeServe(of: ServeOf): void {
    const key = serveKey(of);
    const serve = this.serves.get(key);
    if (serve === undefined) return;
    this.serves.delete(key);
    this.servesById.remove(serve.serveid, key);
    this.servesByName.remove(serve.name, key);
  }
}

/** The entries that have something in common, in the order in which they came to have it. */
class Index<Common, Id, Entry> {
  private readonly groups = new Map<Common, Map<Id, Entry>>();

  of(common: Common): Entry[] {
    return [...(this.groups.get(common)?.values() ?? [])];
  }

  put(common: Common, id: Id, entry: Entry): void {
    const group = this.groups.get(common);
    if (group === undefined) this.groups.set(common, new Map([[id, entry]]));
    else group.set(id, entry);
  }

  remove(common: Common, id: Id): void {
    const group = this.groups.get(common);
    group?.delete(id);
    if (group?.size === 0) this.groups.delete(common);
  }
}

/** Events: `change` after each message that left the copy complete, and while it is not current. */
export class Directory extends EventEmitter<{
  change: [DirectoryNews];
  stale: [];
}> {
  private copy = new Copy();
  /** what arrives after a (re)connection, until it is complete */
  private arriving: Copy | undefined = new Copy();

  /** False while the hub is away, or its directory has not arrived whole. */
  get isCurrent(): boolean {
    return this.arriving === undefined;
  }

  node(vnetid: number): DirectoryNode | undefined {
    return this.copy.nodes.get(vnetid);
  }

  /** The node with that identity, whatever its number and name are now. */
  nodeOf(key: string): DirectoryNode | undefined {
    return this.copy.nodesByKey.of(key)[0];
  }

  nodesNamed(name: string): DirectoryNode[] {
    return this.copy.nodesByName.of(name);
  }

  /** Looks at all of them: for what is seldom asked. */
  findNodes(fits: (node: DirectoryNode) => boolean): DirectoryNode[] {
    return [...this.copy.nodes.values()].filter(fits);
  }

  /** The serve with this id; where several nodes balance it, the one that registered first. */
  serve(serveid: number): RemoteServe | undefined {
    return this.servesWithId(serveid)[0];
  }

  /** In the order in which they were registered. */
  servesWithId(serveid: number): RemoteServe[] {
    return this.copy.servesById.of(serveid);
  }

  /** In the order in which they came to be called so. */
  servesNamed(name: string): RemoteServe[] {
    return this.copy.servesByName.of(name);
  }

  /** One by one, as there may be many; those that are there at the first step. */
  *serves(
    trustOf: (key: string) => Trust,
  ): Generator<ListedServe, void, undefined> {
    const { nodes, serves } = this.copy;
    const trusted = ({ vnetid }: RemoteServe) =>
      trustOf(nodes.get(vnetid)?.key ?? "");
    const latest = latestOf(serves.values(), trusted);
    for (const serve of [...serves.values()])
      yield {
        ...serve,
        trusted: trusted(serve),
        overtaken:
          serve.share === "takeover" &&
          [serve.name, serve.serveid].some(
            (of) => (latest.get(of) ?? 0) > (serve.since ?? 0),
          ),
      };
  }

  /** One by one, as there may be many; those that are there at the first step. */
  *nodes(
    selfVnetid: number,
    trustOf: (key: string) => Trust,
  ): Generator<RemoteNode, void, undefined> {
    const { nodes, serves } = this.copy;
    const counts = new Map<number, number>();
    for (const { vnetid } of serves.values())
      counts.set(vnetid, (counts.get(vnetid) ?? 0) + 1);
    for (const { vnetid, name, key } of [...nodes.values()])
      yield {
        vnetid,
        name,
        serves: counts.get(vnetid) ?? 0,
        self: vnetid === selfVnetid,
        trusted: trustOf(key),
        // Most of those who look at many nodes do not want it.
        get fingerprint() {
          return fingerprintOf(Buffer.from(key, "base64"));
        },
      };
  }

  get nodeCount(): number {
    return this.copy.nodes.size;
  }

  get serveCount(): number {
    return this.copy.serves.size;
  }

  /** The link is down: what comes next is a new copy. */
  setStale(): void {
    this.arriving = new Copy();
    this.emit("stale");
  }

  /** Everything known belongs to another group or hub. */
  clear(): void {
    this.setStale();
    this.copy = new Copy();
  }

  apply(change: DirectoryChange): void {
    const afterReconnect = this.arriving !== undefined;
    const into = this.arriving ?? this.copy;
    const before = afterReconnect ? this.copy : touchedBy(change, into);
    for (const vnetid of change.goneNodes) into.removeNode(vnetid);
    for (const of of change.goneServes) into.removeServe(of);
    for (const node of change.nodes) into.putNode(node);
    for (const serve of change.serves)
      into.putServe({
        ...serve,
        vnet: into.nodes.get(serve.vnetid)?.name ?? "?",
      });
    if (afterReconnect && !change.complete) return;
    this.copy = into;
    this.arriving = undefined;
    const after = afterReconnect ? into : touchedBy(change, into);
    this.emit("change", { ...difference(before, after), afterReconnect });
  }
}

/** When the latest one that takes over came, by name and by id; what is not trusted takes nothing over. */
function latestOf(
  serves: Iterable<RemoteServe>,
  trusted: (serve: RemoteServe) => Trust,
): Map<string | number, number> {
  const latest = new Map<string | number, number>();
  for (const serve of serves) {
    const { share, name, serveid, since = 0 } = serve;
    if (share !== "takeover" || trusted(serve) === "no") continue;
    for (const of of [name, serveid])
      latest.set(of, Math.max(since, latest.get(of) ?? 0));
  }
  return latest;
}

/** The entries that a change touches, as they are now: so that a change costs its own size, not the directory's. */
function touchedBy(change: DirectoryChange, copy: Copy): Copy {
  const touched = new Copy();
  for (const id of [
    ...change.goneNodes,
    ...change.nodes.map((n) => n.vnetid),
  ]) {
    const node = copy.nodes.get(id);
    if (node !== undefined) touched.putNode(node);
  }
  for (const of of [...change.goneServes, ...change.serves]) {
    const key = serveKey(of);
    const serve = copy.serves.get(key);
    if (serve !== undefined) touched.putServe(serve);
  }
  return touched;
}

function difference(
  before: Copy,
  after: Copy,
): Omit<DirectoryNews, "afterReconnect"> {
  return {
    nodesCame: [...after.nodes.values()].filter(
      (node) => !isAmong(before, node),
    ),
    nodesGone: [...before.nodes.values()].filter(
      (node) => !isAmong(after, node),
    ),
    servesCame: [...after.serves.values()].filter(
      (serve) => !before.serves.has(serveKey(serve)),
    ),
    servesGone: [...before.serves.values()].filter(
      (serve) => !after.serves.has(serveKey(serve)),
    ),
  };
}

/** While the hub is away, a number may pass to another node. */
function isAmong({ nodes }: Copy, { vnetid, key }: DirectoryNode): boolean {
  return nodes.get(vnetid)?.key === key;
}
