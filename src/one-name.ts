// The one name of a file or folder where the file system takes `B3.INI` and `b3.ini` for the same, as those of Windows and
// macOS do. Looks only.

import { statSync } from "node:fs";
import { basename, dirname, join, parse } from "node:path";

/** Each part of an absolute path in small letters where its folder does not tell them from capitals; else as it is. */
export function oneName(path: string): string {
  const { root } = parse(path);
  if (path === root) return isSame(path, swapped(path)) ? small(path) : path;
  const [folder, name] = [dirname(path), basename(path)];
  const other = join(folder, swapped(name));
  return join(oneName(folder), isSame(path, other) ? small(name) : name);
}

function small(text: string): string {
  return text.toLowerCase();
}

/** Another spelling of the same letters; the same where it has none. */
function swapped(text: string): string {
  return text === small(text) ? text.toUpperCase() : small(text);
}

/** A file that is there under both names, and not two files. */
function isSame(path: string, other: string): boolean {
  if (path === other) return false;
  try {
    const [one, two] = [path, other].map((each) =>
      statSync(each, { bigint: true }),
    );
    return one?.ino === two?.ino && one?.dev === two?.dev;
  } catch {
    return false;
  }
}
