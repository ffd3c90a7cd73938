// frpc → a node: proxies become serves, visitors uses, and the ports that frp
// opened on the server a sketch for the hub's file. Pure.

import { BOOLEAN, HOST, PORT, SECRET } from "../config/value.js";
import { frpHeartbeat, frpLog, frpToken } from "./frp-common.js";
import { readEntry, type FrpEntry } from "./frp-entry.js";
import { FRPC_REASONS } from "./frp-reasons.js";
import { TEXT, type FrpFile } from "./frp.js";
import { Labels } from "./labels.js";
import { leftoverComments } from "./leftovers.js";
import { Listeners } from "./listeners.js";
import type { Comment, Entry, Imported, Item, Section } from "./outline.js";
import { routeSection } from "./route-section.js";

/** What frp takes where the file says nothing. */
const ADDRESS_DEFAULT = "127.0.0.1";
const PORT_DEFAULT = 7000;

export function importFrpClient({ format, root, proxies }: FrpFile): Imported {
  const user = root.take("user", TEXT);
  const started = root.texts("start");
  const ip = root.take(["serverAddr", "server_addr"], HOST) ?? ADDRESS_DEFAULT;
  const port = root.take(["serverPort", "server_port"], PORT) ?? PORT_DEFAULT;
  const route = routeSection({
    ip,
    port,
    ...frpToken(root),
    ...frpHeartbeat(root),
  });
  const log = frpLog(root);
  // What a node does anyway needs no word; the other value is left over, for a comment.
  for (const key of ["loginFailExit", "login_fail_exit"])
    if (String(root.peek(key)) === "false") root.take(key, BOOLEAN);
  const context = {
    user,
    started,
    labels: new Labels(),
    listeners: new Listeners(),
  };
  const entries = refuseSameName(proxies).map((proxy) =>
    readEntry(proxy, context),
  );
  return {
    from: `frp's ${format} (frpc, the client)`,
    program: "vnet",
    items: [
      ...leftoverComments(root.rest(), FRPC_REASONS),
      ...userComment(user, proxies),
      route,
      ...log,
      ...vnetSection(entries),
      ...entries.flatMap((entry) => entry.items),
      ...publicSketch(entries),
    ],
  };
}

function refuseSameName(proxies: FrpFile["proxies"]): FrpFile["proxies"] {
  const seen = new Set<string>();
  for (const { name, isVisitor, mapping } of proxies) {
    const id = `${isVisitor} ${name}`;
    if (seen.has(id))
      mapping.complain("name", "found this name a second time, allowed: once");
    seen.add(id);
  }
  return proxies;
}

/** Says of it only what it does in this file. */
function userComment(
  user: string | undefined,
  proxies: FrpFile["proxies"],
): Comment[] {
  if (user === undefined) return [];
  const example = proxies.find(({ isVisitor }) => !isVisitor);
  const before = [
    ...(example === undefined
      ? []
      : [`the names of this file's proxies ("${user}.${example.name}")`]),
    ...(proxies.some(({ isVisitor }) => isVisitor)
      ? ["those that its visitors look for, where they name no other user"]
      : []),
  ];
  const comment =
    before.length === 0
      ? `not imported: user = ${user} (there is no name that it could stand before)`
      : `user: as in frp, it stands before ${before.join(", and before ")}. The node has this machine's name.`;
  return [{ comment }];
}

/** One secret a node; frp has one a proxy. */
function vnetSection(entries: readonly FrpEntry[]): Section[] {
  const withSecret = entries.filter((entry) => entry.secret !== undefined);
  const [first] = withSecret;
  if (first?.secret === undefined) return [];
  const where = withSecret.map((entry) => entry.name).join(", ");
  return [
    { title: "vnet", lines: [secretLine(withSecret, first.secret, where)] },
  ];
}

function secretLine(
  entries: readonly FrpEntry[],
  secret: string,
  where: string,
): Comment | Entry {
  const advice =
    "make one with keygen and write secret=... here and on every node of the group, in place of what an import printed there";
  if (entries.some((entry) => entry.secret !== secret))
    return {
      isLost: true,
      comment: `not imported: the secret keys of ${where}, because they differ and a node has one secret for its whole group: ${advice}.`,
    };
  if (SECRET.parse(secret) === undefined)
    return {
      isLost: true,
      comment: `not imported: the secret key of ${where} (a secret has 8–256 printable characters): ${advice}.`,
    };
  return { key: "secret", value: secret };
}

function publicSketch(entries: readonly FrpEntry[]): Item[] {
  const ports = entries.flatMap((entry) => entry.hubPorts);
  if (ports.length === 0) return [];
  const hasSecret = entries.some((entry) => entry.secret !== undefined);
  const secret = hasSecret
    ? " As this node has a secret, the hub needs it too for them: a section [group.default] with secret=."
    : "";
  return [
    {
      comment: `frp opened ports of the server for these proxies. For the same, put the following into the hub's configuration, without the first two characters of each line.${secret}`,
    },
    { sketch: ports },
  ];
}
