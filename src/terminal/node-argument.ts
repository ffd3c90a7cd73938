// The argument that means a node of the group: its vnetid (`1`, `01`) or its name where only one has it.
// Decides by the last directory known; never asks the hub.

import { formatVnetid } from "../config/config.js";
import { VnetError } from "../errors.js";
import type { NodeControl, RemoteNode } from "../node/control.js";
import { wrong } from "./arguments.js";
import type { Argument } from "./command.js";

export function vnetid(): Argument<number> {
  return {
    name: "vnetid",
    ask: "to vnetid",
    doc: "vnetid or name of a node, as `show vnets` lists them",
    parse: (text, { control }) => parseNode(text, control),
    suggest: (control) =>
      control
        .knownNodes()
        .filter(isUsable)
        .flatMap((node) => [formatVnetid(node.vnetid), node.name]),
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
  const nodes = control.knownNodes();
  const list = nodes.filter(isUsable).map(describeNode).join(", ");
  const id = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (id > 0 && (nodes.length === 0 || nodes.some((n) => n.vnetid === id)))
    return id;
  const named = nodes.filter((node) => node.name === text && isUsable(node));
  const [only] = named;
  if (only && named.length === 1) return only.vnetid;
  if (only)
    throw new VnetError(
      "usage",
      `more than one node is named "${text}": give a vnetid, ${named.map(describeNode).join(", ")}`,
    );
  throw wrong("vnetid", text, list === "" ? "a number of 1 or more" : list);
}
