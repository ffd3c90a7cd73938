// The first frame of a channel in each direction: what the node's build can speak, and a key made for the proof of its
// identity. docs/protocol.md, "The two-way proof".

import * as v from "valibot";
import { VnetError } from "../errors.js";
import * as field from "./fields.js";
import type { Abilities } from "./version.js";
import { abilitiesOf } from "./version.js";

export interface ChannelHello extends Abilities {
  /** a raw X25519 public key, 32 bytes; null: the channel is not encrypted and proves nothing */
  key: Buffer | null;
}

/** What is not known is ignored: a newer build may say more. */
const schema = v.object({
  ...field.abilities,
  key: v.optional(field.publicKey),
});

export function encodeChannelHello({
  key,
  ...abilities
}: ChannelHello): Buffer {
  const told = key === null ? {} : { key: key.toString("base64") };
  return Buffer.from(JSON.stringify({ ...abilities, ...told }));
}

/** Throws VnetError `protocol`. */
export function decodeChannelHello(payload: Buffer): ChannelHello {
  try {
    const told = v.parse(schema, JSON.parse(payload.toString()));
    const key = told.key === undefined ? null : Buffer.from(told.key, "base64");
    return { ...abilitiesOf(told), key };
  } catch (cause) {
    throw new VnetError("protocol", "a malformed HELLO", { cause });
  }
}
