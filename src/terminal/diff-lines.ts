// A line of a difference, as people know it from other programs: + in green, - in red. Pure.

import { Chalk } from "chalk";
import type { DiffLine } from "../config/ini-edit.js";
import { printable } from "../printable.js";
import { wrap } from "./paragraph.js";
import type { Look } from "./table.js";

export function formatDiffLine(
  { sign, text }: DiffLine,
  { color, columns }: Look,
): string {
  const chalk = new Chalk({ level: color ? 1 : 0 });
  const line = wrap(`${sign} ${printable(text)}`.trimEnd(), columns);
  if (sign === " ") return line;
  return sign === "+" ? chalk.green(line) : chalk.red(line);
}
