// Prints above the line being typed, which may be longer than one row, and puts that line back.
// Owned by the terminal; the only place that depends on how readline redraws. A dumb screen's line is the system's own:
// nothing is known of what was typed, so what is printed begins below it, and the prompt is put below that.

import { clearScreenDown, cursorTo, moveCursor } from "node:readline";
import type { Interface } from "node:readline";

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
 * When the window becomes wider, what took two rows may take one, and readline, which goes up by the rows of before, would
 * erase what stands above. Call it before readline hears of the new size.
 */
export function keepAbove(line: Interface & { prevRows?: number }): void {
  line.prevRows = Math.min(line.prevRows ?? 0, line.getCursorPos().rows);
}
