// A user's request: what its head means, why it goes no further, and the head that the service gets in its place. Pure.

import type { Framing } from "./body.js";
import { badRequest, HttpFault } from "./fault.js";
import {
  forwardingLines,
  isForwarding,
  passesBelieved,
  plainName,
} from "./forwarding.js";
import {
  formatHead,
  isToken,
  valuesOf,
  wordsOf,
  type Head,
  type Header,
} from "./head.js";
import { isProperHost, type AllowedHosts } from "./hosts.js";

export interface Route {
  /** the Host header that the service gets */
  host: string;
  /** the user's `ip:port`; empty: unknown */
  from: string;
  hosts: AllowedHosts;
  /** what the user says of himself in forwarding headers is passed on */
  trustsForwarded: boolean;
}

export interface Request {
  method: string;
  /** the path as the service gets it */
  path: string;
  isOld: boolean;
  headers: readonly Header[];
  /** what was asked for; undefined: nothing, in HTTP/1.0 */
  host: string | undefined;
  framing: Framing;
  /** the protocol that the connection is to change to; empty: none */
  upgrade: string;
  /** Nothing comes behind it. */
  isLast: boolean;
}

/** Method, target, version. */
export const REQUEST_LINE = /^([^ ]+) ([^\0-\x20\x7f]+) HTTP\/(\d\.\d)$/;

/** They mean one connection (RFC 9110, 7.6.1) or its framing, and each of the two has its own. */
const HOP_BY_HOP = new Set([
  ...["connection", "keep-alive", "proxy-connection", "upgrade", "te"],
  ...["transfer-encoding", "proxy-authenticate", "proxy-authorization"],
]);

/** What a Connection header cannot take out of a message; nor what a proxy said that is believed. */
const FIXED = new Set(["host", "content-length", "trailer"]);

/** What may not come behind a body (RFC 9110, 6.5.1): it would change how the message was understood. */
const NOT_IN_TRAILERS = new Set([
  ...["host", "content-length", "trailer", "authorization", "cookie"],
  ...["set-cookie", "expect", "range", "content-encoding", "content-type"],
]);

/** Methods whose requests say nothing of a length when they have no body. */
const BODYLESS = new Set(["GET", "HEAD", "DELETE", "OPTIONS", "TRACE"]);

/** Throws HttpFault: not HTTP, or what two servers could understand in two ways. */
export function readRequest({ start, headers }: Head): Request {
  const [, method = "", target = "", version = ""] =
    REQUEST_LINE.exec(start) ?? [];
  if (!isToken(method)) throw badRequest("this is not a valid HTTP request");
  if (version !== "1.0" && version !== "1.1")
    throw badRequest("an HTTP version other than 1.0 and 1.1");
  if (method === "CONNECT") throw badRequest("this is no forward proxy");
  const isOld = version === "1.0";
  const hosts = valuesOf(headers, "host");
  if (hosts.length > 1) throw badRequest("more than one Host header");
  const [host] = hosts;
  if (host === undefined && !isOld) throw badRequest("no Host header");
  if (host !== undefined && !isProperHost(host))
    throw badRequest("a Host header that is no host");
  const framing = framingOf(headers, isOld);
  const connection = wordsOf(headers, "connection");
  const [upgrade = ""] = valuesOf(headers, "upgrade");
  const mayUpgrade =
    !isOld && connection.includes("upgrade") && !/\bh2c?\b/i.test(upgrade);
  const isKept = isOld
    ? connection.includes("keep-alive")
    : !connection.includes("close");
  const expect = valuesOf(headers, "expect");
  if (expect.some((word) => !/^100-continue$/i.test(word)))
    throw new HttpFault(417, "an expectation other than 100-continue");
  return {
    ...{ method, isOld, headers, framing },
    ...targetOf(method, target, host),
    // HTTP/2 over the upgraded connection would carry requests past us.
    upgrade: mayUpgrade ? upgrade : "",
    isLast: !isKept || (mayUpgrade && upgrade !== ""),
  };
}

/** Throws HttpFault where it may not ask for that host. */
export function checkHost({ host }: Request, { hosts }: Route): void {
  if (host === undefined || hosts.has(host)) return;
  const name = host.replace(/:\d*$/, "");
  throw new HttpFault(
    421,
    `this service is not offered under the name ${name}. If it shall be, whoever offers it writes hosts=${name} into its [serve.…] section`,
  );
}

