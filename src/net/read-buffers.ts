// Large read buffers, lent to whatever socket moves bulk at the moment. A bounded number is kept for the next one.

/** How a socket is read while it moves bulk. */
export interface Bulk {
  /** of a large buffer: as much as one read takes */
  bytes: number;
  /** of buffers of one socket that wait to be written; with so many it is not read */
  pendingBytes: number;
}

/**
 * What one TCP segment of the loopback interface holds (its MTU of 65,536 without 40 bytes of headers and 12 of a
 * timestamp, RFC 7323). A write that ends in the middle of a segment sends a short one, which costs as much as a full
 * one; elsewhere segments are short, and it makes no difference.
 */
const SEGMENT_BYTES = 65_483;

/** What is written to a plain socket: mostly the system takes all of it at once. */
export const STRAIGHT: Bulk = { bytes: 2 * SEGMENT_BYTES, pendingBytes: 1 };

/** What TLS 1.3 adds to each 16 KiB that are written: header, content type and tag of a record (RFC 8446, 5.2). */
const RECORD_OVERHEAD_BYTES = 5 + 1 + 16;

const THROUGH_TLS_BYTES = SEGMENT_BYTES - 4 * RECORD_OVERHEAD_BYTES;

/** What is written into TLS: that always ends later, and smaller pieces stay in the processor's cache. */
export const THROUGH_TLS: Bulk = {
  bytes: THROUGH_TLS_BYTES,
  pendingBytes: 2 * THROUGH_TLS_BYTES,
};

/** Kept when nobody needs them: 4 MiB of each size in a process at the most. */
const KEPT_BYTES = 4 * 1024 * 1024;

const kept = new Map<number, Buffer[]>();

export function lendBuffer(bytes: number): Buffer {
  return kept.get(bytes)?.pop() ?? Buffer.allocUnsafeSlow(bytes);
}

/** So many sockets may keep a large buffer while nothing comes, as more may come soon; 2 MiB in a process. */
const KEEPERS_MAX = 16;

let keepers = 0;

/** True: undone by keepNoMore(). */
export function mayKeep(): boolean {
  if (keepers === KEEPERS_MAX) return false;
  keepers++;
  return true;
}

export function keepNoMore(): void {
  keepers--;
}

/** Nothing may hold a view of it any more. */
export function giveBufferBack(buffer: Buffer): void {
  const { length } = buffer;
  let same = kept.get(length);
  if (same === undefined) kept.set(length, (same = []));
  if (same.length < KEPT_BYTES / length) same.push(buffer);
}
