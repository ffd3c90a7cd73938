// What a file says, without the keys that have no value: `port=` counts as not given. Pure.

import type { IniSection } from "./ini.js";
import { formatPlace } from "./problem.js";
import { SECTIONS, type SectionSpec } from "./schema.js";

/** Where these have no value, somebody is let in who perhaps was not to be. */
const GUARDS = new Set([
  ...["authkey", "authkey_file", "secret", "secret_file"],
  ...["fingerprint", "allow", "peers", "from", "proxy_from"],
]);

/** The same sections without such keys. Unknown ones stay, so that they are complained about. */
export function withoutEmpty(
  sections: readonly IniSection[],
  readBy: "hub" | "node",
  file: string,
  warnings: string[],
): IniSection[] {
  return sections.map((section) => {
    const spec = specOf(section.name);
    if (spec?.readBy.includes(readBy) !== true) return section;
    const entries = new Map(section.entries);
    const empty = new Map<string, number>();
    for (const { key, value, line, glued } of section.entries.values()) {
      const known = Object.hasOwn(spec.keys, key) ? spec.keys[key] : undefined;
      if (value !== "" || known === undefined) continue;
      const { kind, defaultText } = known;
      // `authkey=#word`, which is an error.
      if (glued !== undefined && kind.isSecret === true) continue;
      entries.delete(key);
      empty.set(key, line);
      const place = { line, section: section.name, key };
      const notGiven = `counts as not given (${defaultText})`;
      if (glued !== undefined && kind.parse(glued) !== undefined)
        warnings.push(
          formatPlace(
            file,
            place,
            `what follows # or ; is a comment, so this ${notGiven}; put the value in quotes if that belongs to it, or a blank before the comment`,
          ),
        );
      else if (GUARDS.has(key))
        warnings.push(
          formatPlace(
            file,
            place,
            `found nothing, which ${notGiven}; write a value, or remove the line`,
          ),
        );
    }
    return { ...section, entries, empty };
  });
}

function specOf(name: string): SectionSpec | undefined {
  const kind = name.split(".")[0] ?? "";
  return Object.hasOwn(SECTIONS, kind)
    ? SECTIONS[kind as keyof typeof SECTIONS]
    : undefined;
}
