// INI text → sections of raw text values, each with its line. Owned by the
// parse that called it; knows the syntax only, never what a key means.
// Lines and sections are scanned here, a single value is decoded by `ini`.

import { parse } from "ini";
import { quoteFound } from "./problem.js";
import type { Problems } from "./problem.js";

export interface IniEntry {
  readonly key: string;
  /** null: there, but not readable; that was reported already */
  readonly value: string | null;
  readonly line: number;
  /** the value with what was taken for a comment although no blank stands before its # or ; */
  readonly glued?: string;
}

/** `name` stands between the brackets, trimmed: `serve.ssh`. */
export interface IniSection {
  readonly name: string;
  readonly line: number;
  /** A Map, so that a key such as `__proto__` is a key like any other. */
  readonly entries: Map<string, IniEntry>;
}

/** The largest configuration file, in bytes (and so in characters too). */
export const CONFIG_BYTES_MAX = 1024 * 1024;

// Tab is the only control character with a place in a line of text.
const UNREADABLE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029]/u;

/**
 * The sections in the order of the file. What is wrong goes to `problems`; the
 * result then holds what could be made out, so that the rest is checked too.
 */
export function parseIni(text: string, problems: Problems): IniSection[] {
  if (text.length > CONFIG_BYTES_MAX) {
    problems.add({}, "found more than 1 MiB, allowed: a file up to 1 MiB");
    return [];
  }
  const sections = new Map<string, IniSection>();
  let section: IniSection | undefined;
  const lines = text.replace(/^\uFEFF/, "").split(/\r\n|\n|\r/);
  for (const [index, raw] of lines.entries()) {
    const line = index + 1;
    const content = raw.trim();
    if (isBlankOrComment(content)) continue;
    const unreadable = UNREADABLE.exec(content)?.[0];
    if (unreadable !== undefined) {
      problems.add(
        { line, section: section?.name },
        `found the control character ${codePoint(unreadable)}, allowed: text saved as UTF-8`,
      );
    } else if (content.startsWith("[")) {
      section = openSection(content, line, sections, problems);
    } else {
      readEntry(content, line, section, problems);
    }
  }
  return [...sections.values()];
}

function openSection(
  content: string,
  line: number,
  sections: Map<string, IniSection>,
  problems: Problems,
): IniSection {
  const end = content.indexOf("]");
  const inside =
    end < 0 ? content.slice(1).replace(/[;#].*$/, "") : content.slice(1, end);
  // Two that look alike are one (NFC), as everywhere where names are compared.
  const name = inside.trim().normalize("NFC");
  const section: IniSection = { name, line, entries: new Map() };
  if (end < 0) {
    problems.add(
      { line },
      `found ${quoteFound(content)} without a closing ], allowed [SECTION]`,
    );
  } else {
    const rest = content.slice(end + 1).trim();
    if (!isBlankOrComment(rest))
      problems.add(
        { line, section: name },
        `found ${quoteFound(rest)} behind the ], allowed: a comment (; or #)`,
      );
  }
  const first = sections.get(name);
  if (first === undefined) sections.set(name, section);
  else
    problems.add(
      { line, section: name },
      `found this section a second time, first on line ${first.line}; allowed: once in a file`,
    );
  // A second one is read too, for its own mistakes, but belongs to nothing.
  return section;
}

function readEntry(
  content: string,
  line: number,
  section: IniSection | undefined,
  problems: Problems,
): void {
  const at = content.search(/[=;#]/);
  const key = at < 0 ? "" : content.slice(0, at).trim();
  if (content[at] !== "=" || key === "") {
    const place = { line, section: section?.name };
    const found = mayBeSecret(content) ? "something else" : quoteFound(content);
    problems.add(place, `found ${found}, allowed KEY=VALUE`);
    return;
  }
  if (section === undefined) {
    problems.add(
      { line, key },
      "found before any section, allowed: below a section such as [route]",
    );
    return;
  }
  const place = { line, section: section.name, key };
  const first = section.entries.get(key);
  if (first !== undefined) {
    problems.add(
      place,
      `found this key a second time, first on line ${first.line}; allowed: once in a section`,
    );
    return;
  }
  const raw = content.slice(at + 1).trim();
  const value = decodeValue(raw, (found, problem) => {
    const shown = mayBeSecret(key) ? "something" : quoteFound(found);
    problems.add(place, `found ${shown}${problem}`);
  });
  const glued = value === null ? undefined : gluedValue(raw);
  section.entries.set(key, {
    key,
    value,
    line,
    ...(glued !== undefined && { glued }),
  });
}

function decodeValue(
  raw: string,
  complain: (found: string, problem: string) => void,
): string | null {
  const quote = raw[0];
  if (quote !== '"' && quote !== "'") return decodeWithLibrary(raw);
  const end = closingQuote(raw, quote);
  if (end < 0) {
    complain(
      raw,
      ` without a closing ${quote}, allowed: the whole value in quotes`,
    );
    return null;
  }
  const rest = raw.slice(end + 1).trim();
  if (!isBlankOrComment(rest)) {
    complain(rest, ` behind the closing ${quote}, allowed: a comment (; or #)`);
    return null;
  }
  // The library would read '1e3' and '"a"' as JSON; between single quotes nothing is special.
  if (quote === "'") return raw.slice(1, end);
  const token = raw.slice(0, end + 1);
  const value = decodeWithLibrary(token);
  // An escape that it cannot decode makes the library hand back the quotes too.
  if (value === token) {
    complain(
      raw,
      `, allowed between double quotes: \\\\ and \\" and other JSON escapes (or use single quotes)`,
    );
    return null;
  }
  return value;
}

/** Keys are known elsewhere and may be mistyped; what could be a secret's line is not shown. */
function mayBeSecret(keyOrLine: string): boolean {
  return /auth|key|secret/i.test(keyOrLine);
}

/** The library turns `true` and `null` into values; here all is text until a parser says otherwise. */
function decodeWithLibrary(raw: string): string {
  return String(parse(`value=${raw}`).value);
}

/** `long#word ; comment` → `long#word`: what the person may have meant. Undefined: the comment, if any, stands apart. */
function gluedValue(raw: string): string | undefined {
  if (raw.startsWith('"') || raw.startsWith("'")) return undefined;
  const start = /^(?:\\.|[^\\;#])*/.exec(raw)?.[0].length ?? 0;
  if (start === raw.length || /\s/.test(raw[start - 1] ?? "")) return undefined;
  const end = raw.slice(start).search(/\s+[;#]/);
  return end < 0 ? raw : raw.slice(0, start + end);
}

function closingQuote(raw: string, quote: string): number {
  for (let at = 1; at < raw.length; at += 1) {
    if (raw[at] === quote) return at;
    if (raw[at] === "\\" && quote === '"') at += 1;
  }
  return -1;
}

function isBlankOrComment(text: string): boolean {
  return text === "" || text.startsWith(";") || text.startsWith("#");
}

function codePoint(character: string): string {
  const hex = (character.codePointAt(0) ?? 0).toString(16).toUpperCase();
  return `U+${hex.padStart(4, "0")}`;
}
