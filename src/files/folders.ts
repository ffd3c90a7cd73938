// Makes a folder and those above it, one by one: Node's own way of it tries for ever where the system lets a folder be
// looked into and none be made in it, as in /proc.

import { mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";

/** One that is there is fine, whatever its mode. Throws the operating system's error. */
export function makeFolders(folder: string, mode = 0o777): void {
  try {
    make(folder, mode);
  } catch (error) {
    const above = dirname(folder);
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ENOENT" || above === folder) throw error;
    makeFolders(above, mode);
    make(folder, mode);
  }
}

function make(folder: string, mode: number): void {
  try {
    mkdirSync(folder, { mode });
  } catch (error) {
    if (!isFolder(folder)) throw error;
  }
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
