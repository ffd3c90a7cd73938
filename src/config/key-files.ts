// Keys that stand in a file of their own: `authkey_file=` and `secret_file=` become the key that they name. Pure but for the
// reader that it is given.

import { messageOf } from "../errors.js";
import type { IniEntry, IniSection } from "./ini.js";
import type { Problems } from "./problem.js";
import { SECTIONS } from "./schema.js";
import { SECRET } from "./value.js";

/**
 * The key in that file, without the line's end. Throws what a person should read.
 * @param line of the configuration; 0: of the command line
 */
export type ReadKey = (path: string, line: number) => string;

/** Where no file is to be read. */
export const readNoKey: ReadKey = () => {
  throw new Error("no file is read here");
};

/** A key, and what stands for it. */
const FILES = { authkey_file: "authkey", secret_file: "secret" } as const;

/** The same sections, with the keys in place of their files. Only what that program reads is looked at. */
export function withKeyFiles(
  sections: readonly IniSection[],
  readBy: "hub" | "node",
  readKey: ReadKey,
  problems: Problems,
): IniSection[] {
  return sections.map((section) => {
    const kind = section.name.split(".")[0] as keyof typeof SECTIONS;
    if (!Object.hasOwn(SECTIONS, kind)) return section;
    const spec: { readBy: readonly string[]; keys: object } = SECTIONS[kind];
    if (!spec.readBy.includes(readBy)) return section;
    const entries = new Map(section.entries);
    for (const [fileKey, key] of Object.entries(FILES)) {
      const named = entries.get(fileKey);
      if (named === undefined || !(fileKey in spec.keys)) continue;
      entries.delete(fileKey);
      const twin = entries.get(key);
      const place = { line: named.line, section: section.name, key: fileKey };
      if (twin !== undefined)
        problems.add(place, `found beside ${key}, allowed: one of the two`);
      else entries.set(key, keyOf(named, key, place, readKey, problems));
    }
    return { ...section, entries };
  });
}

/** When one place says the key and another its file, the stronger place counts. */
export function overrides(key: string): readonly string[] {
  const pair = Object.entries(FILES).find((names) => names.includes(key));
  return pair ?? [key];
}

function keyOf(
  { value: path, line }: IniEntry,
  key: string,
  place: { line: number; section: string; key: string },
  readKey: ReadKey,
  problems: Problems,
): IniEntry {
  if (path === null) return { key, value: null, line };
  if (path === "") {
    problems.add(place, "found nothing, allowed the path of a file");
    return { key, value: null, line };
  }
  try {
    const value = readKey(path, line);
    if (SECRET.parse(value) !== undefined) return { key, value, line };
    problems.add(
      place,
      `found something else in ${path}, allowed one line of ${SECRET.allowed}`,
    );
  } catch (error) {
    problems.add(place, `cannot read ${path}: ${messageOf(error)}`);
  }
  return { key, value: null, line };
}
