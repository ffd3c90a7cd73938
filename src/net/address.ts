// Addresses as people write them, and operating system errors in words.

import net from "node:net";
import { VnetError } from "../errors.js";

/** `127.0.0.1:22`, `[::1]:22`, `example.org:22` */
export function formatAddress(host: string, port: number): string {
  return net.isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
}

const loopback = new net.BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

/** 127.0.0.0/8, ::1 or `localhost`; any other name counts as not loopback, whatever it resolves to. */
export function isLoopback(host: string): boolean {
  if (host.toLowerCase() === "localhost") return true;
  const family = net.isIP(host);
  if (family === 0) return false;
  return loopback.check(host, family === 4 ? "ipv4" : "ipv6");
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
    cause instanceof AggregateError && cause.errors.length > 0
      ? (cause.errors[0] as unknown)
      : cause;
  if (first instanceof VnetError) return first.message;
  const error = first as NodeJS.ErrnoException;
  return WORDS[error.code ?? ""] ?? error.message;
}

export function networkError(what: string, cause: unknown): VnetError {
  return new VnetError("network", `${what}: ${networkReason(cause)}`, {
    cause,
  });
}
