// Breaks text between words so that it fits a screen. Pure.

import { textWidth } from "./text-width.js";

/** Lines of at most `columns`, each behind `indent`; a longer word stands alone. */
export function wrap(text: string, columns: number, indent = ""): string {
  if (columns === Infinity) return indent + text;
  // What is indented already stays so, on all its lines.
  const [own] = /^ */.exec(text) ?? [""];
  if (own !== "") return wrap(text.slice(own.length), columns, indent + own);
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (line !== "" && textWidth(indent + longer) > columns) {
      lines.push(line);
      line = word;
    } else line = longer;
  }
  return [...lines, line].map((each) => indent + each).join("\n");
}
