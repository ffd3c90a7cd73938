// One proxy or visitor of frpc → a serve, a use, or a comment that says why it
// is none. Pure.

import {
  BOOLEAN,
  HOST,
  PORT,
  SECRET,
  wholeNumber,
  type ValueKind,
} from "../config/value.js";
import { readGroup, type FrpGroups } from "./frp-group.js";
import { FRPC_REASONS, FRP_TYPES } from "./frp-reasons.js";
import { TEXT, type FrpProxy } from "./frp.js";
import { goListenAddress } from "./go-listen.js";
import { nameFor, plainName, renamed, type Labels } from "./labels.js";
import { leftoverComments } from "./leftovers.js";
import type { Listeners } from "./listeners.js";
import type { Mapping } from "./mapping.js";
import type { Comment, Entry, Item } from "./outline.js";

export interface FrpContext {
  /** stands before the names of proxies */
  readonly user: string | undefined;
  /** the names that are started; undefined: all */
  readonly started: readonly string[] | undefined;
  readonly labels: Labels;
  readonly listeners: Listeners;
  readonly groups: FrpGroups;
}

/** A port that frp opened on the server. */
export interface FrpPort {
  /** what names the section */
  readonly name: string;
  readonly serve: string;
  /** 0: frp chose it */
  readonly port: number;
  readonly isActive: boolean;
}

export interface FrpEntry {
  readonly name: string;
  /** what both ends have to know, as the file has it; undefined: there is none */
  readonly key: string | undefined;
  readonly items: readonly Item[];
  readonly ports: readonly FrpPort[];
}

/** frp's -1: the visitor is used by other visitors only. */
const BIND_PORT: ValueKind<number> = {
  allowed: PORT.allowed,
  parse: (text) => (/^-[0-9]{1,5}$/.test(text) ? -1 : PORT.parse(text)),
};

const REMOTE_PORT = wholeNumber(0, 65535);

export function readEntry(proxy: FrpProxy, context: FrpContext): FrpEntry {
  const { type, isVisitor } = proxy;
  const isKnown = isVisitor
    ? type === "stcp"
    : type === "stcp" || type === "tcp";
  if (!isKnown) return leftOut(proxy);
  return isVisitor ? visitor(proxy, context) : service(proxy, context);
}

function leftOut({ name, type, isVisitor, mapping }: FrpProxy): FrpEntry {
  const what = isVisitor ? "visitor" : "proxy";
  const reason = Object.hasOwn(FRP_TYPES, type)
    ? (FRP_TYPES[type] ?? "")
    : "no counterpart";
  const keys = mapping.rest().map(({ shown }) => shown);
  const with_ = keys.length === 0 ? "" : `: ${keys.join("; ")}`;
  const comment = `not imported: the ${what} ${name} of type ${type} (${reason})${with_}`;
  return nothing(name, [{ comment, isLost: true }]);
}

function nothing(name: string, items: readonly Item[]): FrpEntry {
  return { name, key: undefined, items, ports: [] };
}

function service(proxy: FrpProxy, context: FrpContext): FrpEntry {
  const { name, type, mapping } = proxy;
  const { labels, user } = context;
  const plugin = pluginOf(mapping);
  if (plugin.type !== undefined && plugin.path === undefined) {
    const comment = `not imported: the proxy ${name} (its plugin ${plugin.type} has no counterpart; run a program that does the same, and offer it as a serve)`;
    const rest = leftoverComments(mapping.rest(), FRPC_REASONS);
    return nothing(name, [{ comment, isLost: true }, ...rest]);
  }
  const full = fullName(user, name);
  const key = mapping.take(["secretKey", "sk"], TEXT);
  const target = plugin.path ?? localTarget(mapping);
  const isActive = activeOf(proxy, context);
  const base = { full, target, key, isActive };
  const title = labels.make("serve", name);
  if (type === "tcp") {
    const port = mapping.take(["remotePort", "remote_port"], REMOTE_PORT) ?? 0;
    const group = readGroup(proxy, { port, isActive }, context.groups);
    const serve = group?.serve ?? plainName(full);
    const isShared = group?.serve !== undefined;
    takeEncryption(mapping);
    const lines = [
      ...leftoverComments(mapping.rest(), FRPC_REASONS),
      ...(group?.lines ?? []),
      ...(isShared ? [] : renamed(full)),
      { key: "name", value: serve },
      ...target,
      ...(isShared ? [{ key: "share", value: "balance" }] : []),
      ...activeLines(isActive),
    ];
    const opens = {
      name: isShared ? group.name : name,
      serve,
      port,
      isActive,
    };
    // One that its group refuses has no port of its own either.
    const ports = group !== undefined && !isShared ? [] : [opens];
    return { name, key, items: [{ title, lines }], ports };
  }
  const users =
    mapping.texts("allowUsers") ?? mapping.texts("allow_users") ?? [];
  const allowed = users.filter((each) => each !== "");
  takeEncryption(mapping);
  const rest = leftoverComments(mapping.rest(), FRPC_REASONS);
  const own = serveLines(plainName(full), { ...base, comments: renamed(full) });
  const items: Item[] = [];
  const all = allowed.includes("*");
  if (allowed.length === 0 || all || allowed.includes(user ?? ""))
    items.push({ title, lines: [...rest, ...own] });
  const others = allowed.filter((each) => each !== (user ?? ""));
  if (others.length > 0)
    items.push({
      title:
        items.length === 0 ? title : labels.make("serve", `${name}-others`),
      lines: [
        ...(items.length === 0 ? rest : []),
        ...serveLines(nameFor(full, "others"), {
          ...base,
          isActive: isActive && all,
          comments: [all ? EVERYBODY : someUsers(others)],
        }),
      ],
    });
  return { name, key, items, ports: [] };
}

