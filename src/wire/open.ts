// What the OPEN frame of a channel says: what is asked for, and where the user's connection comes from.

import * as v from "valibot";
import { VnetError } from "../errors.js";
import * as field from "./fields.js";

/** A service that nobody registered, asked for as an unserve: the stream is its lease then. */
const lend = v.object({
  /** an address or name, as the acceptor reaches it */
  ip: field.host,
  port: field.port,
  /** it stays until it is given back; else it goes when it is not used */
  keep: field.flag,
});

export type Lend = v.InferOutput<typeof lend>;

/** A serve of the acceptor. */
export interface WantedServe {
  serveid: number;
  /** as the hub's directory has it: its node refuses another name under that id; absent: not said */
  name?: string | undefined;
}

/** A serve; an unserve, by the number that the acceptor gave it; or an unserve that is yet to be granted. */
export type Wanted = WantedServe | { unserve: number } | { lend: Lend };

export interface Open {
  wanted: Wanted;
  /** the user's address as `ip:port`, as the opener says; empty: none */
  from: string;
}

const whole = v.pipe(v.number(), v.safeInteger());

const wanted = v.union([
  v.object({ lend }),
  v.object({ unserve: whole }),
  v.object({ serveid: whole, name: v.optional(field.label) }),
]);

const FROM = /^[!-~]{1,64}$/;

export function encodeOpen({ wanted, from }: Open): string {
  return JSON.stringify(from === "" ? wanted : { ...wanted, from });
}

/** Throws VnetError `protocol`. Lenient about `from`: a stream without an address works all the same. */
export function decodeOpen(payload: Buffer): Open {
  try {
    const said = JSON.parse(payload.toString()) as { from?: unknown };
    const { from } = said;
    const isAddress = typeof from === "string" && FROM.test(from);
    return { wanted: v.parse(wanted, said), from: isAddress ? from : "" };
  } catch {
    throw new VnetError("protocol", "a malformed OPEN");
  }
}
