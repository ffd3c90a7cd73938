// Draws a question: the rows with the answer being typed, and rows below them; each time all of it, in one write. On a dumb
// terminal, which cannot be drawn on, it writes on: what is typed, a new row where something was changed.
// Owned by one question; knows where its rows stand on the screen, also when the window's size has changed.

import type { Screen } from "../screen/screen.js";
import { textWidth } from "./text-width.js";

export interface Frame {
  /** in front of the answer */
  label: readonly Piece[];
  /** as it is shown: stars, perhaps */
  answer: Piece;
  /** code units of the answer in front of the cursor */
  cursor: number;
  /** finished rows below, narrower than the screen */
  below: readonly string[];
}

export interface Piece {
  text: string;
  /** puts the colour around it, where it has one */
  paint?: (text: string) => string;
}

interface Row {
  from: number;
  to: number;
  width: number;
}

/** Rows of the window that are never drawn over. */
const SPARE_ROWS = 1;

export class AnswerFrame {
  /** widths of the rows drawn above the cursor's, and the cursor's column */
  private drawn: { above: number[]; column: number } = { above: [], column: 0 };
  /** on a dumb terminal: what stands in the row */
  private written: string | null = null;

  constructor(
    private readonly output: NodeJS.WritableStream,
    private readonly screen: Screen,
  ) {}

  draw(frame: Frame): void {
    if (this.screen.isDumb) this.write(frame);
    else this.output.write(this.toTop() + this.textOf(frame));
  }

  /** The screen is empty; the next drawing begins at its top. */
  clear(): void {
    if (this.screen.isDumb) return;
    this.output.write("\x1b[H\x1b[2J");
    this.drawn = { above: [], column: 0 };
  }

  /** The last drawing; what is written then stands below it. */
  finish(frame: Frame): void {
    if (this.screen.isDumb) {
      this.write(frame);
      this.output.write("\n");
      return;
    }
    const { rows } = layOut(frame, this.width);
    const lines = rows.map((row) => paint(frame, row));
    this.output.write(`${this.toTop()}${lines.join("\n")}\n`);
    this.drawn = { above: [], column: 0 };
  }

  /** Behind the last column a terminal's cursor has no place of its own. */
  private get width(): number {
    const { columns } = this.screen;
    return Number.isFinite(columns) ? Math.max(1, columns - 1) : Infinity;
  }

  /** Goes to the first row drawn and erases from there; a window made narrower has broken the rows. */
  private toTop(): string {
    const { above, column } = this.drawn;
    const { breaksAnew } = this.screen;
    // One that cuts its rows has as many as before.
    const columns = breaksAnew ? this.screen.columns : Infinity;
    const broken = above.map((width) =>
      Math.max(1, Math.ceil(width / columns)),
    );
    const rows = broken.reduce(
      (sum, each) => sum + each,
      Math.floor(column / columns),
    );
    return `${rows > 0 ? `\x1b[${rows}A` : ""}\r\x1b[J`;
  }

  private textOf(frame: Frame): string {
    const { rows, at, column } = layOut(frame, this.width);
    const room = Math.max(1, this.screen.rows - SPARE_ROWS);
    const below = frame.below.slice(0, Math.max(0, room - 1));
    const space = Math.max(1, room - below.length);
    // Of an answer higher than the window what is around the cursor.
    const top = Math.max(0, Math.min(at, rows.length - 1) - space + 1);
    const seen = rows.slice(top, top + space);
    const row = at - top;
    const lines = seen.map((each) => paint(frame, each));
    const up = seen.length - 1 - row + below.length;
    this.drawn = {
      above: seen.slice(0, row).map(({ width }) => width),
      column,
    };
    return (
      [...lines, ...below].join("\n") +
      (up > 0 ? `\x1b[${up}A` : "") +
      `\r${column > 0 ? `\x1b[${column}C` : ""}`
    );
  }

  private write(frame: Frame): void {
    const { below } = frame;
    const label = labelOf(frame);
    const answer = frame.answer.text;
    const before = this.written;
    this.written = answer;
    let text: string;
    if (before === null || below.length > 0)
      text = [...below, label + answer].join("\n");
    else if (answer.startsWith(before)) text = answer.slice(before.length);
    else text = label + answer;
    const isNewRow =
      before !== null && (below.length > 0 || !answer.startsWith(before));
    if (isNewRow) text = `\n${text}`;
    if (text !== "") this.output.write(text);
  }
}

function labelOf({ label }: Frame): string {
  return label.map(({ text }) => text).join("");
}

/** Rows of at most `width` columns, and where the cursor is in them. */
function layOut(frame: Frame, width: number) {
  const label = labelOf(frame);
  const target = label.length + frame.cursor;
  const rows: Row[] = [];
  let row: Row = { from: 0, to: 0, width: 0 };
  const next = () => {
    rows.push(row);
    row = { from: row.to, to: row.to, width: 0 };
  };
  let [at, column] = [0, 0];
  for (const character of label + frame.answer.text) {
    const own = textWidth(character);
    if (row.width + own > width && row.width > 0) next();
    if (row.to === target) [at, column] = [rows.length, row.width];
    row.to += character.length;
    row.width += own;
  }
  if (row.to <= target) {
    // The cursor's own cell has to fit, too.
    if (row.width >= width && row.width > 0) next();
    [at, column] = [rows.length, row.width];
  }
  rows.push(row);
  return { rows, at, column };
}

function paint({ label, answer }: Frame, { from, to }: Row): string {
  let start = 0;
  let painted = "";
  for (const { text, paint = (plain: string) => plain } of [...label, answer]) {
    const part = text.slice(Math.max(0, from - start), Math.max(0, to - start));
    if (part !== "") painted += paint(part);
    start += text.length;
  }
  return painted;
}
