// Lists for people: a table; where the screen is too narrow for it, wide cells are wrapped; one card of `key: value` lines
// a row is the last way out. Pure: gets the look, returns text. Cells may hold anything; they are made printable here.

import { Chalk } from "chalk";
import CliTable from "cli-table3";
import { printable } from "../printable.js";
import { wrap } from "./paragraph.js";
import { cutToWidth, padToWidth, textWidth } from "./text-width.js";

export interface Table {
  columns: readonly string[];
  /** as many cells as columns */
  rows: readonly (readonly string[])[];
}

/** How output may look. Without colour there are no borders either. */
export interface Look {
  /** width of the screen; Infinity where lines may have any length */
  columns: number;
  color: boolean;
}

/** Between two columns of a table without borders. */
const GAP = "  ";
/** Where the last column's cells have lines of their own. */
const INDENT = "    ";

/** Only longer words are broken, and only where the table does not fit otherwise; those of the last column never. */
const LONGEST_WORDS = [Infinity, 20, 10];

/** Text without a line end behind it. */
export function renderTable(table: Table, look: Look): string {
  const safe = {
    columns: table.columns,
    rows: table.rows.map((row) => row.map(printable)),
  };
  // Borders are the first thing to go where it gets narrow.
  for (const borders of look.color ? [true, false] : [false]) {
    const grid = renderGrid(safe, look, borders);
    const width = Math.max(...grid.split("\n").map(textWidth));
    if (width <= look.columns) return grid;
  }
  for (const longestWord of LONGEST_WORDS) {
    const beside = renderWrapped(safe, look, { longestWord, below: false });
    const below = renderWrapped(safe, look, { longestWord, below: true });
    // What can be seen at once is read more easily.
    if (beside && below)
      return beside.length <= below.length
        ? beside.join("\n")
        : below.join("\n");
    const only = beside ?? below;
    if (only) return only.join("\n");
  }
  return renderCards(safe, look);
}

/** Lines, or null where it does not fit. `below`: the last column's cells have a line of their own below their row. */
function renderWrapped(
  table: Table,
  look: Look,
  { longestWord, below }: { longestWord: number; below: boolean },
): string[] | null {
  const last = table.columns.length - 1;
  const rest = below ? withoutLast(table) : table;
  // What is told in the last column (a reason, a fingerprint) is copied.
  const widths = shareOut(rest, look.columns, (column) =>
    column === last ? Infinity : longestWord,
  );
  if (widths === null) return null;
  const wrapped = wrapCells(rest, widths);
  const lines = renderGrid(wrapped, look, false).split("\n");
  return below ? withLastBelow(lines, wrapped, table, look) : lines;
}

/** The rows as cards, whatever the width. */
export function renderCards(table: Table, look: Look): string {
  const chalk = new Chalk({ level: look.color ? 1 : 0 });
  const keyWidth = Math.max(...table.columns.map(textWidth)) + 1;
  const indent = " ".repeat(keyWidth + 1);
  const cards = table.rows.map((row) =>
    table.columns
      .map((column, at) => {
        const key = padToWidth(`${column}:`, keyWidth);
        const value = wrap(printable(row[at] ?? ""), look.columns, indent);
        return `${chalk.bold(key)} ${value.trimStart()}`.trimEnd();
      })
      .join("\n"),
  );
  return cards.join("\n\n");
}

function withoutLast({ columns, rows }: Table): Table {
  return {
    columns: columns.slice(0, -1),
    rows: rows.map((row) => row.slice(0, -1)),
  };
}

/** The widths of the columns that together fit: the widest ones give way, but not below their longest word. Null: none do. */
function shareOut(
  { columns, rows }: Table,
  available: number,
  longestWord: (column: number) => number,
): number[] | null {
  const natural = columns.map((title, at) =>
    Math.max(textWidth(title), ...rows.map((row) => textWidth(row[at] ?? ""))),
  );
  const least = columns.map((title, at) =>
    Math.max(
      textWidth(title),
      ...rows
        .flatMap((row) => (row[at] ?? "").split(" "))
        .map((word) => Math.min(textWidth(word), longestWord(at))),
    ),
  );
  const room = available - GAP.length * (columns.length - 1);
  const sum = (widths: number[]) => widths.reduce((all, each) => all + each, 0);
  if (sum(least) > room) return null;
  const widths = [...natural];
  while (sum(widths) > room) {
    const spare = (at: number) => (widths[at] ?? 0) > (least[at] ?? 0);
    const giving = [...widths.keys()].filter(spare);
    const widest = giving.reduce((most, at) =>
      (widths[at] ?? 0) > (widths[most] ?? 0) ? at : most,
    );
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return widths;
}

/** Cells of several lines where they have to be. */
function wrapCells({ columns, rows }: Table, widths: number[]): Table {
  return {
    columns,
    rows: rows.map((row) =>
      row.map((cell, at) => {
        const width = widths[at] ?? Infinity;
        return wrap(cell, width)
          .split("\n")
          .flatMap((line) => cutToWidth(line, width))
          .join("\n");
      }),
    ),
  };
}

/** The lines of a grid, with each row's last cell below it. */
function withLastBelow(
  [head = "", ...lines]: string[],
  wrapped: Table,
  whole: Table,
  look: Look,
): string[] {
  let from = 0;
  return [
    head,
    ...wrapped.rows.flatMap((row, at) => {
      const height = Math.max(...row.map((cell) => cell.split("\n").length));
      const own = lines.slice(from, from + height);
      from += height;
      const last = whole.rows[at]?.at(-1) ?? "";
      if (last === "") return own;
      const text = `${whole.columns.at(-1)}: ${last}`;
      return [...own, wrap(text, look.columns, INDENT)];
    }),
  ];
}

const NO_BORDERS = {
  top: "",
  "top-mid": "",
  "top-left": "",
  "top-right": "",
  bottom: "",
  "bottom-mid": "",
  "bottom-left": "",
  "bottom-right": "",
  left: "",
  "left-mid": "",
  mid: "",
  "mid-mid": "",
  right: "",
  "right-mid": "",
  middle: GAP,
};

function renderGrid(table: Table, look: Look, borders: boolean): string {
  const chalk = new Chalk({ level: look.color ? 1 : 0 });
  const padding = borders ? 1 : 0;
  const grid = new CliTable({
    head: table.columns.map((column) => chalk.bold(column)),
    style: {
      head: [],
      border: [],
      compact: true,
      "padding-left": padding,
      "padding-right": padding,
    },
    ...(borders ? {} : { chars: NO_BORDERS }),
  });
  grid.push(...table.rows.map((row) => [...row]));
  return grid
    .toString()
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
}
