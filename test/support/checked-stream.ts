// One checked connection: what is sent both ways, in which order the halves
// end, and what each end saw of it. Shared by client and service.

import type { Socket } from "node:net";
import type { CheckedBytes, Direction } from "./checked-bytes.js";
import type { Random } from "./random.js";

/**
 * answer: the service speaks when it has everything and the FIN;
 * both: at once; greeting: the service first, with its FIN, then the client.
 */
export const ORDERS = ["answer", "both", "greeting"] as const;
export type Order = (typeof ORDERS)[number];

export interface StreamPlan {
  seed: number;
  /** bytes to the service, the header not counted */
  up: number;
  /** bytes back */
  down: number;
  order: Order;
}

/**
 * What came of one end. whole: every byte and the FIN, both ways. wrong: a byte differed. lost: a FIN before all the
 * bytes. torn: the same, but the process that held this socket was killed, and the kernel says FIN then. hung: nothing
 * moved until the deadline. reset: a reset, or what else is no orderly end. refused: not even connected.
 */
export type Verdict =
  "whole" | "wrong" | "lost" | "torn" | "hung" | "reset" | "refused";

/** Sums over many streams; the service's end of each is counted apart. */
export class Tally {
  readonly client: Record<Verdict, number> = none();
  readonly service: Record<Verdict, number> = none();
  /** bytes that arrived and were checked, by direction */
  readonly bytes: Record<Direction, number> = { up: 0, down: 0 };
  /** the same, of streams that ended whole at that end */
  readonly wholeBytes: Record<Direction, number> = { up: 0, down: 0 };
  /** the longest time without a byte either way in a stream that ended whole */
  longestWaitMs = 0;
  /** what was wrong, lost or hung, in words; the first 100 */
  readonly complaints: string[] = [];

  get streams(): number {
    return Object.values(this.client).reduce((sum, count) => sum + count, 0);
  }

  /** Both ends together. */
  count(verdict: Verdict): number {
    return this.client[verdict] + this.service[verdict];
  }

  complain(text: string): void {
    if (this.complaints.length < 100) this.complaints.push(text);
  }

  /** Adds another one's, of another process or span of time. */
  add(other: Tally): void {
    for (const end of ["client", "service"] as const)
      for (const verdict of Object.keys(none()) as Verdict[])
        this[end][verdict] += other[end][verdict];
    for (const direction of ["up", "down"] as const) {
      this.bytes[direction] += other.bytes[direction];
      this.wholeBytes[direction] += other.wholeBytes[direction];
    }
    this.longestWaitMs = Math.max(this.longestWaitMs, other.longestWaitMs);
    for (const text of other.complaints) this.complain(text);
  }
}

export const HEADER_BYTES = 17;
const MAGIC = 0x76_63_73_31;

export function encodeHeader(plan: StreamPlan): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32BE(MAGIC, 0);
  header.writeUInt32BE(plan.seed, 4);
  header.writeUInt32BE(plan.up, 8);
  header.writeUInt32BE(plan.down, 12);
  header.writeUInt8(ORDERS.indexOf(plan.order), 16);
  return header;
}

/** null: no header, so a byte is wrong */
export function decodeHeader(header: Buffer): StreamPlan | null {
  const order = ORDERS[header.readUInt8(16)];
  if (header.readUInt32BE(0) !== MAGIC || order === undefined) return null;
  return {
    seed: header.readUInt32BE(4),
    up: header.readUInt32BE(8),
    down: header.readUInt32BE(12),
    order,
  };
}

const KB = 1024;
const MB = 1024 * KB;
/** [share in a thousand, least, most]; within each the magnitudes are equally likely */
const SIZES = [
  [604, 1, 4 * KB],
  [300, 4 * KB, 256 * KB],
  [90, 256 * KB, 4 * MB],
  [6, 4 * MB, 64 * MB],
] as const;

/** From 1 byte to 64 MiB, mostly small; about half a MB a stream both ways. */
export function randomPlan(random: Random, maxBytes = 64 * MB): StreamPlan {
  const seed = random.between(0, 0xffff_ffff);
  const up = Math.min(randomSize(random), maxBytes);
  const down = Math.min(randomSize(random), maxBytes);
  return { seed, up, down, order: ORDERS[random.between(0, 2)] ?? "both" };
}

function randomSize(random: Random): number {
  let dice = random.between(1, 1000);
  for (const [share, least, most] of SIZES) {
    dice -= share;
    if (dice > 0) continue;
    const exponent = random.between(0, 1_000_000) / 1_000_000;
    return Math.round(least * Math.pow(most / least, exponent));
  }
  return 1;
}

/** Sends all of it with the socket's own pace, then FIN. */
export function sendAll(socket: Socket, bytes: CheckedBytes): void {
  const more = () => {
    while (bytes.left > 0 && !socket.destroyed)
      if (!socket.write(bytes.take(64 * KB))) {
        socket.once("drain", more);
        return;
      }
    if (!socket.destroyed) socket.end();
  };
  more();
}

function none(): Record<Verdict, number> {
  return {
    whole: 0,
    wrong: 0,
    lost: 0,
    torn: 0,
    hung: 0,
    reset: 0,
    refused: 0,
  };
}
