// Where a host is, so that two ways to write one place can be told to be the same: names are looked up, and all addresses of
// this machine are one place.

import net from "node:net";
import { networkInterfaces } from "node:os";
import type { Duplex } from "node:stream";
import { isLoopback, plainAddress } from "./address.js";
import { names } from "./names.js";

/** A name that is not known by then counts as a place of its own. */
const LOOKUP_MS = 2_000;

const THIS_MACHINE = "this machine";

/** Whoever connects to these gets this machine. */
const ANY = ["0.0.0.0", plainAddress("::")];

/** At least one. @param host an IP address or a host name */
export async function placesOf(host: string): Promise<string[]> {
  const name = host.toLowerCase().replace(/\.$/, "");
  // RFC 6761, 6.3.
  if (name === "localhost") return [THIS_MACHINE];
  if (net.isIP(name) !== 0) return [placeOf(name)];
  try {
    const found = await names.lookup(host, { timeoutMs: LOOKUP_MS });
    return found.map(({ address }) => placeOf(address));
  } catch {
    return [`name ${name}`];
  }
}

/** Where a connection went; null: it is none of a socket, or is over. */
export function reachedBy(duplex: Duplex): { ip: string; port: number } | null {
  if (!(duplex instanceof net.Socket)) return null;
  const { remoteAddress: ip, remotePort: port } = duplex;
  return ip === undefined || port === undefined ? null : { ip, port };
}

function placeOf(address: string): string {
  const plain = plainAddress(address);
  if (ANY.includes(plain) || isLoopback(plain)) return THIS_MACHINE;
  const own = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return own.some((each) => plainAddress(each.address) === plain)
    ? THIS_MACHINE
    : plain;
}
