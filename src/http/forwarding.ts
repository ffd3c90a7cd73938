// The headers by which proxies tell a service who asked for what. What a user says of himself in them is worth nothing:
// they are dropped and said anew, unless a serve says that a proxy in front of its users may be believed.

import { isIpv4, isIpv6 } from "../config/host.js";
import type { Header } from "./head.js";

/** Those of all proxies and of frameworks that believe them: of the address, the host, the scheme and the path. */
const NAMES = new Set([
  ...["forwarded", "via-proxy", "proxy", "proxy-client-ip", "client-ip"],
  ...["x-real-ip", "x-client-ip", "x-cluster-client-ip", "x-remote-ip"],
  ...["x-remote-addr", "x-originating-ip", "x-proxyuser-ip"],
  ...["wl-proxy-client-ip", "wl-proxy-ssl", "true-client-ip", "fastly-ssl"],
  ...["fastly-client-ip", "fly-client-ip", "x-appengine-user-ip"],
  ...["x-azure-clientip", "x-azure-socketip", "x-nf-client-connection-ip"],
  ...["x-envoy-external-address", "x-envoy-original-path", "x-envoy-internal"],
  ...["x-envoy-original-host", "cf-connecting-ip", "cf-connecting-ipv6"],
  ...["cf-pseudo-ipv4", "cf-visitor", "cf-ipcountry", "x-host"],
  ...["x-original-url", "x-original-uri", "x-original-host", "x-rewrite-url"],
  ...["x-original-forwarded-for", "x-original-method", "x-original-proto"],
  ...["x-http-host-override", "x-http-destinationurl", "x-url-scheme"],
  ...["x-scheme", "x-proto", "front-end-https", "x-arr-ssl", "x-https"],
]);

/** X-Forwarded-For, -Host, -Proto, -Port, -Prefix, -Server, -Ssl, -Uri, -User … */
const PREFIX = "x-forwarded";

/** In the name of a proxy that the table does not know. */
const WORD = /(?:^|-)forward(?:ed)?(?:-|$)/;

const OURS = new Set([
  ...["x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"],
]);

/**
 * The name as programs read it that cannot tell all: behind CGI `X_Real_IP`, `X.Real.IP` and `X-Real-IP` are the same, and
 * what CGI itself would call `HTTP_X_REAL_IP`.
 */
export function plainName(name: string): string {
  return name.replace(/[^a-z0-9]/g, "-").replace(/^http-/, "");
}

export function isForwarding(name: string): boolean {
  const told = plainName(name);
  return told.startsWith(PREFIX) || NAMES.has(told) || WORD.test(told);
}

/** What passes of those that a believed proxy said: ours are said again, and other spellings are nobody's. */
export function passesBelieved(name: string): boolean {
  return name === plainName(name) && !OURS.has(name);
}

export interface Asked {
  /** the user's `ip:port`; empty: unknown */
  from: string;
  /** what the user asked for, with the port; undefined: nothing, in HTTP/1.0 */
  host: string | undefined;
  /** what a proxy in front of the user's side said; none where it is not believed */
  believed: readonly Header[];
}

/** Our own, in a fixed order. */
export function forwardingLines({ from, host, believed }: Asked): string[] {
  const said = (wanted: string) =>
    believed.filter(([name]) => name === wanted).map((header) => header[2]);
  const addresses = [...said("x-forwarded-for"), ipOf(from)]
    .filter((word) => word.trim() !== "")
    .join(", ");
  const lines = [
    `X-Forwarded-For: ${addresses}`,
    `X-Forwarded-Proto: ${first(said("x-forwarded-proto"), /^https?$/i) ?? "http"}`,
  ];
  // What a proxy in front of us was asked for is more original than what it asked us for.
  const asked = first(said("x-forwarded-host"), /^[\w.[\]:-]+$/) ?? host;
  if (asked !== undefined) lines.push(`X-Forwarded-Host: ${asked}`);
  return lines;
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
  return isIpv4(ip) || isIpv6(ip) ? ip : "unknown";
}
