// What `watch` may draw, and what that looks like now: the lines of a command that only looks, run once more.

import { VnetError } from "../errors.js";
import { parseLine } from "./command-line.js";
import type { Command } from "./command.js";
import type { Surroundings } from "./invocation.js";
import type { Look } from "./table.js";

/** Throws VnetError `usage` for a line that cannot be watched. */
export function checkWatchable(
  commands: readonly Command[],
  line: string,
): void {
  const parsed = parseLine(commands, line);
  const watchable = commands.filter(isWatchable);
  const list = watchable.map(({ name }) => name).join(", ");
  if (!parsed || parsed.help || !isWatchable(parsed.command))
    throw new VnetError(
      "usage",
      `\`${line}\` cannot be watched: give what only looks, ${list}`,
    );
  if (parsed.json)
    throw new VnetError(
      "usage",
      `watch draws for people: leave out --json, or run \`${line}\` again and again`,
    );
}

export function isWatchable({ looks, json }: Command): boolean {
  return looks === true && json === true;
}

/** What the surroundings of a watched line are; the lines that it prints come into `lines`. */
export function drawnInto(
  lines: string[],
  surroundings: Surroundings,
  { look, signal }: { look: Look & { rows: number }; signal: AbortSignal },
): Surroundings {
  const { sheet: _, ...others } = surroundings;
  return {
    ...others,
    signal,
    // Of the screen that it is drawn on; the output of others may go elsewhere.
    look: () => look,
    mostRows: look.rows,
    ask: null,
    watch: null,
    write: (text) => void lines.push(...text.split("\n")),
    writeLine: async (pieces) => {
      let line = "";
      for await (const piece of pieces) line += piece;
      lines.push(line);
    },
  };
}
