// Opens outgoing connections, with a deadline: to a host and port, or by a link (config/link.ts).
// Whoever gets one closes it.

import type { Duplex } from "node:stream";
import { baseName, parseLink } from "../config/link.js";
import { VnetError } from "../errors.js";
import { formatAddress, networkError } from "./address.js";
import { connectFile, connectHost } from "./connect.js";
import { connectGuest } from "./hybrid-vsock.js";
import type { ProgramLimit } from "./program-limit.js";
import { ProgramLink } from "./program-link.js";
import { startProgram } from "./program.js";

export interface DialOptions {
  /** a host, or a link */
  host: string;
  /** 0 where `host` is a link */
  port: number;
  timeoutMs: number;
  /** It is the hub: its name is looked up before others. */
  isHub?: boolean;
  /** a line that the program of an `exec:` or `vsock:` link wrote to its stderr */
  onLine?: (text: string) => void;
  /** how many of those there may be; absent: no bound */
  programs?: ProgramLimit;
}

/**
 * socat gives up half a second after one direction's end unless it is told to wait; the connection's end is what ends
 * it here.
 */
const SOCAT = ["-t", "86400"];

/** Rejects with VnetError `network` or `timeout` that names the address and says why. */
export async function dial(options: DialOptions): Promise<Duplex> {
  try {
    return await open(options);
  } catch (cause) {
    const { host, port } = options;
    const what = `cannot connect to ${formatAddress(host, port)}`;
    if (cause instanceof VnetError && cause.code === "timeout")
      throw new VnetError("timeout", `${what}: ${cause.message}`, { cause });
    throw networkError(what, cause);
  }
}

async function open(options: DialOptions): Promise<Duplex> {
  const { host, port, timeoutMs, isHub } = options;
  const link = parseLink(host);
  if (link === null) return connectHost(host, port, timeoutMs, isHub);
  switch (link.scheme) {
    case "unix":
      return connectFile(link.path, timeoutMs);
    case "hvsock":
      return connectGuest(link.path, link.port, timeoutMs);
    case "exec":
      return run(link.program, link.args, options);
    case "vsock": {
      const target = `VSOCK-CONNECT:${link.cid}:${link.port}`;
      return run("socat", [...SOCAT, "-", target], options);
    }
  }
}

async function run(
  file: string,
  args: readonly string[],
  { onLine, programs }: DialOptions,
): Promise<Duplex> {
  const program = await (programs === undefined
    ? startProgram(file, args)
    : programs.start(file, args));
  return new ProgramLink(program, baseName(file), onLine ?? (() => undefined));
}
