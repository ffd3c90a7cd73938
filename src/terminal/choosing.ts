// A question whose answer is one row of a list below it. What is typed narrows the list down, or is the answer itself: a
// number, a name that stands there, anything that no row has. A screenful at most is drawn; on a dumb terminal the list is
// printed once, and the question put behind it.

import { Chalk } from "chalk";
import { VnetError } from "../errors.js";
import { printable } from "../printable.js";
import { isNumber, someOf } from "./arguments.js";
import { ask, type PromptStreams } from "./asking.js";
import type { Argument, Choice, Scope } from "./command.js";
import type { Key } from "./history-search.js";
import { Pattern } from "./pattern.js";
import { cutToWidth, padToWidth, textWidth } from "./text-width.js";

const INDENT = "    ";
const MARKED = "  > ";
/** More are no help: whoever looks for something types. */
const ROWS_MAX = 12;
/** the question itself, a row of an error, how many more there are, and one that is spare */
const OTHER_ROWS = 5;
const DUMB_ROWS = 20;
/** An info may be long, and names, too. */
const CELL_WIDTH_MAX = 30;

/** The argument's value. Rejects with Cancelled. */
export function askChoice<T>(
  argument: Argument<T>,
  choices: readonly Choice[],
  scope: Scope,
  streams: PromptStreams,
): Promise<T> {
  const { output, screen } = streams;
  const exact = new Set(argument.suggest?.(scope.control));
  const list = new ChoiceList(choices, exact, streams);
  if (screen.isDumb) {
    const rows = list.plainRows(DUMB_ROWS, Math.max(1, screen.columns - 1));
    output.write(`${rows.join("\n")}\n`);
  }
  const label = `${INDENT}${printable(argument.ask)}: `;
  return ask(
    {
      label: [{ text: label }],
      finalLabel: label,
      hidden: false,
      offered: [],
      read(text) {
        const shown = list.taken(text)?.text() ?? text;
        return { value: argument.parse(shown, scope), shown };
      },
      press: (key, text) => list.press(key, text),
      below: (text, width) => (screen.isDumb ? [] : list.rowsFor(text, width)),
    },
    streams,
  );
}

function emptyRow(width: number): string[] {
  return cutToWidth(`${INDENT}there is none to choose from just now`, width);
}

class ChoiceList {
  private readonly chalk;
  private text = "";
  private hits: readonly Choice[];
  private marked = 0;
  /** the mark was moved by hand: it wins over what is typed */
  private isMoved = false;

  constructor(
    private readonly choices: readonly Choice[],
    private readonly exact: ReadonlySet<string>,
    private readonly streams: PromptStreams,
  ) {
    this.chalk = new Chalk({ level: streams.screen.color ? 1 : 0 });
    this.hits = choices;
  }

  /** null: what is typed is meant as it is. Throws VnetError where nothing is marked and several rows fit. */
  taken(text: string): Choice | null {
    this.narrow(text);
    const { hits, marked } = this;
    if (this.isMeantAsItIs) return null;
    if (!this.streams.screen.isDumb) return hits[marked] ?? null;
    if (text === "" || hits.length === 0) return null;
    if (hits.length > 1)
      throw new VnetError(
        "usage",
        `"${text}" fits ${someOf(hits, (hit) => hit.text(), text)}: type more of one`,
      );
    return hits[0] ?? null;
  }

  press({ name = "", ctrl = false, shift = false }: Key, text: string) {
    const step = ctrl
      ? { n: 1, p: -1 }[name]
      : {
          ...{ down: 1, up: -1, tab: shift ? -1 : 1 },
          ...{ pagedown: this.room, pageup: -this.room },
        }[name];
    if (step === undefined || this.streams.screen.isDumb) return false;
    this.narrow(text.trim());
    const last = this.hits.length - 1;
    // The first move away from what is typed goes to the first row.
    const from = this.isMeantAsItIs ? Math.min(-step, 0) : this.marked;
    this.marked = Math.max(0, Math.min(last, from + step));
    this.isMoved = last >= 0;
    return true;
  }

  rowsFor(text: string, width: number): string[] {
    this.narrow(text.trim());
    const { hits, marked, room, chalk } = this;
    if (this.choices.length === 0) return emptyRow(width);
    if (hits.length === 0)
      return cutToWidth(
        `${INDENT}no row has that; Enter takes it as it is written`,
        width,
      );
    const first = Math.max(
      0,
      Math.min(marked - Math.floor(room / 2), hits.length - room),
    );
    const shown = hits.slice(first, first + room);
    const rows = rowsOf(shown, width).map((row, at) =>
      first + at === marked && !this.isMeantAsItIs
        ? chalk.cyan(cut(MARKED + row.slice(MARKED.length), width))
        : row,
    );
    return [...rows, ...moreRow(hits.length - shown.length, width)];
  }

  plainRows(count: number, width: number): string[] {
    const more = this.choices.length - count;
    if (this.choices.length === 0) return emptyRow(width);
    return [
      ...rowsOf(this.choices.slice(0, count), width),
      ...moreRow(more, width),
    ];
  }

  private get room(): number {
    const free = this.streams.screen.rows - OTHER_ROWS;
    return Math.max(1, Math.min(ROWS_MAX, free));
  }

  private get isMeantAsItIs(): boolean {
    const { text, isMoved } = this;
    return !isMoved && (isNumber(text) || this.exact.has(text));
  }

  private narrow(text: string): void {
    if (text === this.text) return;
    const pattern = new Pattern(text);
    // What fits a longer text fits its beginning, too; but a `*` changes what is meant.
    const isNarrower = text.startsWith(this.text) && !text.includes("*");
    const among = isNarrower ? this.hits : this.choices;
    this.hits = among.filter(({ cells }) => pattern.fits(cells));
    this.text = text;
    this.marked = 0;
    this.isMoved = false;
  }
}

/** In columns as wide as these rows need, indented, of at most `width`. */
function rowsOf(choices: readonly Choice[], width: number): string[] {
  const rows = choices.map(({ cells }) =>
    cells.map((cell, at) => {
      const text = printable(cell);
      return at < cells.length - 1 ? cut(text, CELL_WIDTH_MAX) : text;
    }),
  );
  const columns = rows[0]?.length ?? 0;
  const widths = Array.from({ length: columns }, (_, at) =>
    Math.max(...rows.map((cells) => textWidth(cells[at] ?? ""))),
  );
  return rows.map((cells) => {
    const padded = cells.map((cell, at) => padToWidth(cell, widths[at] ?? 0));
    return cut(`${INDENT}${padded.join("  ")}`.trimEnd(), width);
  });
}

function cut(text: string, width: number): string {
  if (textWidth(text) <= width) return text;
  return `${cutToWidth(text, Math.max(1, width - 1))[0] ?? ""}…`;
}

function moreRow(more: number, width: number): string[] {
  if (more <= 0) return [];
  return [cut(`${INDENT}… ${more} more: type a part of one`, width)];
}
