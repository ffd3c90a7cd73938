// Outline → INI text that src/config reads back as it was meant. Pure. Whatever
// a name contains, it stays inside its value, its brackets or its comment.

import { encodeValue } from "../config/ini-value.js";
import { isPrintable, printable } from "../printable.js";
import { commentText, type Comment, type Entry, type Item } from "./outline.js";

const COMMENT_COLUMNS = 100;

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
      for (const line of linesOf(item.sketch))
        lines.push(`; ${line}`.trimEnd());
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
  // A file has no escapes: what cannot be shown is written out, as in a message.
  return `${key}=${encodeValue(printable(String(value)))}`;
}

function commentLines(comment: Comment): string[] {
  const safe = printable(commentText(comment));
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
