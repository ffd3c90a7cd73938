// How people see and write a public key: SHA-256 of its 32 bytes in base64, as ssh shows keys.

import { createHash } from "node:crypto";

const PATTERN = /^SHA256:[A-Za-z0-9+/]{43}$/;

/** @param publicKey raw bytes of an X25519 or Ed25519 public key */
export function fingerprintOf(publicKey: Buffer): string {
  const digest = createHash("sha256").update(publicKey).digest("base64");
  return `SHA256:${digest.replace(/=+$/, "")}`;
}

export function isFingerprint(text: string): boolean {
  return PATTERN.test(text);
}
