// Words in a script that stand for what only one connection has: its proof, its ticket. They are put in when the script
// is played; where a mutation has hit them they stay what they are, garbage. All have the length of the real thing.

export const MAGIC = {
  /** a node's or a hub's public key, base64 of 32 bytes */
  key: Buffer.alloc(32, 0xa1).toString("base64"),
  /** an HMAC in hex */
  proof: "a2".repeat(32),
  /** base64 of 64 bytes */
  signature: Buffer.alloc(64, 0xa3).toString("base64"),
  /** the hub's, for the node's proof; as a key */
  challenge: Buffer.alloc(32, 0xa6).toString("base64"),
  /** a process's token, 32 hex digits */
  session: "a4".repeat(16),
} as const;

/** 16 raw bytes behind the preamble of a leg. */
export const MAGIC_TICKET = Buffer.alloc(16, 0xa5);

/** What each magic word is on this connection, both of the same length. */
export type Meaning = readonly (readonly [magic: Buffer, real: Buffer])[];

export function fill(bytes: Buffer, meaning: Meaning): Buffer {
  let filled = bytes;
  for (const [magic, real] of meaning)
    for (
      let at = filled.indexOf(magic);
      at >= 0;
      at = filled.indexOf(magic, at + real.length)
    ) {
      if (filled === bytes) filled = Buffer.from(bytes);
      real.copy(filled, at);
    }
  return filled;
}
