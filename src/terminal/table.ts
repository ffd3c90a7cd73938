// Lists for people: a table where it fits, one card of `key: value` lines a row where it does not.
// Pure: gets the look, returns text. Cells may hold anything; they are made printable here.

import { Chalk } from "chalk";
import CliTable from "cli-table3";
import { printable } from "../printable.js";
import { padToWidth, textWidth } from "./text-width.js";

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
  return renderCards(safe, look);
}

/** The rows as cards, whatever the width. */
export function renderCards(table: Table, look: Look): string {
  const chalk = new Chalk({ level: look.color ? 1 : 0 });
  const keyWidth = Math.max(...table.columns.map(textWidth)) + 1;
  const cards = table.rows.map((row) =>
    table.columns
      .map((column, at) => {
        const key = padToWidth(`${column}:`, keyWidth);
        return `${chalk.bold(key)} ${printable(row[at] ?? "")}`.trimEnd();
      })
      .join("\n"),
  );
  return cards.join("\n\n");
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
  middle: "  ",
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
