// The argument that means a node of the group: its vnetid (`1`, `01`) or its name where only one has it.
// Decides by the last directory known; never asks the hub.

import { formatVnetid } from "../config/config.js";
import { count } from "../count.js";
import { VnetError } from "../errors.js";
import type { NodeControl, RemoteNode } from "../node/control.js";
import { someOf, wrong } from "./arguments.js";
import type { Argument } from "./command.js";

export function vnetid(): Argument<number> {
  return {
    name: "vnetid",
    ask: "to vnetid",
    doc: "vnetid or name of a node, as `show vnets` lists them",
    parse: (text, { control }) => parseNode(text, control),
    *suggest(control) {
      for (const node of usableNodes(control))
        yield* [formatVnetid(node.vnetid), node.name];
    },
    // The newest first.
    choices: (control) =>
      [...usableNodes(control)]
        .filter(({ self }) => !self)
        .reverse()
        .map(({ vnetid, name, serves }) => ({
          cells: [formatVnetid(vnetid), name, count(serves, "serve")],
          text: () => formatVnetid(vnetid),
        })),
  };
}

/** `remote-ssh (01)` */
function describeNode(node: Pick<RemoteNode, "vnetid" | "name">) {
  return `${node.name} (${formatVnetid(node.vnetid)})`;
}

/** Others are reached by their number only, which nobody gives by mistake. */
function isUsable({ trusted }: RemoteNode): boolean {
  return trusted !== "no";
}

function parseNode(text: string, control: NodeControl): number {
  const id = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (id > 0 && (control.knownNode(id) || isNobodyKnown(control))) return id;
  const named = [...usableNodes(control)].filter(({ name }) => name === text);
  const [only] = named;
  if (only && named.length === 1) return only.vnetid;
  if (only)
    throw new VnetError(
      "usage",
      `more than one node is named "${text}": give a vnetid, ${someOf(named, describeNode, "show vnets")}`,
    );
  const list = someOf(usableNodes(control), describeNode, "show vnets");
  throw wrong("vnetid", text, list === "" ? "a number of 1 or more" : list);
}

function isNobodyKnown(control: NodeControl): boolean {
  for (const _ of control.knownNodes()) return false;
  return true;
}

function* usableNodes(control: NodeControl): Generator<RemoteNode> {
  for (const node of control.knownNodes()) if (isUsable(node)) yield node;
}
