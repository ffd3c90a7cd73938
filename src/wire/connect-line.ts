// The line with which a program asks a hybrid vsock socket (Firecracker, Cloud Hypervisor) for a port of its guest,
// `CONNECT PORT`, and the monitor's answer. No sockets; looks at bytes only.

import { VnetError } from "../errors.js";

export interface ConnectLine {
  /** the port asked for, 0 to 4,294,967,295: those of vsock have 32 bits */
  value: number;
  /** the line's length, its LF included */
  bytes: number;
}

const BEGINNING = "CONNECT ";
const MAX_BYTES = 32;
const MAX_PORT = 0xffff_ffff;

/** Null while more has to come. Throws VnetError `protocol` as soon as it can become no such line. */
export function parseConnectLine(head: Buffer): ConnectLine | null {
  const text = head.toString("latin1", 0, MAX_BYTES);
  const end = text.indexOf("\n");
  const line = end < 0 ? text : text.slice(0, end);
  const match = /^([1-9][0-9]*|0)?$/.exec(line.slice(BEGINNING.length));
  const isPossible =
    match !== null && BEGINNING.startsWith(line.slice(0, BEGINNING.length));
  const isEnded = end >= 0;
  const port = Number(match?.[1] ?? Number.NaN);
  if (isPossible && isEnded && port <= MAX_PORT)
    return { value: port, bytes: end + 1 };
  if (isPossible && !isEnded && head.length < MAX_BYTES) return null;
  throw new VnetError(
    "protocol",
    "did not begin with a line CONNECT and a port, which connect_line=true asks for",
  );
}

export function encodeConnectAnswer(port: number): string {
  return `OK ${port}\n`;
}

export function encodeConnectLine(port: number): string {
  return `CONNECT ${port}\n`;
}

/** Null while more has to come. Throws VnetError `protocol` as soon as it can become no `OK` with a number. */
export function parseConnectAnswer(
  head: Buffer,
): { value: true; bytes: number } | null {
  const text = head.toString("latin1", 0, MAX_BYTES);
  const end = text.indexOf("\n");
  if (end >= 0 && /^OK [0-9]{1,10}\r?$/.test(text.slice(0, end)))
    return { value: true, bytes: end + 1 };
  if (end < 0 && head.length < MAX_BYTES) return null;
  throw new VnetError(
    "protocol",
    "the virtual machine monitor did not answer OK to CONNECT",
  );
}
