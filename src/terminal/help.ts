// Help in words, made from the table of commands and nothing else.
// Pure: gets the width, returns text.

import { usageOf, type Command } from "./command.js";
import { wrap } from "./paragraph.js";
import { padToWidth, textWidth } from "./text-width.js";

/** The list of commands: usage and what it does, side by side where that fits. */
export function renderHelp(
  commands: readonly Command[],
  columns: number,
): string {
  const rows = commands.map((command): [string, string] => [
    usageOf(command),
    command.doc,
  ]);
  return [
    ...renderPairs(rows, columns),
    "",
    wrap(
      "What is missing on a line is asked for. `help COMMAND` says more; NAME=value gives an argument out of order.",
      columns,
    ),
  ].join("\n");
}

/** One command: usage, what it does, its arguments, examples. */
export function renderCommandHelp(command: Command, columns: number): string {
  const args = Object.values(command.args).map((argument): [string, string] => [
    argument.name.toUpperCase(),
    argument.doc,
  ]);
  if (command.asks)
    args.push(["--yes", "the answer to its question, which is not asked then"]);
  if (command.limited) args.push(["--limit N", "print the first N rows only"]);
  if (command.json)
    args.push(["--json", "print one JSON document instead of a table"]);
  const aliases = command.aliases ?? [];
  const examples = (command.examples ?? []).map((text) => `  ${text}`);
  return [
    usageOf(command),
    wrap(command.doc, columns, "  "),
    ...(command.details ?? []).map((text) => wrap(text, columns, "  ")),
    ...(aliases.length > 0
      ? [wrap(`The same: ${aliases.join(", ")}.`, columns, "  ")]
      : []),
    ...(args.length > 0 ? ["", ...renderPairs(args, columns)] : []),
    ...(examples.length > 0 ? ["", "for example:", ...examples] : []),
  ].join("\n");
}

function renderPairs(
  rows: readonly (readonly [string, string])[],
  columns: number,
): string[] {
  const left = Math.max(...rows.map(([key]) => textWidth(key)));
  const fits = rows.every(([, text]) => left + 4 + textWidth(text) <= columns);
  return rows.flatMap(([key, text]) =>
    fits
      ? [`  ${padToWidth(key, left)}  ${text}`]
      : [wrap(key, columns, "  "), wrap(text, columns, "      ")],
  );
}
