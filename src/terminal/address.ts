// An address as people write it. Pure.

import { describeLink, isLink } from "../config/link.js";

/** `127.0.0.1:22`, `[::1]:22`; without the port while it is not known (0). A link as it may be shown. */
export function formatAddress(ip: string, port: number): string {
  if (isLink(ip)) return describeLink(ip);
  const host = ip.includes(":") ? `[${ip}]` : ip;
  return port === 0 ? host : `${host}:${port}`;
}
