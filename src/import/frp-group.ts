// frp's groups of tcp proxies: one name that several serves share, and one
// port of the server. Pure.

import { TEXT, type FrpProxy } from "./frp.js";
import { nameFor } from "./labels.js";
import type { Comment } from "./outline.js";

interface Known {
  readonly port: number;
  readonly key: string | undefined;
}

/** By frp's name, which no user stands before; one for each file. */
export type FrpGroups = Map<string, Known>;

export interface FrpGroup {
  readonly name: string;
  /** the name of all its serves; undefined: frps refuses this one, as its port or key is another */
  readonly serve: string | undefined;
  readonly lines: readonly Comment[];
}

/** Undefined: the proxy is in none. */
export function readGroup(
  { name, mapping }: FrpProxy,
  { port, isActive }: { port: number; isActive: boolean },
  groups: FrpGroups,
): FrpGroup | undefined {
  const balancer = mapping.child("loadBalancer");
  const group = balancer.take("group", TEXT) ?? mapping.take("group", TEXT);
  const key =
    balancer.take("groupKey", TEXT) ?? mapping.take("group_key", TEXT);
  if (group === undefined) return undefined;
  const known = groups.get(group);
  if (known === undefined && isActive) groups.set(group, { port, key });
  const differs =
    known === undefined || !isActive
      ? undefined
      : known.port !== port
        ? "port"
        : known.key !== key
          ? "key"
          : undefined;
  if (differs !== undefined)
    return {
      name: group,
      serve: undefined,
      lines: [
        {
          comment: `not imported: that ${name} is in the group ${group} (its ${differs} is not that of the others, so frps refuses one of them)`,
          isLost: true,
        },
      ],
    };
  return {
    name: group,
    serve: nameFor(group, "group"),
    lines: [
      {
        comment: `group = ${group}: all serves of this name share its connections, on whichever machine they are.`,
      },
      ...(key === undefined ? [] : [OPEN_GROUP]),
    ],
  };
}

const OPEN_GROUP: Comment = {
  comment:
    "not imported: the group's key (with the authkey any node of this group may offer the name too; peers= with the fingerprints of those nodes, as `show vnets` shows them, names who may)",
  isLost: true,
};
