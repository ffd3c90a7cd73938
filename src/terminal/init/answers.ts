// The answers of a guided start, each read from one line of text by the kinds of the configuration file.
// Pure: every reader returns what was meant or throws VnetError `usage` with one line for the person.

import { SERVEID } from "../../config/config.js";
import { isLink } from "../../config/link.js";
import { SECTIONS } from "../../config/schema.js";
import {
  AUTO,
  isLabel,
  LABEL,
  PORT,
  SECRET,
  wholeNumber,
} from "../../config/value.js";
import { VnetError } from "../../errors.js";
import { createSecret } from "../../keys/secret.js";
import { wrong } from "../arguments.js";

/** `ip` and `port` of a section as they are written; a link (`unix:/…`) has no port. */
export interface Endpoint {
  ip: string;
  port: number | null;
}

export interface Use {
  /** the serve's id, or its name, perhaps with `@NODE` */
  what: { serveid: number } | { serve: string };
  /** null: the serve's own */
  port: number | null;
}

export interface NodeAnswers {
  hub: Endpoint;
  /** empty: none */
  authkey: string;
  group: string;
  /** empty: none */
  secret: string;
  name: string;
  offer: Endpoint | null;
  use: Use | null;
}

const SERVEIDS = wholeNumber(SERVEID.min, SERVEID.max);
const HUB_PORT = SECTIONS.route.keys.port.fallback;
/** Said instead of a secret: make one. */
export const NEW = "new";
const ANY = new Set(["0.0.0.0", "::"]);

/** `host`, `host:port`, `unix:/path` and the other links: where a node finds its hub. */
export function readHub(text: string): Endpoint {
  const hub = readRoute(
    text,
    `HOST or HOST:PORT, for example hub.example.org:${HUB_PORT}`,
  );
  if (ANY.has(hub.ip))
    throw new VnetError(
      "usage",
      `${hub.ip} is where a hub listens; give the address at which this machine reaches it`,
    );
  return hub;
}

/** `address:port`: where a hub listens. */
export function readListen(text: string): Endpoint {
  return readRoute(
    text,
    `ADDRESS or ADDRESS:PORT, for example 0.0.0.0:${HUB_PORT}`,
  );
}

function readRoute(text: string, allowed: string): Endpoint {
  const keys = SECTIONS.route.keys;
  if (isLink(text)) return readLink(text, keys.ip.kind);
  const { host, port } = splitPort(text);
  const isPort = port === null || /^[0-9]+$/.test(port);
  if (!isPort || keys.ip.kind.parse(host) === undefined)
    throw wrong("the address", text, allowed);
  return {
    ip: withoutBrackets(host),
    port: port === null ? HUB_PORT : readPort(port),
  };
}

/** A key, or the whole line that the hub printed; empty: the hub has none. */
export function readAuthkey(text: string): string {
  const key = text.replace(/^authkey\s*=\s*/, "");
  if (key === AUTO)
    throw new VnetError(
      "usage",
      `${AUTO} is for the hub; give the key that it printed at its first start`,
    );
  // The key itself is never shown, not even a wrong one.
  if (key !== "" && SECRET.parse(key) === undefined)
    throw new VnetError("usage", "an authkey has 8–256 printable characters");
  return key;
}

/** The group's key, or its line in another node's file; `new`: a fresh one; empty: none. */
export function readSecret(text: string): string {
  if (text.toLowerCase() === NEW) return createSecret();
  const secret = text.replace(/^secret\s*=\s*/, "");
  if (secret !== "" && SECRET.parse(secret) === undefined)
    throw new VnetError(
      "usage",
      `a secret has 8–256 printable characters; ${NEW} makes a good one`,
    );
  return secret;
}

export function readGroup(text: string): string {
  if (!isLabel(text)) throw wrong("the group", text, LABEL.allowed);
  return text;
}

export function readName(text: string): string {
  if (!isLabel(text)) throw wrong("the name", text, LABEL.allowed);
  return text;
}

/** `PORT`, `HOST:PORT` or a link; empty: nothing. */
export function readOffer(text: string): Endpoint | null {
  if (text === "") return null;
  const keys = SECTIONS.serve.keys;
  if (isLink(text)) return readLink(text, keys.ip.kind);
  if (/^[0-9]+$/.test(text))
    return { ip: keys.ip.fallback, port: readPort(text) };
  const { host, port } = splitPort(text);
  if (port === null || keys.ip.kind.parse(host) === undefined)
    throw wrong("the service", text, "PORT or HOST:PORT, for example 22");
  return { ip: withoutBrackets(host), port: readPort(port) };
}

/** `ID`, `NAME` or `NAME@NODE`, and perhaps `:PORT`; empty: nothing. */
export function readUse(text: string): Use | null {
  if (text === "") return null;
  const colon = text.lastIndexOf(":");
  const what = colon < 0 ? text : text.slice(0, colon);
  const port = colon < 0 ? null : readPort(text.slice(colon + 1));
  if (/^[0-9]+$/.test(what)) {
    const serveid = SERVEIDS.parse(what);
    if (serveid === undefined)
      throw wrong("the id", what, `${SERVEIDS.allowed}, or a name`);
    return { what: { serveid }, port };
  }
  const at = what.lastIndexOf("@");
  const parts = at < 0 ? [what] : [what.slice(0, at), what.slice(at + 1)];
  if (what.includes(":") || !parts.every(isLabel))
    throw wrong(
      "the service",
      text,
      "ID, NAME or NAME@NODE, perhaps with :PORT, for example ssh@home:2222",
    );
  return { what: { serve: what }, port };
}

function readPort(text: string): number {
  const port = PORT.parse(text);
  if (port === undefined) throw wrong("the port", text, PORT.allowed);
  return port;
}

function readLink(
  text: string,
  kind: { allowed: string; parse(text: string): unknown },
): Endpoint {
  if (kind.parse(text) === undefined)
    throw wrong("the address", text, kind.allowed);
  return { ip: text, port: null };
}

/** More than one colon without brackets: an IPv6 address. */
function splitPort(text: string): { host: string; port: string | null } {
  const [, host, port] =
    /^(\[.*\])(?::(.*))?$/.exec(text) ?? /^([^:]*):([^:]*)$/.exec(text) ?? [];
  return { host: host ?? text, port: port ?? null };
}

function withoutBrackets(host: string): string {
  return host.replace(/^\[(.*)\]$/, "$1");
}
