// Writes one file of mode 0600, whole or not at all.
// Knows nothing of what is in it; says nothing, its caller explains an error.

import { readdirSync, rmSync, statSync } from "node:fs";
import {
  link,
  lstat,
  open,
  rename,
  rm,
  type FileHandle,
} from "node:fs/promises";
import { randomUUID } from "node:crypto";
import { platform } from "node:os";
import { join } from "node:path";

const OWNER_ONLY = 0o600;

/**
 * A crash or a full disk in the middle leaves the old file. A new one that root puts in its place belongs to the same user
 * as before. Rejects with the operating system's error.
 */
export async function writePrivateFile(
  path: string,
  bytes: Buffer,
): Promise<void> {
  await written(path, bytes, {
    finish: (file) => giveToOwnerOf(path, file),
    putInPlace: (temporary) => untilLetGo(() => rename(temporary, path)),
  });
}

async function giveToOwnerOf(path: string, file: FileHandle): Promise<void> {
  try {
    const [before, mine] = [await lstat(path), await file.stat()];
    if (before.uid !== mine.uid) await file.chown(before.uid, before.gid);
  } catch {
    // There was none before; or this is not root, or one that may not give files away, as in some containers.
  }
}

/** False: there is a file of that name already, another process's perhaps, and it is as it was. */
export async function createPrivateFile(
  path: string,
  bytes: Buffer,
): Promise<boolean> {
  let isCreated = true;
  await written(path, bytes, {
    putInPlace: async (temporary) => {
      try {
        // Unlike renaming, this fails where somebody was faster.
        await link(temporary, path);
      } catch (error) {
        // Not every file system has links, and they say so in many ways.
        if ((error as NodeJS.ErrnoException).code !== "EEXIST")
          return untilLetGo(() => rename(temporary, path));
        isCreated = false;
      }
      await rm(temporary, { force: true });
    },
  });
  return isCreated;
}

/** What Windows says of a file that somebody has open: a virus scanner, a backup, an editor. Mostly for a moment. */
const IN_USE = new Set(["EPERM", "EACCES", "EBUSY"]);
const PAUSES_MS = [10, 20, 50, 100, 200, 300, 400, 500];

/** Does it again for 1.6 s while the file is in use, on Windows; elsewhere an open file is in nobody's way. */
export async function untilLetGo(
  act: () => Promise<void>,
  isWindows = platform() === "win32",
): Promise<void> {
  for (const pauseMs of isWindows ? PAUSES_MS : []) {
    try {
      return await act();
    } catch (error) {
      if (!IN_USE.has((error as NodeJS.ErrnoException).code ?? "")) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
  return act();
}

/** `hub.key.UUID.new`: a file that is being written, or was when its writer was killed. */
const TEMPORARY = /^(.+)\.[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}\.new$/;
/** Whoever still writes it is done by then. */
const LEFT_AFTER_MS = 60_000;

export function isTemporary(name: string): boolean {
  return TEMPORARY.test(name);
}

/**
 * Removes what writers left that were killed in the middle.
 * @param own names of files that only the caller writes: theirs go at once, others when they are old
 */
export function removeLeftovers(folder: string, own: readonly string[]): void {
  try {
    for (const name of readdirSync(folder)) {
      const written = TEMPORARY.exec(name)?.[1];
      if (written === undefined) continue;
      const path = join(folder, name);
      const ageMs = Date.now() - statSync(path).mtimeMs;
      if (own.includes(written) || ageMs > LEFT_AFTER_MS)
        rmSync(path, { force: true });
    }
  } catch {
    // A folder that cannot be read or written: the first key says so.
  }
}

async function written(
  path: string,
  bytes: Buffer,
  steps: {
    finish?: (file: FileHandle) => Promise<void>;
    putInPlace: (temporary: string) => Promise<void>;
  },
): Promise<void> {
  const temporary = `${path}.${randomUUID()}.new`;
  try {
    const file = await open(temporary, "w", OWNER_ONLY);
    try {
      await file.writeFile(bytes);
      await file.chmod(OWNER_ONLY);
      await steps.finish?.(file);
      await file.sync();
    } finally {
      await file.close();
    }
    await steps.putInPlace(temporary);
  } catch (error) {
    // A key that nobody uses must not lie about; where it cannot be removed, it could not be made either.
    await rm(temporary, { force: true }).catch(() => undefined);
    throw error;
  }
}
