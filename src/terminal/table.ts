// Lists for people: a table; where the screen is too narrow for it, wide cells are wrapped; one card of `key: value` lines
// a row is the last way out. Pure: gets the look, returns text, in portions. Cells may hold anything; they are made printable here.

import { Chalk } from "chalk";
import { printable } from "../printable.js";
import { wrap } from "./paragraph.js";
import { collect, inPortions } from "./portions.js";
import { cutToWidth, padToWidth, textWidth } from "./text-width.js";

export interface Table {
  columns: readonly string[];
  /** as many cells as columns; may be made one by one, as they are asked for */
  rows: Iterable<readonly string[]>;
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

/** A terminal takes some kilobytes; whoever writes more to it at once waits for its program, and with him everything. */
const BLOCK_LINES = 32;

/** Only longer words are broken, and only where the table does not fit otherwise; those of the last column never. */
const LONGEST_WORDS = [Infinity, 20, 10];

type Row = readonly string[];

/** A way to draw a table: the lines in front, those of each row, and those behind. */
interface Layout {
  head: readonly string[];
  row: (row: Row) => string[];
  foot: readonly string[];
}

/** Blocks of whole lines, without a line end behind the last one. Rejects with Cancelled when `signal` is aborted. */
export async function* renderTable(
  table: Table,
  look: Look,
  signal?: AbortSignal,
): AsyncGenerator<string, void, undefined> {
  const sizes = new Sizes(table.columns);
  const rows = await collect(sizes.measured(table.rows), signal);
  const { head, row, foot } = await chooseLayout(sizes, rows, look, signal);
  yield* inBlocks(flatten(head, rows, row, foot), signal);
}

/** The rows as cards, whatever the width. */
export async function* renderCards(
  { columns, rows }: Table,
  look: Look,
  signal?: AbortSignal,
): AsyncGenerator<string, void, undefined> {
  const { row } = cards(columns, look);
  yield* inBlocks(flatten([], rows, row, []), signal);
}

async function* inBlocks(
  lines: Iterable<string>,
  signal: AbortSignal | undefined,
): AsyncGenerator<string, void, undefined> {
  for await (const portion of inPortions(lines, signal, BLOCK_LINES))
    yield portion.join("\n");
}

function* flatten(
  head: readonly string[],
  rows: Iterable<Row>,
  draw: Layout["row"],
  foot: readonly string[],
): Generator<string> {
  yield* head;
  for (const row of rows) yield* draw(row);
  yield* foot;
}

/** How wide the cells of each column are, and the words in them. */
class Sizes {
  private readonly widest: number[];
  private readonly longestWord: number[];

  constructor(readonly columns: readonly string[]) {
    this.widest = columns.map(textWidth);
    this.longestWord = columns.map(textWidth);
  }

  /** The rows, printable, each measured as it passes. */
  *measured(rows: Iterable<Row>): Generator<Row> {
    for (const row of rows) {
      const cells = this.columns.map((_, at) => printable(row[at] ?? ""));
      for (const [at, cell] of cells.entries()) this.measure(cell, at);
      yield cells;
    }
  }

  /** The widths that the columns have by themselves. */
  get natural(): readonly number[] {
    return this.widest;
  }

