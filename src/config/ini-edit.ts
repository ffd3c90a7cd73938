// Changes some keys and sections in the bytes of an INI file and leaves every other byte as it is: comments in any encoding,
// order, spelling, line ends, byte order mark, a missing last line end. Pure; knows what parseIni accepts, not what keys mean.

import { encodeValue } from "./ini-value.js";
import { valueSpan, type IniSection } from "./ini.js";

/** A key and its value as it is meant, not as it is written. */
export type Pair = readonly [key: string, value: string];

/** One thing to change. Sections are named as between the brackets, `serve.ssh`. */
export type IniEdit =
  /** a new section behind all others */
  | { kind: "add"; section: string; pairs: readonly Pair[] }
  /** from its header to its last key, what stands between too; comments above and below stay */
  | { kind: "remove"; section: string }
  /** null: the key goes, with its line */
  | { kind: "set"; section: string; key: string; value: string | null };

/** A line as people see a difference: `+` is new, `-` goes, ` ` stays and says where this is. */
export interface DiffLine {
  sign: "+" | "-" | " ";
  text: string;
}

interface Line {
  content: Buffer;
  /** its line end; empty at the end of a file that ends without one */
  end: Buffer;
}

const BOM = Buffer.from("\ufeff");
const LF = 0x0a;
const CR = 0x0d;

/**
 * @param bytes a file that parseIni reads without a problem
 * @param sections what parseIni read from it
 */
export function editIni(
  bytes: Buffer,
  sections: readonly IniSection[],
  edits: readonly IniEdit[],
): { bytes: Buffer; diff: DiffLine[] } {
  const mark = bytes.subarray(0, BOM.length).equals(BOM) ? BOM.length : 0;
  const editor = new Editor(linesOf(bytes.subarray(mark)), sections);
  for (const edit of edits) editor.take(edit);
  const { bytes: edited, diff } = editor.finish();
  return { bytes: Buffer.concat([bytes.subarray(0, mark), edited]), diff };
}

class Editor {
  readonly #sections: ReadonlyMap<string, IniSection>;
  readonly #removed = new Set<number>();
  readonly #replaced = new Map<number, Buffer>();
  /** what comes behind a line */
  readonly #inserted = new Map<number, Buffer[]>();
  readonly #added: Buffer[][] = [];
  /** the line of the header that says where a change is */
  readonly #headers = new Map<number, number>();
  readonly #end: Buffer;

  constructor(
    readonly lines: readonly Line[],
    sections: readonly IniSection[],
  ) {
    this.#sections = new Map(sections.map((each) => [each.name, each]));
    const [first] = lines;
    this.#end = first && first.end.length > 0 ? first.end : Buffer.from("\n");
  }

