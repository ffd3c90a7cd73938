// Addresses as people write them, and operating system errors in words.

import { createHash } from "node:crypto";
import net from "node:net";
import { describeLink, isLink } from "../config/link.js";
import { VnetError } from "../errors.js";
import { socketPathReason } from "./path-reason.js";

/** `127.0.0.1:22`, `[::1]:22`, `example.org:22`; a link as it may be shown, without the port */
export function formatAddress(host: string, port: number): string {
  if (isLink(host)) return describeLink(host);
  return net.isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
}

/**
 * The same for the same way, another one for another way, in one word: what is kept of an address where two programs
 * of one name with other arguments must not be mixed up. Tells nothing of the arguments.
 */
export function addressKey(host: string, port: number): string {
  const address = formatAddress(host, port);
  if (!isLink(host)) return address;
  const shown = encodeURI(address);
  if (!host.startsWith("exec:")) return shown;
  const digest = createHash("sha256").update(host).digest("hex");
  return `${shown}#${digest.slice(0, 16)}`;
}

const loopback = new net.BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

/** 127.0.0.0/8, ::1 or `localhost`; any other name, and a link, counts as not loopback, whatever it resolves to. */
export function isLoopback(host: string): boolean {
  if (host.toLowerCase() === "localhost") return true;
  const family = net.isIP(host);
  if (family === 0) return false;
  return loopback.check(host, family === 4 ? "ipv4" : "ipv6");
}

/**
 * Whom an address belongs to, as far as it tells: an IPv4 address itself, also one mapped into IPv6; of IPv6 the first 64
 * bits, as a site has no less (RFC 6177) and may be at any address of them. What is neither stays as it is.
 */
export function networkOf(address: string): string {
  if (!net.isIPv6(address)) return address;
  const groups = groupsOf(address);
  const network = groups.slice(0, 4).map((group) => group.toString(16));
  return mappedIn(groups) ?? `${network.join(":")}::/64`;
}

/** One address in one way of writing: without a zone, and as IPv4 where it is that, mapped into IPv6. */
export function plainAddress(address: string): string {
  if (!net.isIPv6(address)) return address;
  const groups = groupsOf(address);
  return mappedIn(groups) ?? groups.map((n) => n.toString(16)).join(":");
}

/** The IPv4 address that is mapped into this one of IPv6; null: none. */
function mappedIn(groups: number[]): string | null {
  const [high = 0, low = 0] = groups.slice(6);
  const isMapped = groups.slice(0, 5).every((group) => group === 0);
  if (!isMapped || groups[5] !== 0xffff) return null;
  return [high >> 8, high & 255, low >> 8, low & 255].join(".");
}

/** The eight numbers of an IPv6 address. */
export function groupsOf(address: string): number[] {
  const [withoutZone = ""] = address.split("%");
  // A URL writes it in one way only: no IPv4 at its end, one `::` (WHATWG URL, 3.5).
  const { hostname } = new URL(`http://[${withoutZone}]`);
  const [head = [], tail = []] = hostname
    .slice(1, -1)
    .split("::")
    .map((part) => part.split(":").filter((group) => group !== ""));
  const zeros = new Array<string>(8 - head.length - tail.length).fill("0");
  return [...head, ...zeros, ...tail].map((group) => parseInt(group, 16));
}

const WORDS: Record<string, string> = {
  ECONNREFUSED: "connection refused, nothing listens there",
  ECONNRESET: "connection reset",
  EPIPE: "connection reset",
  ETIMEDOUT: "no answer in time",
  EHOSTUNREACH: "no route to that host",
  ENETUNREACH: "no route to that network",
  EADDRINUSE: "that port is already in use",
  EADDRNOTAVAIL: "this machine has no such address",
  EACCES: "not permitted (ports below 1024 often need root)",
  ENOTFOUND: "no such host name",
  EAI_AGAIN: "the host name cannot be looked up just now",
  EMFILE: "too many open files (raise `ulimit -n`)",
  ENFILE: "the system has too many open files",
};

/** Plain words for an error of the operating system. */
export function networkReason(cause: unknown): string {
  const first =
    cause instanceof AggregateError ? (mainOf(cause) ?? cause) : cause;
  if (first instanceof VnetError) return first.message;
  const error = first as NodeJS.ErrnoException & { address?: unknown };
  const { code = "", syscall = "", address } = error;
  // Of a socket file the same codes mean something else.
  const isFile = typeof address === "string" && /^[/\\]/.test(address);
  const ofFile = isFile ? socketPathReason(address, { code, syscall }) : null;
  return ofFile ?? WORDS[code] ?? error.message;
}

/** Of several addresses: the one that answered says more than one of a family that is not there. */
function mainOf({ errors }: AggregateError): unknown {
  const causes = errors as NodeJS.ErrnoException[];
  return causes.find(({ code }) => code === "ECONNREFUSED") ?? causes[0];
}

export function networkError(what: string, cause: unknown): VnetError {
  return new VnetError("network", `${what}: ${networkReason(cause)}`, {
    cause,
  });
}