const EVERYBODY: Comment = {
  comment:
    'allowUsers = "*": an imported visitor of another user asks for this name.',
};

function someUsers(users: readonly string[]): Comment {
  return {
    comment: `not imported: allowUsers = [${users.join(", ")}] (frp believed whoever said to be that user; here write allow= with the fingerprints of those users' nodes, as \`show vnets\` shows them, and take active=false away)`,
    isLost: true,
  };
}

interface ServeParts {
  readonly target: readonly Entry[];
  readonly key: string | undefined;
  readonly isActive: boolean;
  readonly comments: readonly Comment[];
}

/** A serve of a key that is no secret here would be open to the whole group, so it waits for one. */
function serveLines(name: string, parts: ServeParts): (Comment | Entry)[] {
  const isGuarded = parts.key === undefined || isSecret(parts.key);
  return [
    ...parts.comments,
    { key: "name", value: name },
    ...parts.target,
    ...activeLines(parts.isActive && isGuarded),
  ];
}

export function isSecret(key: string): boolean {
  return SECRET.parse(key) !== undefined;
}

function localTarget(mapping: Mapping): Entry[] {
  const ip = mapping.take(["localIP", "local_ip"], HOST) ?? "127.0.0.1";
  const port = mapping.need(
    keyThere(mapping, "localPort", "local_port"),
    PORT,
    0,
  );
  return [
    { key: "ip", value: ip },
    { key: "port", value: port },
  ];
}

/** frp's plugin for Unix sockets is an address here. */
function pluginOf(mapping: Mapping): { type?: string; path?: Entry[] } {
  const old = typeof mapping.peek("plugin") === "string";
  const plugin = old ? undefined : mapping.child("plugin");
  const type = old ? mapping.take("plugin", TEXT) : plugin?.take("type", TEXT);
  if (type === undefined) return {};
  if (type !== "unix_domain_socket") return { type };
  const path = old
    ? mapping.need("plugin_unix_path", SOCKET_PATH, "")
    : plugin?.need("unixPath", SOCKET_PATH, "");
  return { type, path: [{ key: "ip", value: `unix:${path ?? ""}` }] };
}

const SOCKET_PATH: ValueKind<string> = {
  allowed: "the absolute path of a socket, printable characters only",
  parse: (text) =>
    /^\/[^\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]{0,255}$/u.test(text)
      ? text
      : undefined,
};

function visitor(proxy: FrpProxy, context: FrpContext): FrpEntry {
  const { name, mapping } = proxy;
  const { user } = context;
  const serverUser = mapping.take(["serverUser", "server_user"], TEXT) ?? user;
  const server = mapping.need(
    keyThere(mapping, "serverName", "server_name"),
    TEXT,
    "",
  );
  const full = fullName(serverUser, server);
  const key = mapping.take(["secretKey", "sk"], TEXT);
  const ip = goVisitorAddress(mapping.take(["bindAddr", "bind_addr"], HOST));
  const bindKey = keyThere(mapping, "bindPort", "bind_port");
  const port = mapping.need(bindKey, BIND_PORT, 0);
  const isActive = activeOf(proxy, context);
  takeEncryption(mapping);
  const rest = leftoverComments(mapping.rest(), FRPC_REASONS);
  if (port < 0) {
    const comment = `not imported: the visitor ${name} (it listens nowhere: its port is below 0)`;
    return nothing(name, [{ comment }, ...rest]);
  }
  if (isActive) context.listeners.add(mapping, bindKey, ip, port);
  const isOther = serverUser !== user;
  const lines = [
    ...rest,
    ...(isOther ? [OTHER_USER] : renamed(full)),
    {
      key: "serve",
      value: isOther ? nameFor(full, "others") : plainName(full),
    },
    { key: "ip", value: ip },
    { key: "port", value: port },
    ...activeLines(isActive),
  ];
  const title = context.labels.make("use", name);
  return { name, key, items: [{ title, lines }], ports: [] };
}

const OTHER_USER: Comment = {
  comment:
    "A proxy of another user: as in frp it is reached only where that one has allowUsers. Its import offers it by this name then.",
};

/** Absent: for this machine only. */
function goVisitorAddress(ip: string | undefined): string {
  return ip === undefined ? "127.0.0.1" : goListenAddress(ip);
}

/** The spelling that the file uses; the new one where it uses none, or the old one in INI. */
function keyThere(mapping: Mapping, now: string, old: string): string {
  if (mapping.has(now)) return now;
  return mapping.has(old) || mapping.prefix.startsWith("[") ? old : now;
}

/** As frp names a proxy for the others: `user.name`. */
function fullName(user: string | undefined, name: string): string {
  return user === undefined ? name : `${user}.${name}`;
}

function activeOf(
  { name, mapping }: FrpProxy,
  { started }: FrpContext,
): boolean {
  const enabled = mapping.take("enabled", BOOLEAN) ?? true;
  return enabled && (started === undefined || started.includes(name));
}

function activeLines(isActive: boolean): Entry[] {
  return isActive ? [] : [{ key: "active", value: false }];
}

/** Channels are encrypted anyway, so `true` needs no word. */
function takeEncryption(mapping: Mapping): void {
  const transport = mapping.child("transport");
  if (transport.peek("useEncryption") === true)
    transport.take("useEncryption", BOOLEAN);
  if (mapping.peek("use_encryption") === "true")
    mapping.take("use_encryption", BOOLEAN);
}
