// What a connection speaks that is no vnet, as far as its first bytes tell, and what its user can do. For the log of
// the hub. Looks at bytes only; says nothing of what a user asks for but the name of a TLS server.

import { printable, quoted } from "../printable.js";
import { TLS_FIRST_BYTE, readTlsHello } from "./client-hello.js";
import { beginsWithProxyHeader } from "./proxy-header.js";

const USERS =
  "nodes join here; users come in by a public port ([public.X]), and where it has the hub's own ip= and port= by this one too";

/** So much of the beginning of what is not known is shown. */
const SHOWN_BYTES = 8;

/** RFC 9110, 9.1, WebDAV, and HTTP/2 without TLS. */
const HTTP = /^([A-Z]{3,16}) \S+ HTTP\/|^(PRI) \* |^(GET|HEAD|POST|PUT) /;

const BEGINNINGS: readonly (readonly [RegExp, string])[] = [
  [/^SSH-[12]\./, "SSH"],
  // TPKT and a request of X.224 to connect (MS-RDPBCGR, 2.2.1.1).
  [/^\x03\0[^][^][^]\xe0/, "RDP (remote desktop)"],
  // Its own request for TLS, then the version that each one begins with.
  [/^\0\0\0\x08\x04\xd2\x16\x2f|^\0\0[^][^]\0\x03\0\0/, "PostgreSQL"],
  [/^(?:\*\d+\r\n\$|PING\r\n)/, "Redis"],
  [/^\x10[^]{1,4}\0(?:\x04MQTT|\x06MQIsdp)/, "MQTT"],
  [/^\x05[\x01-\x09][\0-\x09]|^\x04[\x01\x02]/, "SOCKS (a proxy is wanted)"],
  [/^(?:EHLO|HELO) /i, "SMTP"],
  // Long and short record header of SSL 2, which asks for up to TLS 1.0.
  [/^[\x80-\xff][^]\x01[\0-\x03]/, "TLS of an old version (SSL 2's form)"],
];

const OLD_VNETS = ["vnet-ctl"];

/** The reason for a line of the log, for what is no vnet: what it speaks, and what can be done. */
export function describeStranger(head: Buffer): string {
  const text = head.toString("latin1", 0, 1_024);
  if (OLD_VNETS.some((old) => text.startsWith(old)))
    return "it is a vnet of an old version; bring it to the version of this hub";
  if (beginsWithProxyHeader(head) === true)
    return "it begins with a PROXY header; set [route] proxy_protocol=true, and proxy_from= to where that proxy is";
  if (/^CONNECT \d+\r?\n/.test(text))
    return "it begins with a line CONNECT PORT, as what virtual machines dial; set [route] connect_line=true";
  return `it speaks ${protocolOf(head, text)}; ${USERS}`;
}

function protocolOf(head: Buffer, text: string): string {
  if (head[0] === TLS_FIRST_BYTE && (head[1] ?? 3) === 3) return tlsOf(head);
  const http = HTTP.exec(text);
  if (http !== null)
    return `HTTP (${http.slice(1).find((method) => method !== undefined) ?? ""})`;
  const known = BEGINNINGS.find(([beginning]) => beginning.test(text));
  if (known !== undefined) return known[1];
  const shown = text.slice(0, SHOWN_BYTES);
  return /^[\x20-\x7e]+$/.test(shown)
    ? `something that begins with "${shown}"`
    : `something that begins with the bytes ${head.toString("hex", 0, SHOWN_BYTES)}`;
}

function tlsOf(head: Buffer): string {
  const hello = readTlsHello(head);
  if (hello === null) return "TLS, but not as a node does";
  const { isOld, serverName } = hello;
  const kind = isOld
    ? "TLS of an older version (1.2 at most)"
    : "TLS with a certificate (https, for example)";
  return serverName === ""
    ? kind
    : `${kind}, to ${quoted(printable(serverName))}`;
}
