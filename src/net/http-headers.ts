// What of a message's headers goes through the HTTP front, and what is put to them. Pure.
// Headers are lists as Node has them (name, value, name, value …), so that order, case and repetition stay.

import type { IncomingMessage } from "node:http";
import net from "node:net";

/** Why a request goes no further. */
export interface Refusal {
  status: number;
  reason: string;
}

export interface Route {
  /** the Host header that the service gets */
  host: string;
  /** the user's `ip:port`; empty: unknown */
  from: string;
}

/** The parser bounds the bytes of names and values, and not how many there are. */
const HEADERS_MAX = 1_000;

/** They mean one connection (RFC 9110, 7.6.1) or its framing, and each of the two has its own. */
const HOP_BY_HOP = new Set([
  ...["connection", "keep-alive", "proxy-connection", "upgrade", "te"],
  ...["transfer-encoding", "proxy-authenticate", "proxy-authorization"],
]);

const FORWARDED = new Set([
  ...["x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"],
]);

/** What a Connection header cannot take out of a message. */
const FIXED = new Set(["host", "content-length", "trailer", ...FORWARDED]);

/** What may not come behind a body (RFC 9110, 6.5.1): it would change how the message was understood. */
const NOT_IN_TRAILERS = new Set([
  ...["host", "content-length", "trailer", "authorization", "cookie"],
  ...["set-cookie", "expect", "range", "content-encoding", "content-type"],
]);

/** Methods whose requests say nothing of a length when they have no body. */
const BODYLESS = new Set(["GET", "HEAD", "DELETE", "OPTIONS", "TRACE"]);

/** What the strict parser lets through and two servers could understand in two ways. */
export function refusalOf(request: IncomingMessage): Refusal | null {
  const { headers, httpVersion } = request;
  const coding = headers["transfer-encoding"];
  if (!/^1\.[01]$/.test(httpVersion))
    return bad("an HTTP version other than 1.0 and 1.1");
  if (hasTooManyHeaders(request))
    return { status: 431, reason: `more than ${HEADERS_MAX} headers` };
  if (!/^(?:100-continue)?$/i.test(headers.expect ?? ""))
    return { status: 417, reason: "an expectation other than 100-continue" };
  const hosts = pairs(request.rawHeaders).filter(([name]) => name === "host");
  if (hosts.length === 0 && httpVersion === "1.1") return bad("no Host header");
  if (hosts.length > 1) return bad("more than one Host header");
  if (coding !== undefined && headers["content-length"] !== undefined)
    return bad("both Content-Length and Transfer-Encoding");
  if (coding !== undefined && httpVersion === "1.0")
    return bad("Transfer-Encoding in HTTP/1.0");
  if (coding !== undefined && !isChunked(request))
    return { status: 501, reason: "a transfer coding other than chunked" };
  if (targetOf(request) === null)
    return bad("the target is neither a path nor an http: URL");
  return null;
}

export function hasTooManyHeaders({ rawHeaders }: IncomingMessage): boolean {
  return rawHeaders.length > 2 * HEADERS_MAX;
}

