// A node's directory by hand, for tests of what looks things up in it.

import { Directory } from "../../src/node/directory.js";
import type { RemoteServe } from "../../src/node/control.js";
import type { Provider } from "../../src/node/search.js";
import type { DirectoryChange } from "../../src/wire/to-node.js";
const NODES = ["home", "office", "lab"];

/** A serve of node 1 (home), 2 (office) or 3 (lab). */
export function remoteServe(
  vnetid: number,
  fields: Partial<RemoteServe> = {},
): RemoteServe {
  return {
    serveid: 700,
    vnetid,
    vnet: NODES[vnetid - 1] ?? "?",
    name: "web",
    type: "tcp",
    ip: "127.0.0.1",
    port: 80,
    info: "",
    share: "exclusive",
    ...fields,
  };
}

/** The key of that node, of the shape of one. */
export function keyOfNode(vnetid: number): string {
  return Buffer.alloc(32, vnetid).toString("base64");
}

/** The same, as a search finds it. */
export function provider(
  vnetid: number,
  fields: Partial<RemoteServe> = {},
): Provider {
  return { ...remoteServe(vnetid, fields), key: keyOfNode(vnetid) };
}

/** With the nodes of those serves, besides any that are given. */
export function directoryOf(...serves: RemoteServe[]): Directory {
  const directory = new Directory();
  tell(directory, { nodes: nodesOf(serves), serves: serves.map(entryOf) });
  return directory;
}

/** The hub's word of a change. */
export function tell(
  directory: Directory,
  change: Partial<DirectoryChange>,
): void {
  const nothing = { nodes: [], goneNodes: [], serves: [], goneServes: [] };
  directory.apply({ type: "directory", ...nothing, complete: true, ...change });
}

export function nodeEntry(vnetid: number, name = NODES[vnetid - 1] ?? "?") {
  return { vnetid, name, key: keyOfNode(vnetid), encrypt: true };
}

export function entryOf({ vnet: _, ...entry }: RemoteServe) {
  return entry;
}

function nodesOf(serves: RemoteServe[]) {
  const byId = new Map(serves.map(({ vnetid, vnet }) => [vnetid, vnet]));
  return [...byId].map(([vnetid, name]) => nodeEntry(vnetid, name));
}
