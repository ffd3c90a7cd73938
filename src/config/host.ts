// Names and addresses of hosts as people write them. Pure: resolves nothing
// and opens nothing, which is why the checks of node:net are not used here.

import { domainToASCII } from "node:url";

const OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";
const IPV4 = new RegExp(`^${OCTET}(?:\\.${OCTET}){3}$`);

/** Four decimal numbers 0–255 without leading zeros. */
export function isIpv4(text: string): boolean {
  return IPV4.test(text);
}

/** RFC 4291 text without brackets; a zone (`fe80::1%eth0`) may follow. */
export function isIpv6(text: string): boolean {
  const address = text.replace(/%[a-z0-9_.-]{1,64}$/i, "");
  if (!/^[0-9a-f:.]{2,45}$/i.test(address)) return false;
  // Of what is left, the URL parser accepts between brackets an IPv6 address and nothing else.
  return URL.canParse(`http://[${address}]/`);
}

/** What can be dialled, apart from links. */
export function isHost(text: string): boolean {
  return isIpv4(text) || isIpv6(text) || isHostName(text);
}

/** A name that could be looked up: ASCII, or international as people write it. */
function isHostName(text: string): boolean {
  if (text.length > 253) return false;
  const name = /^[!-~]*$/.test(text) ? text : domainToASCII(text);
  if (name.length > 253) return false;
  const parts = name.replace(/\.$/, "").split(".");
  // A number at the end is a mistyped address (RFC 1123, 2.1), and resolvers read it as one.
  if (/^(?:[0-9]+|0x[0-9a-f]*)$/i.test(parts.at(-1) ?? "")) return false;
  return parts.every((part) =>
    /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/i.test(part),
  );
}
