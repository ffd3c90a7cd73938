// Large read buffers, lent to whatever socket moves bulk at the moment. A bounded number is kept for the next one.

/** How a socket is read while it moves bulk. */
export interface Bulk {
  /** of a large buffer: as much as one read takes */
  bytes: number;
  /** buffers of one socket that wait to be written; with so many it is not read */
  pendingMax: number;
}

/** What is written to a plain socket: mostly the system takes all of it at once. */
export const STRAIGHT: Bulk = { bytes: 128 * 1024, pendingMax: 2 };

/** What is written into TLS: that always ends later, and smaller pieces stay in the processor's cache. */
export const THROUGH_TLS: Bulk = { bytes: 64 * 1024, pendingMax: 2 };

/** Kept when nobody needs them: 4 MiB of each size in a process at the most. */
const KEPT_BYTES = 4 * 1024 * 1024;

const kept = new Map<number, Buffer[]>();

export function lendBuffer(bytes: number): Buffer {
  return kept.get(bytes)?.pop() ?? Buffer.allocUnsafeSlow(bytes);
}

/** Nothing may hold a view of it any more. */
export function giveBufferBack(buffer: Buffer): void {
  const { length } = buffer;
  let same = kept.get(length);
  if (same === undefined) kept.set(length, (same = []));
  if (same.length < KEPT_BYTES / length) same.push(buffer);
}
