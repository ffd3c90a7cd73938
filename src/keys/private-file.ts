// Writes one file of mode 0600, whole or not at all.
// Knows nothing of what is in it; says nothing, its caller explains an error.

import { chmod, open, rename, rm } from "node:fs/promises";
import { randomUUID } from "node:crypto";

const OWNER_ONLY = 0o600;

/** A crash or a full disk in the middle leaves the old file. Rejects with the operating system's error. */
export async function writePrivateFile(
  path: string,
  bytes: Buffer,
): Promise<void> {
  const temporary = `${path}.${randomUUID()}.new`;
  try {
    const file = await open(temporary, "w", OWNER_ONLY);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await chmod(temporary, OWNER_ONLY);
    await rename(temporary, path);
  } catch (error) {
    // A key that nobody uses must not lie about; where it cannot be removed, it could not be made either.
    await rm(temporary, { force: true }).catch(() => undefined);
    throw error;
  }
}
