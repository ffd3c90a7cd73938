// The first bytes of every connection to the hub's one port: they say what the connection is.
// Eight ASCII bytes; a leg's are followed by its ticket. Fixed for ever, versions are settled in `hello`.

export type ConnectionKind = "control" | "leg";

const TEXT: Record<ConnectionKind, string> = {
  control: "vnet-ctl",
  leg: "vnet-leg",
};

export const PREAMBLE_BYTES = 8;

/** A ticket on the wire: 16 random bytes. In JSON messages it is 32 hex digits. */
export const TICKET_BYTES = 16;

export function encodeControlPreamble(): Buffer {
  return Buffer.from(TEXT.control, "latin1");
}

/** @param ticket 32 hex digits */
export function encodeLegPreamble(ticket: string): Buffer {
  return Buffer.concat([
    Buffer.from(TEXT.leg, "latin1"),
    Buffer.from(ticket, "hex"),
  ]);
}

/** @param bytes exactly PREAMBLE_BYTES; null: this is no connection of ours */
export function decodePreamble(bytes: Buffer): ConnectionKind | null {
  const text = bytes.toString("latin1");
  if (text === TEXT.control) return "control";
  if (text === TEXT.leg) return "leg";
  return null;
}
