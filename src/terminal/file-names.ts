// The files and folders that a typed path could go on with, for TAB. Reads one folder; never throws.

import { readdir } from "node:fs/promises";
import { sep } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

/** A folder that takes longer is on a disk that does not answer: TAB offers nothing then. */
const DEADLINE_MS = 1_000;
/** More are no help. */
const MAX_NAMES = 500;

/** With the folder that was typed in front, folders with a `/` behind. Hidden ones where a dot was typed. */
export async function fileNames(
  typed: string,
  isWindows = sep === "\\",
): Promise<string[]> {
  const slash = Math.max(
    typed.lastIndexOf("/"),
    isWindows ? typed.lastIndexOf("\\") : -1,
  );
  const folder = typed.slice(0, slash + 1);
  const start = typed.slice(slash + 1);
  const expired = new AbortController();
  const deadline = delay(DEADLINE_MS, [], { signal: expired.signal });
  try {
    const entries = await Promise.race([
      readdir(folder === "" ? "." : folder, { withFileTypes: true }),
      deadline,
    ]);
    return entries
      .filter(({ name }) => name.startsWith(start))
      .filter(({ name }) => start.startsWith(".") || !name.startsWith("."))
      .slice(0, MAX_NAMES)
      .map(
        (entry) => `${folder}${entry.name}${entry.isDirectory() ? "/" : ""}`,
      );
  } catch {
    return [];
  } finally {
    deadline.catch(() => undefined);
    expired.abort();
  }
}
