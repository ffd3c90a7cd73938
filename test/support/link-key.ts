// Keys for tests: the one with which everybody may enter a hub without authkey,
// and one that has the shape of a public key and is nobody's.

import {
  createKeyHint,
  createLinkKey,
  type LinkKey,
} from "../../src/keys/psk.js";

export const NOBODYS_KEY = Buffer.alloc(32, 7).toString("base64");

let derived: Promise<LinkKey> | undefined;

/** Slow to derive, so once for all tests. */
export function openLinkKey(): Promise<LinkKey> {
  derived ??= createLinkKey(null);
  return derived;
}

/** What a client of an open hub shows in its handshake. */
export async function openClientKey(): Promise<{
  identity: string;
  psk: Buffer;
}> {
  const key = await openLinkKey();
  return { identity: createKeyHint(key), psk: key.psk };
}
