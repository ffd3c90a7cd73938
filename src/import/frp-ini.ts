// frp's old INI: text → sections of text values. Not config/ini.ts, because to
// frp a ; or # behind a value is part of it (a token may contain one), a key
// alone on its line is true, a section that comes again goes on, and of a key
// that comes again the last one counts. Pure.

import { quoteFound, type Problems } from "../config/problem.js";

export type IniSections = Record<string, Record<string, string>>;

/** What is wrong goes to `problems`, with its line. */
export function readFrpIni(text: string, problems: Problems): IniSections {
  const sections = Object.create(null) as IniSections;
  let section: Record<string, string> | undefined;
  for (const [index, raw] of text.split(/\r\n|\n|\r/).entries()) {
    const content = raw.trim();
    const line = index + 1;
    if (content === "" || content.startsWith(";") || content.startsWith("#"))
      continue;
    if (content.startsWith("[")) {
      const name = /^\[([^\]]+)\]\s*(?:[;#].*)?$/.exec(content)?.[1]?.trim();
      if (name === undefined || name === "") {
        const allowed = "allowed [SECTION]";
        problems.add({ line }, `found ${quoteFound(content)}, ${allowed}`);
      }
      section = sections[name ?? ""] ?? newSection();
      if (name !== undefined) sections[name] = section;
      continue;
    }
    const at = content.search(/[=:]/);
    const key = (at < 0 ? content : content.slice(0, at)).trim();
    const value = at < 0 ? "true" : content.slice(at + 1).trim();
    if (key === "" || section === undefined)
      problems.add(
        { line },
        section === undefined
          ? "found a key before any section, allowed: below [common] or [NAME]"
          : "found no key, allowed KEY = VALUE",
      );
    else section[key] = unquote(value);
  }
  return sections;
}

/** Without a prototype, `__proto__` is a name like any other. */
function newSection(): Record<string, string> {
  return Object.create(null) as Record<string, string>;
}

function unquote(value: string): string {
  const quote = value[0];
  const isQuoted =
    value.length >= 2 &&
    (quote === '"' || quote === "'" || quote === "`") &&
    value.endsWith(quote);
  return isQuoted ? value.slice(1, -1) : value;
}