  /**
   * The widths of the first `count` columns that together fit: the widest ones give way, but not below their longest word,
   * or the part of it that is not broken. Null: none do.
   */
  sharedOut(
    count: number,
    available: number,
    longestWord: number,
  ): number[] | null {
    const last = this.columns.length - 1;
    const widths = this.widest.slice(0, count);
    // What is told in the last column (a reason, a fingerprint) is copied.
    const least = widths.map((_, at) =>
      Math.max(
        textWidth(this.columns[at] ?? ""),
        Math.min(
          this.longestWord[at] ?? 0,
          at === last ? Infinity : longestWord,
        ),
      ),
    );
    const room = available - GAP.length * (count - 1);
    if (sum(least) > room) return null;
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

  private measure(cell: string, at: number): void {
    const width = textWidth(cell);
    if (width > (this.widest[at] ?? 0)) this.widest[at] = width;
    if (width <= (this.longestWord[at] ?? 0)) return;
    for (const word of cell.split(" "))
      this.longestWord[at] = Math.max(
        this.longestWord[at] ?? 0,
        textWidth(word),
      );
  }
}

/** Borders are the first thing to go where it gets narrow, then the widths of wide cells. */
async function chooseLayout(
  sizes: Sizes,
  rows: readonly Row[],
  look: Look,
  signal: AbortSignal | undefined,
): Promise<Layout> {
  const { columns, natural } = sizes;
  const inner = sum(natural);
  if (look.color && inner + 3 * columns.length + 1 <= look.columns)
    return bordered(columns, natural, look);
  if (inner + GAP.length * (columns.length - 1) <= look.columns)
    return beside(columns, natural, look);
  for (const longestWord of LONGEST_WORDS) {
    const all = sizes.sharedOut(columns.length, look.columns, longestWord);
    const first = sizes.sharedOut(
      columns.length - 1,
      look.columns,
      longestWord,
    );
    const wide = all && beside(columns, all, look);
    const high = first && below(columns, first, look);
    // What can be seen at once is read more easily.
    if (wide && high)
      return (await height(wide, rows, signal)) <=
        (await height(high, rows, signal))
        ? wide
        : high;
    const only = wide ?? high;
    if (only) return only;
  }
  return cards(columns, look);
}

/** How many lines it takes. */
async function height(
  { row: draw }: Layout,
  rows: readonly Row[],
  signal: AbortSignal | undefined,
): Promise<number> {
  let lines = 0;
  const heights = function* () {
    for (const row of rows) yield draw(row).length;
  };
  for await (const portion of inPortions(heights(), signal))
    lines += sum(portion);
  return lines;
}

/** A line around each cell. */
function bordered(
  columns: readonly string[],
  widths: readonly number[],
  look: Look,
): Layout {
  const rule = (left: string, cross: string, right: string) =>
    left + widths.map((width) => "─".repeat(width + 2)).join(cross) + right;
  const row = (cells: Row) =>
    `│${widths.map((width, at) => ` ${padToWidth(cells[at] ?? "", width)} `).join("│")}│`;
  return {
    head: [
      rule("┌", "┬", "┐"),
      row(titles(columns, look)),
      rule("├", "┼", "┤"),
    ],
    row: (cells) => [row(cells)],
    foot: [rule("└", "┴", "┘")],
  };
}

/** Cells beside each other, of several lines where they have to be. */
function beside(
  columns: readonly string[],
  widths: readonly number[],
  look: Look,
): Layout {
  return {
    head: [besideLine(titles(columns, look), widths)],
    row: (cells) => {
      const wrapped = widths.map((width, at) =>
        cellLines(cells[at] ?? "", width),
      );
      const lines = Math.max(1, ...wrapped.map((each) => each.length));
      return Array.from({ length: lines }, (_, line) =>
        besideLine(
          wrapped.map((each) => each[line] ?? ""),
          widths,
        ),
      );
    },
    foot: [],
  };
}

/** The last cell of a row has a line of its own below it. */
function below(
  columns: readonly string[],
  widths: readonly number[],
  look: Look,
): Layout {
  const rest = beside(columns.slice(0, -1), widths, look);
  const title = columns.at(-1) ?? "";
  return {
    ...rest,
    row: (cells) => {
      const own = rest.row(cells);
      const last = cells[columns.length - 1] ?? "";
      if (last === "") return own;
      const text = `${title}: ${last}`;
      return [...own, ...wrap(text, look.columns, INDENT).split("\n")];
    },
  };
}

/** A line for each cell, an empty one between two rows. */
function cards(columns: readonly string[], look: Look): Layout {
  const keyWidth = Math.max(...columns.map(textWidth)) + 1;
  const indent = " ".repeat(keyWidth + 1);
  const keys = titles(
    columns.map((column) => padToWidth(`${column}:`, keyWidth)),
    look,
  );
  let isFirst = true;
  return {
    head: [],
    row: (cells) => {
      const lines = keys.flatMap((key, at) => {
        const value = wrap(printable(cells[at] ?? ""), look.columns, indent);
        return `${key} ${value.trimStart()}`.trimEnd().split("\n");
      });
      const gap = isFirst ? [] : [""];
      isFirst = false;
      return [...gap, ...lines];
    },
    foot: [],
  };
}

function titles(columns: readonly string[], { color }: Look): string[] {
  const chalk = new Chalk({ level: color ? 1 : 0 });
  return columns.map((column) => chalk.bold(column));
}

function besideLine(cells: Row, widths: readonly number[]): string {
  return widths
    .map((width, at) => padToWidth(cells[at] ?? "", width))
    .join(GAP)
    .trimEnd();
}

function cellLines(cell: string, width: number): string[] {
  if (textWidth(cell) <= width) return [cell];
  return wrap(cell, width)
    .split("\n")
    .flatMap((line) => cutToWidth(line, width));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, each) => all + each, 0);
}
