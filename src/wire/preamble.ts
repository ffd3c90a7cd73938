// The first bytes of a connection to the hub's one port: they say what the connection is. A control link is TLS and
// begins as TLS does; a leg begins with eight ASCII bytes and its ticket. Fixed for ever, versions are settled later.

const LEG = "vnet-leg";

export const LEG_PREAMBLE_BYTES = LEG.length;

/** A ticket on the wire: 16 random bytes. In JSON messages it is 32 hex digits. */
export const TICKET_BYTES = 16;

/** @param ticket 32 hex digits */
export function encodeLegPreamble(ticket: string): Buffer {
  return Buffer.concat([
    Buffer.from(LEG, "latin1"),
    Buffer.from(ticket, "hex"),
  ]);
}

/** @param bytes exactly LEG_PREAMBLE_BYTES */
export function isLegPreamble(bytes: Buffer): boolean {
  return bytes.toString("latin1") === LEG;
}

/** False as soon as what begins with these bytes can be no leg. */
export function mayBecomeLeg(head: Buffer): boolean {
  return LEG.startsWith(head.toString("latin1", 0, LEG_PREAMBLE_BYTES));
}
