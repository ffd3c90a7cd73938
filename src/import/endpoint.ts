// HOST:PORT in one text. Pure.

import { HOST, PORT, type ValueKind } from "../config/value.js";

export interface Endpoint {
  /** IPv6 without brackets */
  readonly ip: string;
  readonly port: number;
}

/** `127.0.0.1:80`, `[::1]:80`, `example.org:80`, and `:80` for all addresses. */
export const ENDPOINT: ValueKind<Endpoint> = {
  allowed: "HOST:PORT with a port of 1–65535, as in 127.0.0.1:9015",
  parse(text) {
    const colon = text.lastIndexOf(":");
    const host = text.slice(0, Math.max(colon, 0));
    // A bare IPv6 address has colons too, and none of them is before a port.
    if (colon < 0 || (host.includes(":") && !host.startsWith("[")))
      return undefined;
    const ip = host === "" ? "0.0.0.0" : HOST.parse(host);
    const port = PORT.parse(text.slice(colon + 1));
    return ip === undefined || port === undefined ? undefined : { ip, port };
  },
};
