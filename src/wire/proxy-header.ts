// The header that a proxy puts in front of a connection that it passes on, to say whom it serves: the PROXY protocol,
// versions 1 (a line of text) and 2 (binary), as haproxy's proxy-protocol.txt has it. No sockets; looks at bytes only.

import { isIpv4, isIpv6 } from "../config/host.js";
import { VnetError } from "../errors.js";

export interface ProxySource {
  /** an IP address in its shortest form; IPv4 in IPv6 (::ffff:0:0/96) as IPv4 */
  address: string;
  port: number;
}

export interface ProxyHeader {
  /** null: the proxy speaks for itself, or cannot say; the connection's own address counts */
  value: ProxySource | null;
  /** the header's length */
  bytes: number;
}

/** The longest line of version 1, its CR LF included. */
const V1_MAX_BYTES = 107;
const V1_BEGINNING = Buffer.from("PROXY ", "latin1");

const V2_SIGNATURE = Buffer.from("0d0a0d0a000d0a515549540a", "hex");
const V2_FIXED_BYTES = 16;
/** Behind the addresses extensions may follow, up to a client's certificate. */
const V2_MAX_BYTES = 4_096;
const LOCAL = 0;
const PROXY = 1;

/** Address family: how long its address is, and how to write it; null where it is no IP address. */
const V2_FAMILIES = [
  null,
  { bytes: 4, write: (bytes: Buffer) => bytes.join(".") },
  {
    bytes: 16,
    write: (bytes: Buffer) =>
      shortest(bytes.toString("hex").replace(/(....)(?!$)/g, "$1:")),
  },
  null,
] as const;

/** Null while more has to come. Throws VnetError `protocol` as soon as it can become no header. */
export function parseProxyHeader(head: Buffer): ProxyHeader | null {
  if (beginsAs(head, V1_BEGINNING)) return parseLine(head);
  if (beginsAs(head, V2_SIGNATURE)) return parseBinary(head);
  throw new VnetError(
    "protocol",
    "began without a PROXY header, which proxy_protocol=true asks for from where proxies are (proxy_from=): the proxy in front of the hub has to send one (nginx: proxy_protocol on, haproxy: send-proxy-v2)",
  );
}

/** Whether that begins as a header does; null: what there is of it does. */
export function beginsWithProxyHeader(head: Buffer): boolean | null {
  const beginning = [V1_BEGINNING, V2_SIGNATURE].find((bytes) =>
    beginsAs(head, bytes),
  );
  if (beginning === undefined) return false;
  return head.length >= beginning.length ? true : null;
}

function beginsAs(head: Buffer, beginning: Buffer): boolean {
  const bytes = Math.min(head.length, beginning.length);
  return head.compare(beginning, 0, bytes, 0, bytes) === 0;
}

function parseLine(head: Buffer): ProxyHeader | null {
  const end = head.subarray(0, V1_MAX_BYTES).indexOf("\n");
  if (end < 0) {
    if (head.length < V1_MAX_BYTES) return null;
    throw malformed(`no end of its line within ${V1_MAX_BYTES} bytes`);
  }
  const bytes = end + 1;
  const line = head.toString("latin1", V1_BEGINNING.length, bytes);
  // Whatever else stands in such a line has to be ignored.
  if (/^UNKNOWN(?: [^\r\n]*)?\r\n$/.test(line)) return { value: null, bytes };
  const match = /^TCP([46]) (\S+) (\S+) (\d+) (\d+)\r\n$/.exec(line);
  if (match === null)
    throw malformed("its line is not TCP4, TCP6 or UNKNOWN as it should be");
  const [, family, from = "", to = "", fromPort = "", toPort = ""] = match;
  const isAddress = family === "4" ? isIpv4 : isPlainIpv6;
  if (!isAddress(from) || !isAddress(to))
    throw malformed(`an address that is none of TCP${family}`);
  if (!isPort(fromPort) || !isPort(toPort))
    throw malformed("a port that is none");
  const address = family === "4" ? from : shortest(from);
  return { value: { address, port: Number(fromPort) }, bytes };
}

function parseBinary(head: Buffer): ProxyHeader | null {
  if (head.length < V2_FIXED_BYTES) return null;
  const [version, command] = halves(head.readUInt8(12));
  const [family, transport] = halves(head.readUInt8(13));
  const bytes = V2_FIXED_BYTES + head.readUInt16BE(14);
  if (version !== 2) throw malformed(`version ${version}`);
  if (command > PROXY) throw malformed(`command ${command}`);
  if (bytes > V2_MAX_BYTES)
    throw malformed(`${bytes} bytes, more than ${V2_MAX_BYTES}`);
  if (head.length < bytes) return null;
  // A check of the proxy's own: whatever family it names has to be ignored.
  if (command === LOCAL) return { value: null, bytes };
  const addresses = V2_FAMILIES[family];
  if (addresses === undefined || transport > 2)
    throw malformed(`address family ${family}, transport ${transport}`);
  if (addresses === null) return { value: null, bytes };
  const portAt = V2_FIXED_BYTES + 2 * addresses.bytes;
  if (bytes < portAt + 4) throw malformed("too short for its addresses");
  const source = head.subarray(
    V2_FIXED_BYTES,
    V2_FIXED_BYTES + addresses.bytes,
  );
  const value = {
    address: addresses.write(source),
    port: head.readUInt16BE(portAt),
  };
  return { value, bytes };
}

function halves(byte: number): [high: number, low: number] {
  return [byte >> 4, byte & 0x0f];
}

/** Without a zone, which means nothing on another machine. */
function isPlainIpv6(text: string): boolean {
  return !text.includes("%") && isIpv6(text);
}

function isPort(text: string): boolean {
  return /^(?:0|[1-9][0-9]{0,4})$/.test(text) && Number(text) <= 65_535;
}

/** One form for each address, so that it counts as one however a proxy writes it. */
function shortest(ipv6: string): string {
  const text = new URL(`http://[${ipv6}]/`).hostname.slice(1, -1);
  const mapped = /^::ffff:([0-9a-f]+):([0-9a-f]+)$/.exec(text);
  if (mapped === null) return text;
  const numbers = mapped.slice(1).map((part) => Number.parseInt(part, 16));
  return numbers.flatMap((number) => [number >> 8, number & 0xff]).join(".");
}

function malformed(what: string): VnetError {
  return new VnetError("protocol", `a malformed PROXY header: ${what}`);
}
