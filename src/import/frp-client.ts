// frpc → a node: proxies become serves, visitors uses, and the ports that frp
// opened on the server a sketch for the hub's file. What has a key of its own
// is a node of its own, as a node has one secret. Pure.

import { BOOLEAN, HOST, PORT } from "../config/value.js";
import { frpHeartbeat, frpLog, frpToken } from "./frp-common.js";
import { isSecret, readEntry, type FrpEntry } from "./frp-entry.js";
import { publicSketch, type FrpServer } from "./frp-ports.js";
import { FRPC_REASONS } from "./frp-reasons.js";
import { TEXT, type FrpFile } from "./frp.js";
import { Labels } from "./labels.js";
import { leftoverComments } from "./leftovers.js";
import { Listeners } from "./listeners.js";
import type { Comment, Entry, Imported, Section } from "./outline.js";
import { severalParts } from "./parts.js";
import { routeSection } from "./route-section.js";

/** What frp takes where the file says nothing. */
const ADDRESS_DEFAULT = "127.0.0.1";
const PORT_DEFAULT = 7000;

/** @param server what the file of the server says; undefined: it is not at hand */
export function importFrpClient(
  { format, root, proxies }: FrpFile,
  server: FrpServer | undefined,
  call: string,
): Imported {
  const user = root.take("user", TEXT);
  const started = root.texts("start");
  const given = root.take(["serverAddr", "server_addr"], HOST);
  // To dial all addresses is to dial this machine.
  const ip = given === "0.0.0.0" ? ADDRESS_DEFAULT : (given ?? ADDRESS_DEFAULT);
  const port = root.take(["serverPort", "server_port"], PORT) ?? PORT_DEFAULT;
  const route = routeSection({
    ip,
    port,
    ...frpToken(root),
    ...frpHeartbeat(root),
  });
  const common = [route, ...frpLog(root)];
  // What a node does anyway needs no word; the other value is left over, for a comment.
  for (const key of ["loginFailExit", "login_fail_exit"])
    if (String(root.peek(key)) === "false") root.take(key, BOOLEAN);
  const context = {
    user,
    started,
    labels: new Labels(),
    listeners: new Listeners(),
    groups: new Map(),
  };
  const entries = refuseSameName(proxies).map((proxy) =>
    readEntry(proxy, context),
  );
  const parts = byKey(entries).map((members, at, all) => ({
    title: titleOf(members),
    items: [
      ...common,
      ...vnetSection(members, at, all.length),
      ...members.flatMap((entry) => entry.items),
    ],
  }));
  return {
    from: `frp's ${format} (frpc, the client)`,
    program: "vnet",
    usesServer: true,
    items: [
      ...leftoverComments(root.rest(), FRPC_REASONS),
      ...userComment(user, proxies),
      ...severalParts(
        parts,
        "In frp each proxy may have a key of its own, and a node has one secret for all that it offers and uses",
      ),
      ...publicSketch(
        entries.flatMap((entry) => entry.ports),
        server,
        call,
      ),
    ],
  };
}

/** Those without a key first, so that the ports for everybody are on the node that needs no secret at the hub. */
function byKey(entries: readonly FrpEntry[]): FrpEntry[][] {
  const found = new Map<string | undefined, FrpEntry[]>();
  for (const entry of entries) {
    const members = found.get(entry.key);
    if (members === undefined) found.set(entry.key, [entry]);
    else members.push(entry);
  }
  const { open = [], keyed } = {
    open: found.get(undefined),
    keyed: [...found].flatMap(([key, members]) =>
      key === undefined ? [] : [members],
    ),
  };
  const isReal = open.some(({ items }) =>
    items.some((item) => "title" in item),
  );
  if (isReal || keyed.length === 0) return [open, ...keyed];
  // Comments alone are no node.
  const [first = [], ...others] = keyed;
  return [[...open, ...first], ...others];
}

function titleOf(members: readonly FrpEntry[]): string {
  const names = members.map(({ name }) => name).join(", ");
  return members.some(({ key }) => key !== undefined)
    ? `with a key: ${names}`
    : `without a key: ${names}`;
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

function vnetSection(
  members: readonly FrpEntry[],
  at: number,
  parts: number,
): Section[] {
  const keyed = members.filter(({ key }) => key !== undefined);
  const key = keyed[0]?.key;
  const name: (Comment | Entry)[] =
    at === 0
      ? []
      : [
          {
            comment:
              "The hub gives the further nodes of a machine names like home-2; a name= of its own says it better.",
          },
        ];
  if (key === undefined) return [];
  const names = keyed.map((entry) => entry.name).join(", ");
  return [
    {
      title: "vnet",
      lines: [...(parts > 1 ? name : []), secretLine(key, names)],
    },
  ];
}

function secretLine(key: string, names: string): Comment | Entry {
  if (isSecret(key)) return { key: "secret", value: key };
  return {
    isLost: true,
    comment: `not imported: the secret key of ${names} (a secret has 8–256 printable characters), so what it guarded is not offered: make one with keygen, write secret=... here and on every node of the group, in place of what an import printed there, and take active=false away.`,
  };
}
