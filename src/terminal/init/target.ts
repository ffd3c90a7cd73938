// The file that a guided start is to write: whether that will work, and the writing itself.
// What was there before is kept beside it; a failure leaves everything as it was.

import { access, chmod, constants, copyFile, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { messageOf, VnetError } from "../../errors.js";
import { realPlace } from "../../files/regular-file.js";
import { writePrivateFile } from "../../files/whole-file.js";

const OLD_FILES_MAX = 100;

/** Looked at before anything is asked. Throws VnetError `config` when the file could not be written. */
export async function isTaken(file: string): Promise<boolean> {
  const folder = dirname(file);
  try {
    if (!(await stat(folder)).isDirectory())
      throw failure(file, `${folder} is not a folder`);
    await access(folder, constants.W_OK);
  } catch (error) {
    if (error instanceof VnetError) throw error;
    throw failure(
      file,
      codeOf(error) === "ENOENT"
        ? `there is no folder ${folder}; make it first`
        : `this user cannot write in the folder ${folder}`,
      error,
    );
  }
  try {
    if ((await stat(file)).isFile()) return true;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return false;
    throw failure(file, `cannot be looked at: ${messageOf(error)}`, error);
  }
  throw failure(file, "is not a regular file; name another one");
}

/** Where the former file is now, or null when there was none. */
export async function replaceFile(
  file: string,
  text: string,
): Promise<string | null> {
  let old: string | null = null;
  try {
    // A symbolic link stays one: what it leads to is replaced.
    old = await keepOld(realPlace(file));
    await writePrivateFile(file, Buffer.from(text));
    return old;
  } catch (error) {
    if (old !== null) await rm(old, { force: true }).catch(() => undefined);
    throw failure(file, `nothing was written: ${messageOf(error)}`, error);
  }
}

/** A copy and no renaming: there is no moment without a file. An older copy is never replaced. */
async function keepOld(file: string): Promise<string | null> {
  for (let count = 1; count <= OLD_FILES_MAX; count += 1) {
    const old = `${file}.old${count === 1 ? "" : count}`;
    try {
      await copyFile(file, old, constants.COPYFILE_EXCL);
      await chmod(old, 0o600);
      return old;
    } catch (error) {
      if (codeOf(error) === "ENOENT") return null;
      if (codeOf(error) !== "EEXIST") throw error;
    }
  }
  throw new Error(
    `${file}.old to ${file}.old${OLD_FILES_MAX} are all there; remove some`,
  );
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}

function failure(file: string, text: string, cause?: unknown): VnetError {
  return new VnetError("config", `${file}: ${text}`, { cause });
}
