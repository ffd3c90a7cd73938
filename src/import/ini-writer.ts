// Outline → INI text that src/config reads back as it was meant. Pure. Whatever
// a name contains, it stays inside its value, its brackets or its comment.

import { isPrintable, printable, printableJson } from "../printable.js";
import type { Comment, Entry, Item } from "./outline.js";

const COMMENT_COLUMNS = 100;
const COMMENT_CHARACTERS_MAX = 1000;

// Everything else goes between quotes.
const BARE = /^[\p{L}\p{N}_./:@+-]+$/u;

/** The lines of a configuration, with a line end behind the last one. */
export function writeIni(items: readonly Item[]): string {
  return `${linesOf(items).join("\n")}\n`;
}

function linesOf(items: readonly Item[]): string[] {
  const lines: string[] = [];
  const leaveBlank = () => {
    if (lines.length > 0 && lines.at(-1) !== "") lines.push("");
  };
  let before: "comment" | "section" | "sketch" | undefined;
  for (const item of items) {
    const kind =
      "comment" in item ? "comment" : "sketch" in item ? "sketch" : "section";
    const isNewPart = before === "section" || before === "sketch";
    if (kind === "section" || (isNewPart && kind === "comment")) leaveBlank();
    if ("comment" in item) lines.push(...commentLines(item));
    else if ("sketch" in item)
      lines.push(...linesOf(item.sketch).map((line) => `; ${line}`.trimEnd()));
    else {
      lines.push(`[${title(item.title)}]`);
      for (const line of item.lines)
        lines.push(
          ...("comment" in line ? commentLines(line) : [entryLine(line)]),
        );
    }
    before = kind;
  }
  return lines;
}

/** A title has no quotes and no escapes; labels.ts makes only such as need none. */
function title(text: string): string {
  if (!isPrintable(text) || text.includes("]"))
    throw new Error(`no section can have the title ${JSON.stringify(text)}`);
  return text;
}

function entryLine({ key, value }: Entry): string {
  const text = String(value);
  return `${key}=${BARE.test(text) ? text : quote(text)}`;
}

/** In double quotes with JSON's escapes, as config/ini.ts reads it. */
function quote(text: string): string {
  return printableJson(text);
}

function commentLines({ comment }: Comment): string[] {
  const cut =
    comment.length > COMMENT_CHARACTERS_MAX
      ? `${comment.slice(0, COMMENT_CHARACTERS_MAX)}…`
      : comment;
  const safe = printable(cut);
  const lines: string[] = [];
  let line = "";
  for (const word of safe.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > COMMENT_COLUMNS) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  lines.push(line);
  return lines.map((each) => `; ${each}`.trimEnd());
}