  take(edit: IniEdit): void {
    if (edit.kind === "add") {
      const equals = this.#equals([...this.#sections.values()]);
      this.#added.push(
        [
          `[${edit.section}]`,
          ...edit.pairs.map(
            ([key, value]) => `${key}${equals}${encodeValue(value)}`,
          ),
        ].map((text) => Buffer.from(text)),
      );
      return;
    }
    const section = this.#sections.get(edit.section);
    if (section === undefined)
      throw new Error(`no section ${edit.section} to change`);
    if (edit.kind === "remove") this.#remove(section);
    else this.#set(section, edit.key, edit.value);
  }

  finish(): { bytes: Buffer; diff: DiffLine[] } {
    const out: Line[] = [];
    const diff: DiffLine[] = [];
    const put = (content: Buffer, end: Buffer) => {
      out.push({ content, end: end.length > 0 ? end : this.#end });
    };
    const show = (sign: DiffLine["sign"], content: Buffer) =>
      diff.push({ sign, text: decode(content) });
    let shown = -1;
    for (const [at, { content, end }] of this.lines.entries()) {
      const replaced = this.#replaced.get(at);
      const inserted = this.#inserted.get(at) ?? [];
      const header = this.#headers.get(at);
      if (header !== undefined && header !== shown) {
        shown = header;
        show(" ", this.lines[header]?.content ?? content);
      }
      if (this.#removed.has(at)) show("-", content);
      else if (replaced === undefined) put(content, end);
      else {
        show("-", content);
        show("+", replaced);
        put(replaced, end);
      }
      for (const each of inserted) {
        show("+", each);
        put(each, end);
      }
    }
    for (const section of this.#added) {
      const last = out.at(-1);
      const lines =
        last === undefined || isBlank(last.content)
          ? section
          : [Buffer.alloc(0), ...section];
      for (const each of lines) {
        show("+", each);
        put(each, this.#end);
      }
    }
    // A file that ends without a line end goes on to do so.
    const last = out.at(-1);
    const endsOpen = this.lines.at(-1)?.end.length === 0;
    if (last && endsOpen) last.end = Buffer.alloc(0);
    return {
      bytes: Buffer.concat(out.flatMap(({ content, end }) => [content, end])),
      diff,
    };
  }

  #remove(section: IniSection): void {
    const first = section.line - 1;
    const last = lastLineOf(section);
    for (let at = first; at <= last; at++) this.#removed.add(at);
    // Of two blank lines that are one behind the other now, one goes.
    const above = this.#standing(first, -1);
    const below = this.#standing(last, 1);
    if (above !== null && !this.#isBlank(above)) return;
    if (below !== null && this.#isBlank(below)) this.#removed.add(below);
    else if (below === null && above !== null) this.#removed.add(above);
  }

  #set(section: IniSection, key: string, value: string | null): void {
    const entry = section.entries.get(key);
    const header = section.line - 1;
    if (entry === undefined) {
      if (value === null) return;
      const text = `${key}${this.#equals([section])}${encodeValue(value)}`;
      const at = this.#behindKeys(section);
      const before = this.#inserted.get(at) ?? [];
      this.#inserted.set(at, [...before, Buffer.from(text)]);
      this.#headers.set(at, header);
      return;
    }
    const at = entry.line - 1;
    this.#headers.set(at, header);
    const content = this.lines[at]?.content;
    if (content === undefined || value === null) this.#removed.add(at);
    else this.#replaced.set(at, withValue(content, encodeValue(value)));
  }

  /** Behind the last key and the comment that goes on below it, which begins with blanks. */
  #behindKeys(section: IniSection): number {
    let at = lastLineOf(section);
    const goesOn = ({ content }: Line) => /^[ \t]+[;#]/.test(latin(content));
    for (let next; (next = this.lines[at + 1]) && goesOn(next);) at++;
    return at;
  }

  /** The next line in that direction that stays; null: there is none. */
  #standing(from: number, step: 1 | -1): number | null {
    let at = from + step;
    while (this.#removed.has(at)) at += step;
    return at in this.lines ? at : null;
  }

  #isBlank(at: number): boolean {
    return isBlank(this.lines[at]?.content ?? Buffer.alloc(0));
  }

  /** As the first key of these is written. */
  #equals(sections: readonly IniSection[]): string {
    for (const { entries } of sections)
      for (const { line } of entries.values()) {
        const text = decode(this.lines[line - 1]?.content ?? Buffer.alloc(0));
        return /^[^=:]*\S[=:]/.test(text) ? "=" : " = ";
      }
    return " = ";
  }
}

function lastLineOf({ line, entries }: IniSection): number {
  const lines = [...entries.values()].map((entry) => entry.line);
  return Math.max(line, ...lines) - 1;
}

/** What stands before the value and behind it stays byte by byte; what is before it is UTF-8, or it would not be read. */
function withValue(content: Buffer, value: string): Buffer {
  const text = decode(content);
  const { from, to } = valueSpan(text);
  const tail = content.subarray(Buffer.byteLength(text.slice(0, to)));
  // A comment that touches the value would be taken for a part that was forgotten to be quoted.
  const gap = /^[;#]/.test(latin(tail)) ? " " : "";
  return Buffer.concat([Buffer.from(text.slice(0, from) + value + gap), tail]);
}

/** The lines as parseIni counts them; no line end is part of another character. */
function linesOf(bytes: Buffer): Line[] {
  const lines: Line[] = [];
  for (let start = 0; start < bytes.length;) {
    let at = start;
    while (at < bytes.length && bytes[at] !== LF && bytes[at] !== CR) at++;
    const isPair = bytes[at] === CR && bytes[at + 1] === LF;
    const next = Math.min(at + (isPair ? 2 : 1), bytes.length);
    lines.push({
      content: bytes.subarray(start, at),
      end: bytes.subarray(at, next),
    });
    start = next;
  }
  return lines;
}

function decode(bytes: Buffer): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}

function latin(bytes: Buffer): string {
  return bytes.toString("latin1");
}

function isBlank(content: Buffer): boolean {
  return decode(content).trim() === "";
}
