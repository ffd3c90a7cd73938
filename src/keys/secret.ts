// A good secret for people to share: random, long enough for ever, easy to copy.

import { randomBytes } from "node:crypto";

/** 192 bits as 32 characters without blanks or comment signs, the first of them no dash: it may follow an option. */
export function createSecret(): string {
  for (;;) {
    const secret = randomBytes(24).toString("base64url");
    if (!secret.startsWith("-")) return secret;
  }
}
