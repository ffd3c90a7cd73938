// The system's table of sockets that listen (Linux, /proc/net): whether something listens at an address of this machine,
// found out without a connection. A connection would be seen by the service, and a service that takes one only would be
// used up by it.

import { open, readFile } from "node:fs/promises";
import { networkInterfaces } from "node:os";
import net from "node:net";
import { parseLink } from "../config/link.js";
import { groupsOf } from "./address.js";

const CHUNK_BYTES = 64 * 1024;
/** Of a table that is longer nothing is known. */
const MAX_BYTES = 4 * 1024 * 1024;

/** TCP_LISTEN in the fourth column (Linux, include/net/tcp_states.h). */
const TCP_LISTEN = "0A";
/** __SO_ACCEPTCON in the fourth column of /proc/net/unix. */
const UNIX_LISTENS = 0x1_0000;

/** The addresses of each port, as the table has them. */
type Table = Map<number, Set<string>>;

/** The next reading; it begins after everybody who shares it has asked. */
let next: Promise<Table | null> | undefined;

/** Null: this system has no such table. Many serves that look at the same moment share one reading. */
function listeners(): Promise<Table | null> {
  next ??= new Promise((resolve) => {
    setImmediate(() => {
      next = undefined;
      resolve(readTcp());
    });
  });
  return next;
}

async function readTcp(): Promise<Table | null> {
  const table: Table = new Map();
  for (const name of ["tcp", "tcp6"]) {
    const lines = await readListening(`/proc/net/${name}`);
    // A system without IPv6 has no second table.
    if (lines === null && name === "tcp") return null;
    for (const line of lines ?? []) {
      const [, local = ""] = line.trim().split(/\s+/);
      const [address = "", port = ""] = local.split(":");
      const number = parseInt(port, 16);
      const addresses = table.get(number) ?? new Set();
      table.set(number, addresses.add(address));
    }
  }
  return table;
}

/** The lines of the sockets that listen; they come first, and a machine may have very many others. */
async function readListening(path: string): Promise<string[] | null> {
  const file = await open(path, "r").catch(() => null);
  if (file === null) return null;
  try {
    const found: string[] = [];
    const buffer = Buffer.alloc(CHUNK_BYTES);
    let rest = "";
    let isHeader = true;
    for (let bytes = 0; bytes < MAX_BYTES;) {
      const { bytesRead } = await file.read(buffer, 0, CHUNK_BYTES, null);
      if (bytesRead === 0) return found;
      bytes += bytesRead;
      const lines = (rest + buffer.toString("latin1", 0, bytesRead)).split(
        "\n",
      );
      rest = lines.pop() ?? "";
      for (const line of lines) {
        if (isHeader) isHeader = false;
        else if (line.trim().split(/\s+/, 4)[3] === TCP_LISTEN)
          found.push(line);
        else return found;
      }
    }
    return null;
  } finally {
    await file.close();
  }
}

/** An IP address as the table has it: each four bytes as a number of this machine's byte order. */
function hexOf(address: string): string {
  if (net.isIPv4(address)) return wordsOf(address.split(".").map(Number));
  return wordsOf(
    groupsOf(address).flatMap((group) => [group >> 8, group & 255]),
  );
}

function wordsOf(bytes: number[]): string {
  let hex = "";
  for (let at = 0; at < bytes.length; at += 4) {
    const word = Buffer.from(bytes.slice(at, at + 4)).readUInt32LE();
    hex += word.toString(16).toUpperCase().padStart(8, "0");
  }
  return hex;
}

const ANY_V4 = "0".repeat(8);
const ANY_V6 = "0".repeat(32);
/** `::ffff:` in front of an IPv4 address */
const MAPPED = `${"0".repeat(16)}FFFF0000`;

/**
 * Whether something listens at that address of this machine; `host` may be a link. Null: the tables do not tell, as it is
 * another machine's address, a name other than localhost, another kind of link, or a system without such tables.
 */
export function isListening(
  host: string,
  port: number,
): Promise<boolean | null> {
  const link = parseLink(host);
  if (link === null) return isListeningOn(host, port);
  return link.scheme === "unix"
    ? isListeningAt(link.path)
    : Promise.resolve(null);
}

async function isListeningOn(
  host: string,
  port: number,
): Promise<boolean | null> {
  const addresses = localAddressesOf(host);
  if (addresses.length === 0) return null;
  const table = await listeners();
  if (table === null) return null;
  const there = table.get(port);
  if (there === undefined) return false;
  return addresses.some((address) => {
    const hex = hexOf(address);
    // One that listens on all IPv6 addresses takes IPv4 as well, unless it says otherwise, which the table does not tell.
    const candidates =
      hex.length === ANY_V4.length
        ? [hex, ANY_V4, ANY_V6, MAPPED + hex]
        : [hex, ANY_V6];
    return candidates.some((candidate) => there.has(candidate));
  });
}

function localAddressesOf(host: string): string[] {
  if (host.toLowerCase() === "localhost") return ["127.0.0.1", "::1"];
  const family = net.isIP(host);
  if (family === 0) return [];
  const isLoopback = family === 4 ? host.startsWith("127.") : host === "::1";
  const isOwn = Object.values(networkInterfaces()).some((list) =>
    list?.some(({ address }) => address === host),
  );
  return isLoopback || isOwn ? [host] : [];
}

async function isListeningAt(path: string): Promise<boolean | null> {
  const text = await readFile("/proc/net/unix", "utf8").catch(() => null);
  if (text === null || text.length > MAX_BYTES) return null;
  return text.split("\n").some((line) => {
    const [, , , flags = "", , , , ...name] = line.split(/\s+/);
    return (
      name.join(" ") === path && (parseInt(flags, 16) & UNIX_LISTENS) !== 0
    );
  });
}
