// What the OPEN frame of a channel says: which serve is asked for, and where the user's connection comes from.

import { VnetError } from "../errors.js";

export interface Open {
  serveid: number;
  /** the user's address as `ip:port`, as the opener says; empty: none */
  from: string;
}

export function encodeOpen({ serveid, from }: Open): string {
  return JSON.stringify(from === "" ? { serveid } : { serveid, from });
}

/** Throws VnetError `protocol`. Lenient about `from`: a stream without an address works all the same. */
export function decodeOpen(payload: Buffer): Open {
  try {
    const { serveid, from } = JSON.parse(payload.toString()) as {
      serveid?: unknown;
      from?: unknown;
    };
    const isAddress = typeof from === "string" && /^[!-~]{1,64}$/.test(from);
    if (Number.isInteger(serveid))
      return { serveid: serveid as number, from: isAddress ? from : "" };
  } catch {
    // falls through to the one error
  }
  throw new VnetError("protocol", "a malformed OPEN");
}
