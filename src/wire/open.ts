// What the OPEN frame of a channel says: which serve is asked for, by id and name, and where the user's connection comes
// from.

import * as v from "valibot";
import { VnetError } from "../errors.js";
import { label } from "./fields.js";

export interface Open {
  serveid: number;
  /** of the serve, as the hub's directory has it: its node refuses another name under that id; empty: not said */
  name: string;
  /** the user's address as `ip:port`, as the opener says; empty: none */
  from: string;
}

export function encodeOpen({ serveid, name, from }: Open): string {
  return JSON.stringify({
    serveid,
    ...(name !== "" && { name }),
    ...(from !== "" && { from }),
  });
}

/** Throws VnetError `protocol`. Lenient about `from`: a stream without an address works all the same. */
export function decodeOpen(payload: Buffer): Open {
  try {
    const { serveid, name, from } = JSON.parse(payload.toString()) as {
      serveid?: unknown;
      name?: unknown;
      from?: unknown;
    };
    const isAddress = typeof from === "string" && /^[!-~]{1,64}$/.test(from);
    if (Number.isInteger(serveid) && (name === undefined || v.is(label, name)))
      return {
        serveid: serveid as number,
        name: name ?? "",
        from: isAddress ? from : "",
      };
  } catch {
    // falls through to the one error
  }
  throw new VnetError("protocol", "a malformed OPEN");
}
