// Pre-shared keys of TLS (RFC 8446, 4.2.11), derived from what people write and from identities.
// Pure but for the random nonce; holds nothing.

import {
  createHash,
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

/** About 200 ms and 64 MiB for each guess (RFC 7914). */
const SCRYPT = { N: 2 ** 16, r: 8, p: 1, maxmem: 128 * 1024 * 1024 };

const stretchSecret = promisify<string, string, number, object, Buffer>(scrypt);

/** The key of a hub without authkey: keeps out listeners, proves nothing. */
const OPEN = "vnet: a hub without authkey";

/**
 * What a person wrote → 32 bytes that are slow to guess. The salt is no random one, since both sides must get the same
 * without talking first. `purpose` keeps one key's use from serving another; `scope` keeps guesses that were made for one
 * group from serving for another.
 */
export function stretch(
  text: string,
  purpose: string,
  scope = "",
): Promise<Buffer> {
  return stretchSecret(text, `vnet ${purpose} 2\0${scope}`, PSK_BYTES, SCRYPT);
}

/** The two uses of an authkey, each with a key of its own. */
export interface LinkKey {
  psk: Buffer;
  hint: Buffer;
}

/** @param authkey null: none is set */
export async function createLinkKey(authkey: string | null): Promise<LinkKey> {
  // What everybody knows is not worth stretching.
  const stretched =
    authkey === null
      ? createHash("sha256").update(OPEN).digest()
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

/** Whether it has the form of a hint. Those of tickets of other programs' TLS are longer. */
export function isHint(text: string): boolean {
  return /^[A-Za-z0-9_-]{43}$/.test(text);
}

/** Whether the hint was made with this key; compared in constant time. */
export function isHintFor(text: string, { hint }: LinkKey): boolean {
  if (!isHint(text)) return false;
  const bytes = Buffer.from(text, "base64url");
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

/** What a proof within a channel is made of; see docs/protocol.md, "The two-way proof". */
export interface ChannelProofParts {
  own: Identity;
  /** the other node's identity, as the channel's key was made with it */
  peerKey: Buffer;
  /** which end this node is */
  role: "opener" | "acceptor";
  /** made for proofs, and sent in HELLO */
  ephemeral: Identity;
  peerEphemeral: Buffer;
  /** the payloads of both HELLO frames, the opener's first */
  hellos: readonly [Buffer, Buffer];
  /** what is unique to this TLS connection (RFC 9266) */
  binding: Buffer;
}

/**
 * The key of both proofs, the same at both ends. Each side puts a fresh key against the other one's identity: to compute
 * it takes the private half of one's own identity, and no copy of the other node's helps. Throws VnetError `protocol`.
 */
export function channelProofKey(parts: ChannelProofParts): Buffer {
  const { own, peerKey, role, ephemeral, peerEphemeral, hellos } = parts;
  const isOpener = role === "opener";
  const provesPeer = ephemeral.agree(peerKey);
  const provesOwn = own.agree(peerEphemeral);
  const material = isOpener ? [provesPeer, provesOwn] : [provesOwn, provesPeer];
  const identities = isOpener
    ? [own.publicKey, peerKey]
    : [peerKey, own.publicKey];
  const info = Buffer.concat([
    Buffer.from("vnet channel proof 1\0"),
    ...identities,
    ...hellos.map((hello) => createHash("sha256").update(hello).digest()),
  ]);
  return Buffer.from(
    hkdfSync("sha256", Buffer.concat(material), parts.binding, info, PSK_BYTES),
  );
}

/** What that end of the channel has to show, 32 bytes. */
export function channelProofOf(
  key: Buffer,
  role: "opener" | "acceptor",
): Buffer {
  return createHmac("sha256", key).update(role).digest();
}

/** Compared in constant time. */
export function isChannelProof(
  proof: Buffer,
  key: Buffer,
  role: "opener" | "acceptor",
): boolean {
  const expected = channelProofOf(key, role);
  return proof.length === expected.length && timingSafeEqual(proof, expected);
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
