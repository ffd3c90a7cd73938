// One proxy or visitor of frpc → a serve, a use, or a comment that says why it
// is none. Pure.

import {
  BOOLEAN,
  HOST,
  LABEL,
  PORT,
  wholeNumber,
  type ValueKind,
} from "../config/value.js";
import { FRPC_REASONS, FRP_TYPES } from "./frp-reasons.js";
import { TEXT, type FrpProxy } from "./frp.js";
import { plainName, renamed, type Labels } from "./labels.js";
import { leftoverComments } from "./leftovers.js";
import type { Listeners } from "./listeners.js";
import type { Mapping } from "./mapping.js";
import type { Comment, Entry, Item, Section } from "./outline.js";

export interface FrpContext {
  /** stands before the names of proxies */
  readonly user: string | undefined;
  /** the names that are started; undefined: all */
  readonly started: readonly string[] | undefined;
  readonly labels: Labels;
  readonly listeners: Listeners;
}

export interface FrpEntry {
  readonly name: string;
  readonly secret: string | undefined;
  readonly items: readonly Item[];
  /** the sections that the hub's own file would need */
  readonly hubPorts: readonly Section[];
}

/** frp's -1: the visitor is used by other visitors only. */
const BIND_PORT: ValueKind<number> = {
  allowed: PORT.allowed,
  parse: (text) => (/^-[0-9]{1,5}$/.test(text) ? -1 : PORT.parse(text)),
};

const REMOTE_PORT = wholeNumber(0, 65535);

export function readEntry(proxy: FrpProxy, context: FrpContext): FrpEntry {
  const { name, type, isVisitor, mapping } = proxy;
  // The name of an INI section was looked at by nobody yet.
  if (LABEL.parse(name) === undefined && name !== "")
    mapping.complain("name", `found another one, allowed ${LABEL.allowed}`);
  const isKnown = isVisitor
    ? type === "stcp"
    : type === "stcp" || type === "tcp";
  if (!isKnown || name.startsWith("range:")) return leftOut(proxy);
  return isVisitor ? visitor(proxy, context) : service(proxy, context);
}

function leftOut({ name, type, isVisitor, mapping }: FrpProxy): FrpEntry {
  const what = isVisitor ? "visitor" : "proxy";
  const reason = name.startsWith("range:")
    ? "a range of ports: write one section for each"
    : Object.hasOwn(FRP_TYPES, type)
      ? (FRP_TYPES[type] ?? "")
      : "no counterpart";
  const keys = mapping.rest().map(({ shown }) => shown);
  const with_ = keys.length === 0 ? "" : `: ${keys.join("; ")}`;
  const comment = `not imported: the ${what} ${name} of type ${type} (${reason})${with_}`;
  return {
    name,
    secret: undefined,
    items: [{ comment, isLost: true }],
    hubPorts: [],
  };
}

function service(proxy: FrpProxy, context: FrpContext): FrpEntry {
  const { name, type, mapping } = proxy;
  const full = fullName(mapping, context.user, name);
  const plugin = pluginOf(mapping);
  if (plugin.type !== undefined && plugin.path === undefined) {
    const comment = `not imported: the proxy ${name} (its plugin ${plugin.type} has no counterpart; run a program that does the same, and offer it as a serve)`;
    const rest = leftoverComments(mapping.rest(), FRPC_REASONS);
    return {
      name,
      secret: undefined,
      items: [{ comment, isLost: true }, ...rest],
      hubPorts: [],
    };
  }
  const secret = mapping.take(["secretKey", "sk"], TEXT);
  const target = plugin.path ?? localTarget(mapping);
  const remotePort =
    type === "tcp"
      ? mapping.take(["remotePort", "remote_port"], REMOTE_PORT)
      : undefined;
  const active = activeLines(proxy, context);
  takeEncryption(mapping);
  const lines = [
    ...leftoverComments(mapping.rest(), FRPC_REASONS),
    ...renamed(full),
    { key: "name", value: plainName(full) },
    ...target,
    ...active,
  ];
  return {
    name,
    secret,
    items: [{ title: context.labels.make("serve", name), lines }],
    hubPorts:
      remotePort === undefined
        ? []
        : [hubPort(name, plainName(full), remotePort, context.labels)],
  };
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

function hubPort(
  name: string,
  serve: string,
  port: number,
  labels: Labels,
): Section {
  const where: (Comment | Entry)[] =
    port === 0
      ? [{ comment: "frp chose the port; choose one: port=" }]
      : [{ key: "port", value: port }];
  return {
    title: labels.make("public", name),
    lines: [
      { key: "serve", value: serve },
      { key: "ip", value: "0.0.0.0" },
      ...where,
    ],
  };
}

function visitor(proxy: FrpProxy, context: FrpContext): FrpEntry {
  const { name, mapping } = proxy;
  const user =
    mapping.take(["serverUser", "server_user"], TEXT) ?? context.user;
  const server = mapping.need(
    keyThere(mapping, "serverName", "server_name"),
    LABEL,
    "",
  );
  const serve = fullName(mapping, user, server);
  const secret = mapping.take(["secretKey", "sk"], TEXT);
  const ip = mapping.take(["bindAddr", "bind_addr"], HOST) ?? "127.0.0.1";
  const bindKey = keyThere(mapping, "bindPort", "bind_port");
  const port = mapping.need(bindKey, BIND_PORT, 0);
  const active = activeLines(proxy, context);
  takeEncryption(mapping);
  const rest = leftoverComments(mapping.rest(), FRPC_REASONS);
  if (port < 0) {
    const comment = `not imported: the visitor ${name} (it listens nowhere: its port is below 0)`;
    return { name, secret, items: [{ comment }, ...rest], hubPorts: [] };
  }
  context.listeners.add(mapping, bindKey, ip, port);
  const lines = [
    ...rest,
    ...renamed(serve),
    { key: "serve", value: plainName(serve) },
    { key: "ip", value: ip },
    { key: "port", value: port },
    ...active,
  ];
  const title = context.labels.make("use", name);
  return { name, secret, items: [{ title, lines }], hubPorts: [] };
}

/** The spelling that the file uses; the new one where it uses none, or the old one in INI. */
function keyThere(mapping: Mapping, now: string, old: string): string {
  if (mapping.has(now)) return now;
  return mapping.has(old) || mapping.prefix.startsWith("[") ? old : now;
}

/** As frp names a proxy for the others: `user.name`. */
function fullName(
  mapping: Mapping,
  user: string | undefined,
  name: string,
): string {
  const full = user === undefined ? name : `${user}.${name}`;
  if (full !== "" && LABEL.parse(full) === undefined)
    mapping.complain(
      "name",
      `found a name that with its user is longer or of other characters, allowed ${LABEL.allowed}`,
    );
  return full;
}

function activeLines(
  { name, mapping }: FrpProxy,
  { started }: FrpContext,
): Entry[] {
  const enabled = mapping.take("enabled", BOOLEAN) ?? true;
  const isStarted = started === undefined || started.includes(name);
  return enabled && isStarted ? [] : [{ key: "active", value: false }];
}

/** Channels are encrypted anyway, so `true` needs no word. */
function takeEncryption(mapping: Mapping): void {
  const transport = mapping.child("transport");
  if (transport.peek("useEncryption") === true)
    transport.take("useEncryption", BOOLEAN);
  if (mapping.peek("use_encryption") === "true")
    mapping.take("use_encryption", BOOLEAN);
}
