// YAML in which the further keys of a list item are indented deeper than its
// first one, as port-proxy's own document has it → the same with indentation
// that YAML accepts. Pure; knows plain lines only, and gives up on all others.

interface Level {
  readonly kind: "mapping" | "list";
  /** the column in the source; of an item's mapping, settled by its second key */
  column: number;
  isSettled: boolean;
  readonly indent: number;
  /** the last key has a value in its line, so what stands deeper is no part of it */
  isClosed: boolean;
}

const KEY = /^[^\s:#&*!|>'"%@`[\]{},-][^:#]*:(?:\s(.*))?$/s;

/** The same lines, line by line; null where it cannot tell what was meant. */
export function reindent(text: string): string | null {
  const levels: Level[] = [];
  const lines: string[] = [];
  for (const raw of text.split(/\r?\n/)) {
    const content = raw.trim();
    if (content === "" || content.startsWith("#")) {
      lines.push("");
      continue;
    }
    const column = raw.search(/\S/);
    if (raw.slice(0, column).includes("\t")) return null;
    const line = content.startsWith("- ")
      ? placeItem(levels, column, content)
      : placeKey(levels, column, content);
    if (line === null) return null;
    lines.push(line);
  }
  return lines.join("\n");
}

function placeItem(
  levels: Level[],
  column: number,
  content: string,
): string | null {
  leave(levels, column);
  let list = levels.at(-1);
  if (list?.kind !== "list" || list.column !== column) {
    // A list may stand at the column of its key, or deeper; the key has no value then.
    if (list !== undefined && (list.kind === "list" || list.isClosed))
      return null;
    list = open(levels, "list", column, (list?.indent ?? -2) + 2);
  }
  const rest = content.slice(1).trimStart();
  const at = column + content.length - rest.length;
  const mapping = open(levels, "mapping", at, list.indent + 2);
  mapping.isSettled = false;
  return placeIn(mapping, rest, `${" ".repeat(list.indent)}- `);
}

function placeKey(
  levels: Level[],
  column: number,
  content: string,
): string | null {
  leave(levels, column);
  if (levels.at(-1)?.kind === "list" && levels.at(-1)?.column === column)
    levels.pop();
  let mapping = levels.at(-1);
  if (mapping?.kind === "list") return null;
  if (mapping?.column !== column) {
    if (mapping?.isClosed === true) {
      if (mapping.isSettled) return null;
      mapping.column = column;
    } else
      mapping = open(levels, "mapping", column, (mapping?.indent ?? -2) + 2);
  }
  mapping.isSettled = true;
  return placeIn(mapping, content, " ".repeat(mapping.indent));
}

/** Null: not `key:` or `key: value`. */
function placeIn(
  mapping: Level,
  content: string,
  before: string,
): string | null {
  const match = KEY.exec(content);
  if (match === null) return null;
  const value = (match[1] ?? "").trim();
  // A block of text would have lines of its own that are no keys.
  if (/^[|>&*!]/.test(value)) return null;
  mapping.isClosed = value !== "" && !value.startsWith("#");
  return before + content;
}

function leave(levels: Level[], column: number): void {
  while ((levels.at(-1)?.column ?? -1) > column) levels.pop();
}

function open(
  levels: Level[],
  kind: Level["kind"],
  column: number,
  indent: number,
): Level {
  const level = { kind, column, indent, isSettled: true, isClosed: false };
  levels.push(level);
  return level;
}
