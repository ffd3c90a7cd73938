// Writes a file whole or not at all: a temporary one beside the place to which its path leads, then a rename. What stands
// there and is no regular file is left alone, and links stay. Knows nothing of what is in it; its caller explains an error.

import {
  lstatSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  type Stats,
} from "node:fs";
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
import { realPlace, refuseOthers } from "./regular-file.js";

const OWNER_ONLY = 0o600;
const PERMISSIONS = 0o777;
const OF_GROUP = 0o070;

/**
 * Writes a file of mode 0600. A crash or a full disk in the middle leaves the old file. A new one that root puts in its
 * place belongs to the same user as before. Rejects with the operating system's error, or one that says what is there
 * instead of a regular file.
 */
export async function writePrivateFile(
  path: string,
  bytes: Buffer,
): Promise<void> {
  await replace(path, bytes, async (file, before) => {
    await file.chmod(OWNER_ONLY);
    // Where this is not root, or one that may not give files away, as in some containers, it is this user's from now on.
    await giveTo(file, before).catch(() => undefined);
  });
}

/**
 * The same for a file that is the person's: owner, group and mode stay as they were, and where they cannot, it rejects
 * and the old file stays. A new one has mode 0600. Resolves with where it really is.
 */
export function writeSameFile(path: string, bytes: Buffer): Promise<string> {
  return replace(path, bytes, async (file, before) => {
    if (before === undefined) return file.chmod(OWNER_ONLY);
    await giveTo(file, before).catch((cause: unknown) => {
      throw new Error(
        `it belongs to another user (uid ${before.uid}), and a new one in its place would not`,
        { cause },
      );
    });
    const isSameGroup = (await file.stat()).gid === before.gid;
    // What was for that group is not for another one.
    const withheld = isSameGroup ? 0 : OF_GROUP;
    await file.chmod(before.mode & PERMISSIONS & ~withheld);
  });
}

async function replace(
  path: string,
  bytes: Buffer,
  finish: (file: FileHandle, before: Stats | undefined) => Promise<void>,
): Promise<string> {
  const place = realPlace(path);
  const before = await lookAt(place);
  await written(place, bytes, {
    finish: (file) => finish(file, before),
    putInPlace: async (temporary) => {
      // Something else may have come meanwhile.
      await lookAt(place);
      await untilLetGo(() => rename(temporary, place)).catch(explainBusy);
    },
  });
  return place;
}

/** Undefined: nothing is there yet. Rejects where it is no regular file. */
async function lookAt(place: string): Promise<Stats | undefined> {
  const there = await lstat(place).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  });
  refuseOthers(there);
  return there;
}

/** Rejects where the user cannot be the same; the group may not. */
async function giveTo(
  file: FileHandle,
  before: Stats | undefined,
): Promise<void> {
  if (before === undefined) return;
  const mine = await file.stat();
  if (before.uid !== mine.uid) await file.chown(before.uid, before.gid);
  else if (before.gid !== mine.gid)
    await file.chown(mine.uid, before.gid).catch(() => undefined);
}

/** Of a single file that is mounted into a container. */
function explainBusy(cause: unknown): never {
  if ((cause as NodeJS.ErrnoException).code !== "EBUSY") throw cause;
  throw new Error(
    "it is mounted by itself, and so cannot be replaced (EBUSY); mount its folder instead",
    { cause },
  );
}

/** False: there is a file of that name already, another process's perhaps, and it is as it was. */
export async function createPrivateFile(
  path: string,
  bytes: Buffer,
): Promise<boolean> {
  const place = realPlace(path);
  let isCreated = true;
  await written(place, bytes, {
    finish: (file) => file.chmod(OWNER_ONLY),
    putInPlace: async (temporary) => {
      try {
        // Unlike renaming, this fails where somebody was faster.
        await link(temporary, place);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") {
          // Not every file system has links, and they say so in many ways.
          if ((await lookAt(place)) === undefined)
            return untilLetGo(() => rename(temporary, place));
        }
        isCreated = false;
      }
      await rm(temporary, { force: true });
    },
  });
  return isCreated;
}

/**
 * writePrivateFile for what is written in the middle of a key press, and which nobody misses after a power cut: at once,
 * and without waiting for the disk.
 */
export function writePrivateFileNow(path: string, text: string): void {
  const place = realPlace(path);
  refuseOthers(lstatSync(place, { throwIfNoEntry: false }));
  const temporary = `${place}.${randomUUID()}.new`;
  try {
    writeFileSync(temporary, text, { flag: "wx", mode: OWNER_ONLY });
    renameSync(temporary, place);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
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
  place: string,
  bytes: Buffer,
  steps: {
    finish: (file: FileHandle) => Promise<void>;
    putInPlace: (temporary: string) => Promise<void>;
  },
): Promise<void> {
  const temporary = `${place}.${randomUUID()}.new`;
  try {
    const file = await open(temporary, "wx", OWNER_ONLY);
    try {
      await file.writeFile(bytes);
      await steps.finish(file);
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
