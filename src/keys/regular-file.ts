// Opens a regular file and nothing else: a named pipe lets an open or a read wait for ever, and whoever may write to the
// folder could put one there.

import { closeSync, constants, fstatSync, openSync, type Stats } from "node:fs";

/** Not there on Windows. */
const { O_NONBLOCK = 0, O_NOFOLLOW = 0 } = constants as Partial<
  typeof constants
>;

/** Throws the system's error, or one that says what is there instead. The caller closes it. */
export function openRegularFile(
  path: string,
  flags: number,
  mode?: number,
): { fd: number; stats: Stats } {
  const fd = openSync(path, flags | O_NONBLOCK, mode);
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile()) throw new Error("it is not a regular file");
    return { fd, stats };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/**
 * The same for a file in the folder of another user, who may have put a link there: it leads nowhere else, as what is
 * done to it would be done to a file of the caller.
 */
export function openUnlinkedFile(
  path: string,
  flags: number,
  mode?: number,
): number {
  const { fd, stats } = openRegularFile(path, flags | O_NOFOLLOW, mode);
  if (stats.nlink === 1) return fd;
  closeSync(fd);
  throw new Error("it has a second name elsewhere");
}
