// Prints above the line being typed, which may be longer than one row, and puts that line back.
// Owned by the terminal; the only place that depends on how readline redraws. A dumb screen's line is the system's own:
// nothing is known of what was typed, so what is printed begins below it, and the prompt is put below that.

import { clearScreenDown, cursorTo, moveCursor } from "node:readline";
import type { Interface } from "node:readline";
import type { Screen } from "../screen/screen.js";

/** Text without a line end behind it; afterwards prompt, line and cursor are as before. */
export function printAbove(
  line: Interface,
  output: NodeJS.WritableStream,
  text: string,
): void {
  if (!line.terminal) {
    leaveLine(line, output);
    output.write(`${text}\n`);
    line.prompt();
    return;
  }
  const rows = clearLine(line, output);
  // readline redraws from as many rows higher as its cursor stood below the prompt's first
  // row: the empty lines are what it climbs over, instead of over the text.
  output.write(`${text}\n${"\n".repeat(climbOf(line) ?? rows)}`);
  line.prompt(true);
}

/** Takes the line being typed off the screen; returns in which of its rows the cursor was. */
export function clearLine(
  line: Interface,
  output: NodeJS.WritableStream,
): number {
  if (!line.terminal) {
    leaveLine(line, output);
    return 0;
  }
  const { rows } = line.getCursorPos();
  if (rows > 0) moveCursor(output, 0, -rows);
  cursorTo(output, 0);
  clearScreenDown(output);
  return rows;
}

function leaveLine(line: Interface, output: NodeJS.WritableStream): void {
  if (line.getPrompt() !== "") output.write("\n");
}

// The rows of readline's newest redraw. Nothing in its documented face tells them, and they
// are not the cursor's rows after a paste, which is written without a redraw.
function climbOf(line: Interface & { prevRows?: number }): number | undefined {
  return line.prevRows;
}

/**
 * The window has a new width. readline goes up by the rows of before, and erases from there. Where the terminal has broken
 * the line anew, it is as many rows as it has at the new width now. Where it has cut it, the rows are as they were; of a
 * wider one it goes up by the lesser number, so that it never erases what stands above. Call it before readline hears of the new size.
 */
export function keepAbove(
  line: Interface & { prevRows?: number },
  { breaksAnew, columns }: Pick<Screen, "breaksAnew" | "columns">,
  columnsBefore: number,
): void {
  const { rows, cols } = line.getCursorPos();
  // Behind a full last row the cursor has a row of its own only where readline has written a blank there: before, it was one, too.
  const isBehindLast = cols === 0 && line.cursor === line.line.length;
  const hasOwnRow = !isBehindLast || (rows * columns) % columnsBefore === 0;
  const broken = rows > 0 && !hasOwnRow ? rows - 1 : rows;
  line.prevRows = breaksAnew ? broken : Math.min(line.prevRows ?? 0, rows);
}
