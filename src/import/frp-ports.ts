// The ports that frp opened on its server for what clients offer: a sketch of
// [public.X] sections for the hub's own file. Pure.

import type { FrpPort } from "./frp-entry.js";
import { Labels } from "./labels.js";
import type { Comment, Entry, Item } from "./outline.js";

/** What the server's own file says of these ports. */
export interface FrpServer {
  readonly file: string;
  /** where they listen */
  readonly ip: string;
  /** undefined: all */
  readonly allowed: readonly PortRange[] | undefined;
}

export interface PortRange {
  readonly first: number;
  readonly last: number;
}

export function publicSketch(
  ports: readonly FrpPort[],
  server: FrpServer | undefined,
  call: string,
): Item[] {
  if (ports.length === 0) return [];
  const labels = new Labels();
  const comments: Comment[] = [];
  const sketch: Item[] = [];
  const taken = new Map<number, FrpPort>();
  // What was not started had no port, so it takes none from the others.
  const inOrder = [
    ...ports.filter(({ isActive }) => isActive),
    ...ports.filter(({ isActive }) => !isActive),
  ];
  for (const each of inOrder) {
    const holder = each.port === 0 ? undefined : taken.get(each.port);
    if (holder?.serve === each.serve) continue;
    if (holder !== undefined) {
      comments.push(inUse(each, holder));
      continue;
    }
    if (!isAllowed(each.port, server)) {
      comments.push({
        comment: `Left out: port ${each.port} of ${each.name}, which is not among the allowPorts of ${server?.file ?? ""}, so frps does not open it.`,
      });
      continue;
    }
    taken.set(each.port, each);
    sketch.push({
      // Of another user's file too the section has another title, as the serve has another name.
      title: labels.make("public", each.serve),
      lines: lines(each, server),
    });
  }
  const where =
    server === undefined
      ? ` On which addresses, frps' own file says: \`${call} import FILE --server FRPS-FILE\` writes it. Without that they are for the hub's own machine; ip=:: is all addresses, as where frps' file names none.`
      : "";
  const intro = {
    comment: `frp opened ports of the server for these proxies. For the same, put the following into the hub's configuration, without the first two characters of each line.${where}`,
  };
  // All of it is a sketch, so that the lines behind the head can be taken by a command.
  return [
    { comment: HEAD },
    {
      sketch: [...comments, ...(sketch.length === 0 ? [] : [intro]), ...sketch],
    },
  ];
}

const HEAD = "==== for the hub's own file ====";

function inUse({ port, name, isActive }: FrpPort, holder: FrpPort): Comment {
  return {
    comment: `not imported: port ${port} of ${name} (it is that of ${holder.name} too, so frps refuses one of them)`,
    isLost: isActive,
  };
}

function lines(
  { serve, port, isActive }: FrpPort,
  server: FrpServer | undefined,
): (Comment | Entry)[] {
  const ip = server === undefined ? [] : [{ key: "ip", value: server.ip }];
  const off = { key: "active", value: false };
  return [
    { key: "serve", value: serve },
    ...ip,
    ...(port === 0
      ? [
          {
            comment:
              "frp chose the port; choose one: port=, and take active=false away",
          },
          off,
        ]
      : [{ key: "port", value: port }, ...(isActive ? [] : [off])]),
  ];
}

function isAllowed(port: number, server: FrpServer | undefined): boolean {
  const allowed = server?.allowed;
  if (allowed === undefined || port === 0) return true;
  return allowed.some(({ first, last }) => first <= port && port <= last);
}
