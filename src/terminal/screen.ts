// Prints above the line being typed, which may be longer than one row, and puts that line back.
// Owned by the terminal; the only place that depends on how readline redraws.

import { clearScreenDown, cursorTo, moveCursor } from "node:readline";
import type { Interface } from "node:readline";

/** Text without a line end behind it; afterwards prompt, line and cursor are as before. */
export function printAbove(
  line: Interface,
  output: NodeJS.WritableStream,
  text: string,
): void {
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
  const { rows } = line.getCursorPos();
  if (rows > 0) moveCursor(output, 0, -rows);
  cursorTo(output, 0);
  clearScreenDown(output);
  return rows;
}

// The rows of readline's newest redraw. Nothing in its documented face tells them, and they
// are not the cursor's rows after a paste, which is written without a redraw.
function climbOf(line: Interface & { prevRows?: number }): number | undefined {
  return line.prevRows;
}

/**
 * When the window becomes wider, what took two rows may take one, and readline, which goes up by the rows of before, would
 * erase what stands above. Call it before readline hears of the new size.
 */
export function keepAbove(line: Interface & { prevRows?: number }): void {
  line.prevRows = Math.min(line.prevRows ?? 0, line.getCursorPos().rows);
}
