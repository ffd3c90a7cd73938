// What the two nodes of a lease say on its stream: one JSON object a line. The provider says what it lends and, at the end,
// why that is over. Both say `{}` now and then, as a sign of life; the requester says nothing else.

import * as v from "valibot";
import { VnetError } from "../errors.js";
import * as field from "./fields.js";

/** More than the longest reason takes. */
export const MAX_LEASE_LINE_BYTES = 8 * 1024;

const word = v.object({
  /** the number under which the requester, and nobody else, opens streams */
  unserve: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(1))),
  /** instead of it: a serve that is registered has that very target */
  serveid: v.optional(field.serveid),
  /** it is over, and why */
  gone: v.optional(field.reason),
});

export type LeaseWord = v.InferOutput<typeof word>;

export function encodeLeaseWord(said: LeaseWord): string {
  return `${JSON.stringify(said)}\n`;
}

/** @param line without its end. Throws VnetError `protocol`. */
export function decodeLeaseWord(line: Buffer): LeaseWord {
  try {
    const said: unknown = JSON.parse(line.toString());
    // To valibot an array is an object, too.
    if (!Array.isArray(said)) return v.parse(word, said);
  } catch {
    // falls through to the one error
  }
  throw new VnetError("protocol", "a malformed line of a lease");
}