export function isChunked({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"]?.toLowerCase() === "chunked";
}

/** Whether bytes follow the headers of a request. */
export function hasBody(request: IncomingMessage): boolean {
  return isChunked(request) || Number(request.headers["content-length"]) > 0;
}

/** The path as the service gets it. A whole URL in its place would overrule the Host header (RFC 9112, 3.2.2). */
export function targetOf(
  request: IncomingMessage,
): { path: string; host: string | undefined } | null {
  const { url = "", method, headers } = request;
  if (url.startsWith("/") || (url === "*" && method === "OPTIONS"))
    return { path: url, host: headers.host };
  const [whole, host, rest = ""] =
    /^https?:\/\/([^/?#@]+)([/?].*)?$/i.exec(url) ?? [];
  if (whole === undefined) return null;
  return { path: rest.startsWith("/") ? rest : `/${rest}`, host };
}

/** @param upgrade the protocol that the connection is to change to, where it may */
export function requestHeaders(
  request: IncomingMessage,
  route: Route,
  upgrade?: string,
): string[] {
  const { headers, method = "GET", rawHeaders } = request;
  const all = pairs(rawHeaders);
  const host = targetOf(request)?.host;
  const drops = dropsOf(headers.connection);
  const list = ["Host", route.host];
  for (const [name, raw, value] of all) {
    if (name === "host" || drops(name)) continue;
    // Programs behind CGI cannot tell X_Forwarded_For from X-Forwarded-For.
    if (FORWARDED.has(name.replaceAll("_", "-"))) continue;
    if (name === "trailer" && !isChunked(request)) continue;
    list.push(raw, value);
  }
  const said = (name: string) =>
    all.filter((header) => header[0] === name).map((header) => header[2]);
  list.push(
    "X-Forwarded-For",
    [...said("x-forwarded-for"), ipOf(route.from)]
      .filter((word) => word.trim() !== "")
      .join(", "),
    "X-Forwarded-Proto",
    first(said("x-forwarded-proto"), /^https?$/i) ?? "http",
  );
  // What a proxy in front of us was asked for is more original than what it asked us for.
  const asked = first(said("x-forwarded-host"), /^[\w.[\]:-]+$/) ?? host;
  if (asked !== undefined) list.push("X-Forwarded-Host", asked);
  if (/\btrailers\b/i.test(String(headers.te ?? "")))
    list.push("TE", "trailers");
  if (isChunked(request)) list.push("Transfer-Encoding", "chunked");
  else if (headers["content-length"] === undefined && !BODYLESS.has(method))
    list.push("Content-Length", "0");
  if (upgrade !== undefined)
    list.push("Connection", "Upgrade", "Upgrade", upgrade);
  return list;
}

/** @param isForChunks whether the user can be sent a chunked body, and so trailers */
export function responseHeaders(
  response: IncomingMessage,
  isForChunks: boolean,
): string[] {
  const hasTrailers = isForChunks && isChunked(response);
  const drops = dropsOf(response.headers.connection);
  return pairs(response.rawHeaders)
    .filter(([name]) => !drops(name))
    .filter(([name]) => name !== "trailer" || hasTrailers)
    .filter(
      ([name]) => name !== "content-length" || response.statusCode !== 204,
    )
    .flatMap(([, raw, value]) => [raw, value]);
}

export function trailersOf({ rawTrailers }: IncomingMessage) {
  return pairs(rawTrailers)
    .filter(
      ([name]) =>
        !HOP_BY_HOP.has(name) &&
        !NOT_IN_TRAILERS.has(name) &&
        !FORWARDED.has(name.replaceAll("_", "-")),
    )
    .map(([, raw, value]): [string, string] => [raw, value]);
}

/** Which headers end here, given what Connection names. */
function dropsOf(connection = ""): (name: string) => boolean {
  const words = connection.split(",").map((word) => word.trim().toLowerCase());
  const named = new Set(words.filter((word) => !FIXED.has(word)));
  return (name) => HOP_BY_HOP.has(name) || named.has(name);
}

function pairs(
  raw: readonly string[],
): [name: string, raw: string, value: string][] {
  const list: [string, string, string][] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const [name = "", value = ""] = [raw[at], raw[at + 1]];
    list.push([name.toLowerCase(), name, value]);
  }
  return list;
}

/** The one value that was said, where it is said once and has that form. */
function first(values: string[], form: RegExp): string | undefined {
  const [value] = values;
  return values.length === 1 && value !== undefined && form.test(value)
    ? value
    : undefined;
}

/** `192.0.2.1:50000`, `[2001:db8::1]:50000`, `[::ffff:192.0.2.1]:50000` → the address alone */
function ipOf(from: string): string {
  const ip = from
    .replace(/:\d+$/, "")
    .replace(/^\[(.*)\]$/, "$1")
    .replace(/^::ffff:(?=[\d.]+$)/i, "");
  // Never nothing: then what the user says of himself would stand last, where the nearest proxy is believed.
  return net.isIP(ip) === 0 ? "unknown" : ip;
}

function bad(reason: string): Refusal {
  return { status: 400, reason };
}
