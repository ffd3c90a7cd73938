// Opens a regular file and nothing else: a named pipe lets an open or a read wait for ever, and a device does something
// when it is opened. So the path is looked at before, and what was opened is looked at again.

import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  statSync,
  type Stats,
} from "node:fs";
import { basename, dirname, join, resolve } from "node:path";

/** Not there on Windows. */
const {
  O_NONBLOCK = 0,
  O_NOFOLLOW = 0,
  O_NOCTTY = 0,
} = constants as Partial<typeof constants>;

/** As many as the kernel follows. */
const MAX_LINKS = 40;

/** Throws the system's error, or one that says what is there instead. The caller closes it. */
export function openRegularFile(
  path: string,
  flags: number,
  mode?: number,
): { fd: number; stats: Stats } {
  refuseOthers(statSync(path, { throwIfNoEntry: false }));
  const fd = openSync(path, flags | O_NONBLOCK | O_NOCTTY, mode);
  try {
    const stats = fstatSync(fd);
    refuseOthers(stats);
    return { fd, stats };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** All of it. Throws as openRegularFile does. */
export function readRegularFile(path: string): Buffer {
  const { fd } = openRegularFile(path, constants.O_RDONLY);
  try {
    return readFileSync(fd);
  } finally {
    closeSync(fd);
  }
}

/**
 * openRegularFile for a file in the folder of another user, who may have put a link there: it leads nowhere else, as what is
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

/**
 * openRegularFile for a file of this user, who may have made it a link to another place. Another user's link is not followed,
 * and another user's file not opened.
 */
export function openOwnFile(
  path: string,
  flags: number,
  mode?: number,
): { fd: number; stats: Stats } {
  const place = realPlace(path);
  const { fd, stats } = openRegularFile(place, flags | O_NOFOLLOW, mode);
  try {
    refuseForeign(stats);
    // In another user's folder a second name can be his work.
    if (stats.nlink > 1 && !isOwn(statSync(dirname(place))))
      throw new Error("it has a second name elsewhere");
    return { fd, stats };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/**
 * Where a file of that path is, or would be made: links are followed, also one that leads to nothing yet. Throws the
 * system's error, or one that says that a link is another user's, who would choose where this process writes.
 */
export function realPlace(path: string, links = MAX_LINKS): string {
  const folder = realpathSync(dirname(resolve(path)));
  const place = join(folder, basename(path));
  const there = lstatSync(place, { throwIfNoEntry: false });
  if (there?.isSymbolicLink() !== true) return place;
  if (!isOwn(there) && there.uid !== 0)
    throw new Error(`it is a link of another user (uid ${there.uid})`);
  if (links === 0) throw new Error("it is a link that leads in a circle");
  return realPlace(resolve(folder, readlinkSync(place)), links - 1);
}

/** Throws an error that says what it is, where that is no regular file. */
export function refuseOthers(there: Stats | undefined): void {
  if (there === undefined || there.isFile()) return;
  throw new Error(`it is ${kindOf(there)}, not a regular file`);
}

function refuseForeign(stats: Stats): void {
  if (!isOwn(stats))
    throw new Error(`it belongs to another user (uid ${stats.uid})`);
}

/** Of the user who runs this. Windows does not say whose a file is. */
function isOwn({ uid }: Stats): boolean {
  const me = process.geteuid?.();
  return me === undefined || uid === me;
}

function kindOf(there: Stats): string {
  if (there.isDirectory()) return "a folder";
  if (there.isFIFO()) return "a named pipe";
  if (there.isSocket()) return "a socket";
  return "a device";
}