/** The head that the service gets. */
export function onwardHead(request: Request, route: Route): string {
  const { method, path, headers, host, framing, upgrade } = request;
  const drops = dropsOf(headers);
  const believed = route.trustsForwarded
    ? headers.filter(([name]) => isForwarding(name))
    : [];
  const passed: Header[] = [["host", "Host", route.host]];
  for (const header of headers) {
    const [name, raw, value] = header;
    if (name === "host" || drops(name) || isDisguised(name)) continue;
    if (name === "trailer" && framing.kind !== "chunks") continue;
    if (isForwarding(name) && !(route.trustsForwarded && passesBelieved(name)))
      continue;
    if (name === "origin" || name === "referer")
      passed.push([name, raw, asIfAsked(value, host, route.host)]);
    else passed.push(header);
  }
  const more = forwardingLines({ from: route.from, host, believed });
  if (wordsOf(headers, "te").includes("trailers")) more.push("TE: trailers");
  if (framing.kind === "chunks") more.push("Transfer-Encoding: chunked");
  else if (
    valuesOf(headers, "content-length").length === 0 &&
    !BODYLESS.has(method)
  )
    more.push("Content-Length: 0");
  if (upgrade === "") more.push("Connection: keep-alive");
  else more.push("Connection: Upgrade", `Upgrade: ${upgrade}`);
  return formatHead(`${method} ${path} HTTP/1.1`, passed, ...more);
}

/** Which headers end here: those of one connection, given what Connection names. */
export function dropsOf(headers: readonly Header[]): (name: string) => boolean {
  const named = new Set(
    wordsOf(headers, "connection").filter(
      (word) => !FIXED.has(word) && !isForwarding(word),
    ),
  );
  return (name) => HOP_BY_HOP.has(name) || named.has(name);
}

/** Another spelling of what says where a message ends or who is asked: programs behind CGI cannot tell the two. */
function isDisguised(name: string): boolean {
  const told = plainName(name);
  return name !== told && (HOP_BY_HOP.has(told) || FIXED.has(told));
}

export function passingTrailers(trailers: readonly Header[]): Header[] {
  return trailers.filter(
    ([name]) =>
      !HOP_BY_HOP.has(name) &&
      !NOT_IN_TRAILERS.has(plainName(name)) &&
      !isDisguised(name) &&
      !isForwarding(name),
  );
}

function framingOf(headers: readonly Header[], isOld: boolean): Framing {
  const lengths = valuesOf(headers, "content-length");
  const hasCodings = valuesOf(headers, "transfer-encoding").length > 0;
  if (hasCodings && lengths.length > 0)
    throw badRequest("both Content-Length and Transfer-Encoding");
  if (hasCodings) {
    if (isOld) throw badRequest("Transfer-Encoding in HTTP/1.0");
    checkCodings(wordsOf(headers, "transfer-encoding"));
    return { kind: "chunks" };
  }
  const [length] = lengths;
  if (length === undefined) return { kind: "none" };
  if (lengths.length > 1 || !/^\d{1,15}$/.test(length))
    throw badRequest("a Content-Length that is no single number");
  return { kind: "length", bytes: Number(length) };
}

function checkCodings(codings: readonly string[]): void {
  if (codings.length === 1 && codings[0] === "chunked") return;
  const isWrong =
    codings.length !== 1 && codings.indexOf("chunked") !== codings.length - 1;
  if (isWrong)
    throw badRequest("a Transfer-Encoding that does not end in chunks");
  throw new HttpFault(501, "a transfer coding other than chunked");
}

/** The path as the service gets it. A whole URL in its place would overrule the Host header (RFC 9112, 3.2.2). */
function targetOf(
  method: string,
  target: string,
  host: string | undefined,
): Pick<Request, "path" | "host"> {
  if (target.startsWith("/") || (target === "*" && method === "OPTIONS"))
    return { path: target, host };
  const [whole, named = "", rest = ""] =
    /^https?:\/\/([^/?#@]+)([/?].*)?$/i.exec(target) ?? [];
  if (whole === undefined || !isProperHost(named))
    throw badRequest("the target is neither a path nor an http: URL");
  return { path: rest.startsWith("/") ? rest : `/${rest}`, host: named };
}

/**
 * Services compare Origin and Referer with their Host: what equals the host that was asked for is told as the one that
 * the service hears of. A foreign page's stays what it is.
 */
function asIfAsked(
  url: string,
  asked: string | undefined,
  host: string,
): string {
  const [, scheme = "", named, rest = ""] =
    /^(https?:\/\/)([^/?#]+)(.*)$/i.exec(url) ?? [];
  if (named === undefined || named.toLowerCase() !== asked?.toLowerCase())
    return url;
  return scheme + host + rest;
}
