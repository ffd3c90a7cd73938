// Pre-shared keys of TLS (RFC 8446, 4.2.11), derived from what people write and from identities.
// Pure but for the random nonce; holds nothing.

import {
  createHmac,
  hkdfSync,
  randomBytes,
  scrypt,
  timingSafeEqual,
} from "node:crypto";
import { promisify } from "node:util";
import type { Identity } from "./identity.js";

const PSK_BYTES = 32;
const NONCE_BYTES = 16;
const HINT_BYTES = 16;

/** About 50 ms and 16 MiB for each guess (RFC 7914). */
const SCRYPT = { N: 2 ** 14, r: 8, p: 1 };

const stretchSecret = promisify<string, string, number, object, Buffer>(scrypt);

/** The key of a hub without authkey: keeps out listeners, proves nothing. */
const OPEN = "vnet: a hub without authkey";

/**
 * What a person wrote → 32 bytes that are slow to guess. The salt is fixed, since both sides must get the same without
 * talking first; `purpose` keeps one key's use from serving another.
 */
export function stretch(text: string, purpose: string): Promise<Buffer> {
  return stretchSecret(text, `vnet ${purpose} 1`, PSK_BYTES, SCRYPT);
}

/** The two uses of an authkey, each with a key of its own. */
export interface LinkKey {
  psk: Buffer;
  hint: Buffer;
}

/** @param authkey null: none is set */
export async function createLinkKey(authkey: string | null): Promise<LinkKey> {
  const stretched =
    authkey === null
      ? await stretch(OPEN, "open hub")
      : await stretch(authkey, "authkey");
  const part = (use: string) =>
    createHmac("sha256", stretched).update(`vnet link ${use} 1`).digest();
  return { psk: part("psk"), hint: part("hint") };
}

/**
 * What a client sends to say which key it means. A keyed hash of a nonce: whoever does not have the key learns nothing
 * from it, not even that two connections use the same one.
 */
export function createKeyHint({ hint }: LinkKey): string {
  const nonce = randomBytes(NONCE_BYTES);
  return Buffer.concat([nonce, hintMac(hint, nonce)]).toString("base64url");
}

/** Whether the hint was made with this key; compared in constant time. */
export function isHintFor(text: string, { hint }: LinkKey): boolean {
  const bytes = Buffer.from(text, "base64url");
  if (bytes.length !== NONCE_BYTES + HINT_BYTES) return false;
  const nonce = bytes.subarray(0, NONCE_BYTES);
  return timingSafeEqual(bytes.subarray(NONCE_BYTES), hintMac(hint, nonce));
}

function hintMac(key: Buffer, nonce: Buffer): Buffer {
  return createHmac("sha256", key)
    .update("vnet key hint 1\0")
    .update(nonce)
    .digest()
    .subarray(0, HINT_BYTES);
}

/**
 * The key of a channel between two nodes: only they can compute it, and with a group secret only if both have the same
 * one. The same on both sides, whoever asks.
 */
export function channelKey(
  own: Identity,
  otherPublicKey: Buffer,
  stretchedSecret: Buffer | null,
): Buffer {
  const keys = [own.publicKey, otherPublicKey].sort((a, b) =>
    Buffer.compare(a, b),
  );
  const material = Buffer.concat([
    own.agree(otherPublicKey),
    stretchedSecret ?? Buffer.alloc(0),
  ]);
  const info = Buffer.concat([
    Buffer.from(`vnet channel 1 ${stretchedSecret === null ? "-" : "s"}\0`),
    ...keys,
  ]);
  return Buffer.from(
    hkdfSync("sha256", material, Buffer.alloc(0), info, PSK_BYTES),
  );
}

/**
 * That key for channels which one of the two asked for. Both ask with the other's key, so without this whoever joins
 * legs could join a node with itself, and neither end would notice (the Selfie attack, RFC 9257).
 */
export function openedBy(key: Buffer, openerPublicKey: Buffer): Buffer {
  return createHmac("sha256", key)
    .update("vnet channel opener 1\0")
    .update(openerPublicKey)
    .digest();
}

/**
 * A node's proof to the hub that it has the private half of its identity, for this one connection.
 * @param shared of the node's key and the hub's key made for this connection
 */
export function identityProof(shared: Buffer, binding: Buffer): string {
  return createHmac("sha256", shared)
    .update("vnet identity proof 1\0")
    .update(binding)
    .digest("hex");
}
