// The proof in a ClientHello that its sender has a pre-shared key: the binder of an external key (RFC 8446, 4.2.11.2),
// with SHA-256. OpenSSL checks it once more; here it is checked before there is a TLS object.

import { createHash, createHmac, timingSafeEqual } from "node:crypto";

const HASH_BYTES = 32;

/**
 * Whether that binder was made with this key; compared in constant time.
 * @param bound the handshake message up to where the binders begin
 */
export function isBoundWith(
  psk: Buffer,
  bound: Buffer,
  binder: Buffer,
): boolean {
  const early = hmac(Buffer.alloc(HASH_BYTES), psk);
  const binderKey = expandLabel(early, "ext binder", sha256(Buffer.alloc(0)));
  const finishedKey = expandLabel(binderKey, "finished", Buffer.alloc(0));
  return timingSafeEqual(hmac(finishedKey, sha256(bound)), binder);
}

/** HKDF-Expand-Label (RFC 8446, 7.1) to one hash's length: one block of HKDF-Expand. */
function expandLabel(secret: Buffer, label: string, context: Buffer): Buffer {
  const name = Buffer.from(`tls13 ${label}`, "latin1");
  return hmac(
    secret,
    Buffer.concat([
      Buffer.of(HASH_BYTES >> 8, HASH_BYTES & 0xff, name.length),
      name,
      Buffer.of(context.length),
      context,
      Buffer.of(1),
    ]),
  );
}

function hmac(key: Buffer, bytes: Buffer): Buffer {
  return createHmac("sha256", key).update(bytes).digest();
}

function sha256(bytes: Buffer): Buffer {
  return createHash("sha256").update(bytes).digest();
}
