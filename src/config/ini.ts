// INI text → sections of raw text values, each with its line. Owned by the
// parse that called it; knows the syntax only, never what a key means.

import { OTHER_ENCODINGS } from "../utf8.js";
import { quoteFound } from "./problem.js";
import type { Problems } from "./problem.js";

export interface IniEntry {
  readonly key: string;
  /** null: there, but not readable; that was reported already */
  readonly value: string | null;
  readonly line: number;
  /** the value with what was taken for a comment although no blank stands before its # or ; */
  readonly glued?: string;
  /** other text of the file is not UTF-8, so these characters may be others than were typed */
  readonly misread?: true;
}

/** `name` stands between the brackets, trimmed: `serve.ssh`. */
export interface IniSection {
  readonly name: string;
  readonly line: number;
  /** as of an entry */
  readonly misread?: true;
  /** lines of keys without a value, which count as not given; see given.ts */
  readonly empty?: ReadonlyMap<string, number>;
  /** A Map, so that a key such as `__proto__` is a key like any other. */
  readonly entries: Map<string, IniEntry>;
}

/** The largest configuration file, in bytes (and so in characters too). */
export const CONFIG_BYTES_MAX = 1024 * 1024;

/** In a text: bytes that are not UTF-8. No UTF-8 decodes to it. */
export const NOT_UTF8 = "\udcff";

// Tab is the only control character with a place in a line of text. By whole characters (u): NOT_UTF8 is half of others.
const UNREADABLE =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\udcff]/u;

/** NOT_UTF8, where it is no half of another character. */
const UNDECODED = /(?<![\ud800-\udbff])\udcff/;

