// One secret in one file that only its owner may read: made at first use, read afterwards.
// Every key that the programs make themselves is kept by it. Never prints what it reads.

import { closeSync, constants, readFileSync } from "node:fs";
import { platform } from "node:os";
import { dirname } from "node:path";
import { fileErrorCode, messageOf, VnetError } from "../errors.js";
import { makeFolders } from "../files/folders.js";
import { createPrivateFile, writePrivateFile } from "../files/whole-file.js";
import { openRegularFile } from "../files/regular-file.js";

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
  if (await putKeyFile(path, made, createPrivateFile))
    return { bytes: made, isNew: true };
  // Two first starts at once: what is kept is what counts.
  const theirs = await readKeyFile(path);
  if (theirs !== null) return { bytes: theirs, isNew: false };
  // Removed again.
  await writeKeyFile(path, made);
  return { bytes: made, isNew: true };
}

/** Null: there is no such file. */
export async function readKeyFile(path: string): Promise<Buffer | null> {
  try {
    const { fd, stats } = openRegularFile(path, constants.O_RDONLY);
    try {
      if (platform() !== "win32" && (stats.mode & OTHERS) !== 0)
        throw new VnetError(
          "config",
          `${path}: others can read this key; make it yours alone: chmod 600 ${path}`,
        );
      return readFileSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if (error instanceof VnetError) throw error;
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw failed("read", path, error);
  }
}

/** Whole or not at all: a crash in the middle leaves the old file. */
export async function writeKeyFile(path: string, bytes: Buffer): Promise<void> {
  await putKeyFile(path, bytes, writePrivateFile);
}

async function putKeyFile<T>(
  path: string,
  bytes: Buffer,
  put: (path: string, bytes: Buffer) => Promise<T>,
): Promise<T> {
  try {
    makeFolders(dirname(path), 0o700);
    return await put(path, bytes);
  } catch (error) {
    throw failed("write", path, error);
  }
}

const NOT_PERMITTED =
  "not permitted; file and folder must be of the user who runs this, or name another folder with --state or VNET_STATE";

const NOT_PERMITTED_WINDOWS =
  "not permitted; another program has it open, or the user who runs this has no right to it: close it there, or name another folder with --state or VNET_STATE";

/** What a person can do about it. */
const REMEDIES: Record<string, string> = {
  ENOENT:
    "there is no such folder, and none can be made there; name another folder with --state or VNET_STATE",
  ENOSPC: "the disk is full; make room",
  EDQUOT: "the quota is used up; make room",
  EROFS:
    "the disk is read-only; name a folder that can be written to with --state or VNET_STATE",
  EACCES: platform() === "win32" ? NOT_PERMITTED_WINDOWS : NOT_PERMITTED,
  EPERM: platform() === "win32" ? NOT_PERMITTED_WINDOWS : NOT_PERMITTED,
  EBUSY: NOT_PERMITTED_WINDOWS,
  ENOTDIR:
    "a file stands where a folder should be; move it away, or name another folder with --state or VNET_STATE",
  EEXIST: "a file stands where a folder should be; move it away",
  EISDIR: "a folder stands where the file should be; move it away",
};

function failed(verb: string, path: string, cause: unknown): VnetError {
  const { code = "" } = cause as NodeJS.ErrnoException;
  const remedy = Object.hasOwn(REMEDIES, code) ? REMEDIES[code] : undefined;
  const why = remedy === undefined ? messageOf(cause) : `${remedy} (${code})`;
  const text = `${path}: cannot ${verb} this key file: ${why}`;
  return new VnetError(fileErrorCode(cause), text, { cause });
}
