// Writes one file of mode 0600, whole or not at all.
// Knows nothing of what is in it; says nothing, its caller explains an error.

import { chmod, link, open, rename, rm } from "node:fs/promises";
import { randomUUID } from "node:crypto";

const OWNER_ONLY = 0o600;

/** A crash or a full disk in the middle leaves the old file. Rejects with the operating system's error. */
export async function writePrivateFile(
  path: string,
  bytes: Buffer,
): Promise<void> {
  await written(path, bytes, (temporary) => rename(temporary, path));
}

/** False: there is a file of that name already, another process's perhaps, and it is as it was. */
export async function createPrivateFile(
  path: string,
  bytes: Buffer,
): Promise<boolean> {
  let isCreated = true;
  await written(path, bytes, async (temporary) => {
    try {
      // Unlike renaming, this fails where somebody was faster.
      await link(temporary, path);
    } catch (error) {
      // Not every file system has links, and they say so in many ways.
      if ((error as NodeJS.ErrnoException).code !== "EEXIST")
        return rename(temporary, path);
      isCreated = false;
    }
    await rm(temporary, { force: true });
  });
  return isCreated;
}

async function written(
  path: string,
  bytes: Buffer,
  putInPlace: (temporary: string) => Promise<void>,
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
    await putInPlace(temporary);
  } catch (error) {
    // A key that nobody uses must not lie about; where it cannot be removed, it could not be made either.
    await rm(temporary, { force: true }).catch(() => undefined);
    throw error;
  }
}