/** What a text has before a comment: a # or ; with a backslash before it begins none. */
const BEFORE_COMMENT = /^(?:\\[;#]|[^;#])*/;

/**
 * The sections in the order of the file. What is wrong goes to `problems`; the
 * result then holds what could be made out, so that the rest is checked too.
 * Comments are never looked at: they may hold anything.
 */
export function parseIni(text: string, problems: Problems): IniSection[] {
  if (text.length > CONFIG_BYTES_MAX) {
    problems.add({}, "found more than 1 MiB, allowed: a file up to 1 MiB");
    return [];
  }
  const reader: Reader = {
    problems,
    sections: new Map(),
    isMixed: UNDECODED.test(text),
  };
  let section: IniSection | undefined;
  const lines = text.replace(/^\uFEFF/, "").split(/\r\n|\n|\r/);
  for (const [index, raw] of lines.entries()) {
    const line = index + 1;
    const content = raw.trim();
    if (isBlankOrComment(content)) continue;
    if (content.startsWith("[")) section = openSection(content, line, reader);
    else readEntry(content, line, section, reader);
  }
  return [...reader.sections.values()];
}

interface Reader {
  readonly problems: Problems;
  readonly sections: Map<string, IniSection>;
  /** something in the file is not UTF-8 */
  readonly isMixed: boolean;
}

function openSection(
  content: string,
  line: number,
  { problems, sections, isMixed }: Reader,
): IniSection {
  const end = content.indexOf("]");
  const inside =
    end < 0 ? upTo(content.slice(1), /[;#]/) : content.slice(1, end);
  // Two that look alike are one (NFC), as everywhere where names are compared.
  const name = inside.trim().normalize("NFC");
  const section: IniSection = {
    ...{ name, line, entries: new Map() },
    ...(isMixed && !isAscii(name) && { misread: true }),
  };
  const unreadable = unreadableIn(inside);
  const rest = end < 0 ? "" : content.slice(end + 1).trim();
  if (unreadable !== null) {
    problems.add({ line }, unreadable);
    return section;
  }
  if (end < 0)
    problems.add(
      { line },
      `found ${quoteFound(content)} without a closing ], allowed [SECTION]`,
    );
  else if (!isBlankOrComment(rest))
    problems.add(
      { line, section: name },
      unreadableIn(rest) ??
        `found ${quoteFound(rest)} behind the ], allowed: a comment (; or #)`,
    );
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
  { problems, isMixed }: Reader,
): void {
  // The INI library of the original took `KEY: VALUE`, too.
  const at = content.search(/[=:;#]/);
  const key = at < 0 ? "" : content.slice(0, at).trim();
  if (!/[=:]/.test(content[at] ?? "") || key === "") {
    const place = { line, section: section?.name };
    const found = mayBeSecret(content) ? "something else" : quoteFound(content);
    const hint = isWide(content)
      ? "; write = : [ ] ; # as half-width characters"
      : "";
    const before = BEFORE_COMMENT.exec(content)?.[0] ?? "";
    problems.add(
      place,
      unreadableIn(before) ?? `found ${found}, allowed KEY=VALUE${hint}`,
    );
    return;
  }
  const unreadableKey = unreadableIn(key);
  if (unreadableKey !== null) {
    problems.add({ line, section: section?.name }, unreadableKey);
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
  const behind = content.slice(at + 1);
  const raw = behind.trim();
  let value = decodeValue(raw, (found, problem) => {
    const shown = mayBeSecret(key) ? "something" : quoteFound(found);
    problems.add(place, unreadableIn(found) ?? `found ${shown}${problem}`);
  });
  const unreadable = unreadableIn(value ?? "");
  if (unreadable !== null) {
    problems.add(place, unreadable);
    value = null;
  }
  const glued = value === null ? undefined : gluedValue(behind);
  section.entries.set(key, {
    ...{ key, value, line },
    ...(glued !== undefined && { glued }),
    ...(isMixed && !isAscii(value ?? "") && { misread: true }),
  });
}

/**
 * Where the value of a line `KEY = VALUE ; comment` stands in it, without the blanks around; the line is one that
 * parseIni takes.
 */
export function valueSpan(line: string): { from: number; to: number } {
  const at = line.search(/[=:;#]/) + 1;
  const behind = line.slice(at);
  const raw = behind.trim();
  const length = isQuote(raw[0] ?? "")
    ? closingQuote(raw, raw[0] ?? "") + 1
    : (BEFORE_COMMENT.exec(raw)?.[0] ?? "").trimEnd().length;
  if (length === 0) return { from: at, to: at };
  const from = at + behind.length - behind.trimStart().length;
  return { from, to: from + length };
}

/** Between quotes only the quote itself is special: it is written twice. Elsewhere only `\;` and `\#` are. */
function decodeValue(
  raw: string,
  complain: (found: string, problem: string) => void,
): string | null {
  const quote = raw[0] ?? "";
  if (!isQuote(quote)) return decodePlain(BEFORE_COMMENT.exec(raw)?.[0] ?? "");
  if (raw.startsWith('"""')) {
    complain(raw, `, allowed: one line between " and "`);
    return null;
  }
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
    complain(
      rest,
      ` behind the closing ${quote}, allowed: a comment (; or #); a ${quote} that belongs to the value is written twice`,
    );
    return null;
  }
  return raw.slice(1, end).replaceAll(quote + quote, quote);
}

function decodePlain(text: string): string {
  return text.trim().replace(/\\([;#])/g, "$1");
}

/** Keys are known elsewhere and may be mistyped; what could be a secret's line is not shown. */
function mayBeSecret(keyOrLine: string): boolean {
  return /auth|key|secret/i.test(keyOrLine);
}

/** `long#word ; comment` → `long#word`: what the person may have meant. Undefined: the comment, if any, stands apart. */
function gluedValue(behind: string): string | undefined {
  const raw = behind.trim();
  // `key= ; comment`, but not `key= #word`
  if (/^\s+[;#](?:\s|$)/.test(behind)) return undefined;
  if (isQuote(raw[0] ?? "")) return undefined;
  const start = BEFORE_COMMENT.exec(raw)?.[0].length ?? 0;
  if (start === raw.length || /\s/.test(raw[start - 1] ?? "")) return undefined;
  return raw.slice(0, start) + upTo(raw.slice(start), /\s[;#]/);
}

/** What stands before the first match of `end`, or all. A pattern of one length: a run of blanks is not gone through from each of them. */
function upTo(text: string, end: RegExp): string {
  const at = text.search(end);
  return at < 0 ? text : text.slice(0, at).trimEnd();
}

/** The backquote was one for the INI library of the original. */
function isQuote(character: string): boolean {
  return character === '"' || character === "'" || character === "`";
}

function closingQuote(raw: string, quote: string): number {
  for (let at = 1; at < raw.length; at += 1) {
    if (raw[at] !== quote) continue;
    if (raw[at + 1] !== quote) return at;
    at += 1;
  }
  return -1;
}

function isBlankOrComment(text: string): boolean {
  return text === "" || text.startsWith(";") || text.startsWith("#");
}

function isAscii(text: string): boolean {
  return /^[ -~\t]*$/.test(text);
}

/** Whether it has what an input method for Chinese or Korean writes in place of = : [ ] and others. */
function isWide(text: string): boolean {
  return /[\uff03\uff1a\uff1b\uff1d\uff3b\uff3d\u3010\u3011]/.test(text);
}

/** Why it cannot be read, or null. */
function unreadableIn(text: string): string | null {
  const character = UNREADABLE.exec(text)?.[0];
  if (character === undefined) return null;
  if (character === NOT_UTF8)
    return `found bytes that are not UTF-8 (${OTHER_ENCODINGS}), allowed: text in UTF-8; save the file as UTF-8`;
  return `found the control character ${codePoint(character)}, allowed: text saved as UTF-8`;
}

function codePoint(character: string): string {
  const hex = (character.codePointAt(0) ?? 0).toString(16).toUpperCase();
  return `U+${hex.padStart(4, "0")}`;
}
