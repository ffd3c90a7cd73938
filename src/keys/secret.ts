// A good secret for people to share: random, long enough for ever, easy to copy.

import { randomBytes } from "node:crypto";

/** 192 bits as 32 characters without blanks or comment signs. */
export function createSecret(): string {
  return randomBytes(24).toString("base64url");
}
