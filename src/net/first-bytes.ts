// Finds out from a connection's first bytes what they say, however they are cut, and takes no more than it has to:
// what follows stays in the connection, unread, for whoever comes next.

import type { Duplex } from "node:stream";
import { VnetError } from "../errors.js";

export interface Found<T> {
  value: T;
  /** how many of the bytes are taken; 0 only looks at them */
  bytes: number;
}

/**
 * Shows `parse` everything that has come so far, each time that there is more (never nothing), until it finds
 * something. `parse` bounds what it waits for, by throwing.
 *
 * Resolves with what it found, or rejects with what it threw, VnetError `timeout` or `closed`; then nothing is taken.
 * The duplex is left paused.
 */
export function readFirst<T>(
  duplex: Duplex,
  parse: (head: Buffer) => Found<T> | null,
  timeoutMs: number,
): Promise<T> {
  return new Promise((resolve, reject) => {
    let seen = 0;
    const stop = () => {
      clearTimeout(timer);
      duplex.off("readable", look);
      duplex.off("end", ended);
      duplex.off("error", ended);
      duplex.off("close", ended);
    };
    const fail = (error: Error) => {
      stop();
      reject(error);
    };
    const ended = () => {
      fail(new VnetError("closed", "closed before it said what it is"));
    };
    const look = () => {
      const { readableLength } = duplex;
      const isMore = readableLength > seen;
      // All of it: without a number newer Nodes give one chunk at a time. Where there is no more, one byte more than there
      // is: null, unless it is the end. That is the only way to see an end behind unread bytes.
      const wanted = isMore ? readableLength : readableLength + 1;
      const head = duplex.read(wanted) as Buffer | null;
      if (head === null) return;
      seen = head.length;
      let found: Found<T> | null = null;
      try {
        found = isMore ? parse(head) : null;
      } catch (error) {
        duplex.unshift(head);
        fail(error as Error);
        return;
      }
      // At once, while its end, if that has come too, is not told yet: behind an end nothing can be put back.
      const rest = head.subarray(found?.bytes ?? 0);
      if (rest.length > 0) duplex.unshift(rest);
      if (found !== null) {
        stop();
        resolve(found.value);
      } else if (!isMore) ended();
    };
    const timer = setTimeout(() => {
      const text = `did not say what it is within ${timeoutMs / 1000} s`;
      fail(new VnetError("timeout", text));
    }, timeoutMs);
    duplex.on("readable", look);
    duplex.on("end", ended);
    duplex.on("error", ended);
    duplex.on("close", ended);
    // One that is gone already would never tell of it.
    if (duplex.destroyed || duplex.readableEnded) ended();
    else look();
  });
}

/** Takes exactly `bytes` bytes. Rejects as readFirst does. */
export function readFirstBytes(
  duplex: Duplex,
  bytes: number,
  timeoutMs: number,
): Promise<Buffer> {
  const parse = (head: Buffer) =>
    head.length < bytes ? null : { value: head.subarray(0, bytes), bytes };
  return readFirst(duplex, parse, timeoutMs);
}
