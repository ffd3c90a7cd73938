// One secret in one file that only its owner may read: made at first use, read afterwards.
// The only place where secrets touch the disk. Never prints what it reads.

import {
  chmod,
  mkdir,
  open,
  readFile,
  rename,
  rm,
  stat,
} from "node:fs/promises";
import { randomUUID } from "node:crypto";
import { platform } from "node:os";
import { dirname } from "node:path";
import { messageOf, VnetError } from "../errors.js";

const OWNER_ONLY = 0o600;
const OTHERS = 0o077;

/**
 * The file's bytes; `make` gives them when there is no file yet. Throws VnetError `config` that names the file when it
 * can be read by others, or can be neither read nor written.
 */
export async function readOrMakeKeyFile(
  path: string,
  make: () => Buffer,
): Promise<{ bytes: Buffer; isNew: boolean }> {
  const bytes = await readKeyFile(path);
  if (bytes !== null) return { bytes, isNew: false };
  const made = make();
  await writeKeyFile(path, made);
  return { bytes: made, isNew: true };
}

/** Null: there is no such file. */
export async function readKeyFile(path: string): Promise<Buffer | null> {
  try {
    const { mode } = await stat(path);
    if (platform() !== "win32" && (mode & OTHERS) !== 0)
      throw new VnetError(
        "config",
        `${path}: others can read this key; make it yours alone: chmod 600 ${path}`,
      );
    return await readFile(path);
  } catch (error) {
    if (error instanceof VnetError) throw error;
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw failed("read", path, error);
  }
}

/** Whole or not at all: a crash in the middle leaves the old file. */
export async function writeKeyFile(path: string, bytes: Buffer): Promise<void> {
  const temporary = `${path}.${randomUUID()}.new`;
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
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
    throw failed("write", path, error);
  }
}

function failed(verb: string, path: string, cause: unknown): VnetError {
  return new VnetError(
    "config",
    `${path}: cannot ${verb} this key file: ${messageOf(cause)}`,
    { cause },
  );
}
