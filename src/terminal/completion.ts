// What TAB offers: command words, then what the next argument suggests, all from the table of commands.
// Asks the node only for what it knows already; never throws, never waits.

import type { NodeControl } from "../node/control.js";
import { bindWords, matchCommand } from "./command-line.js";
import type { Command } from "./command.js";
import { isPrintable } from "../printable.js";
import { quoteWord, splitLine } from "./words.js";

/** As readline wants it: the candidates, and the part of the line that they replace. */
export function complete(
  commands: readonly Command[],
  control: NodeControl,
  line: string,
): [string[], string] {
  const { words, touching } = splitLine(line);
  const done = touching ? words.slice(0, -1) : words;
  const last = touching ? words.at(-1) : undefined;
  const raw = last ? line.slice(last.start) : "";
  const quoting = raw.startsWith('"') || raw.startsWith("'");

  const offered = new Set<string>();
  const typed = done.map((word) => word.text);
  for (const { name } of commands) {
    const parts = name.split(" ");
    const next = parts[typed.length];
    if (next !== undefined && typed.every((text, at) => parts[at] === text))
      offered.add(next);
  }
  const command = matchCommand(commands, done);
  if (command) {
    const rest = done.slice(command.name.split(" ").length);
    const wanted = rest.filter((word) => !word.text.startsWith("--"));
    for (const word of suggestionsOf(command, wanted, control))
      offered.add(quoteWord(word, quoting));
    if (command.json && raw.startsWith("-")) offered.add("--json");
  }
  const prefix = quoting ? `"${raw.slice(1)}` : raw;
  const hits = [...offered].filter((word) => word.startsWith(prefix)).sort();
  const [only] = hits;
  // A single hit is finished, so the next word can be typed at once.
  return only !== undefined && hits.length === 1
    ? [[`${only} `], raw]
    : [hits, raw];
}

function suggestionsOf(
  command: Command,
  words: Parameters<typeof bindWords>[1],
  control: NodeControl,
): string[] {
  try {
    return bindWords(command, words)
      .next.flatMap((key) => command.args[key]?.suggest?.(control) ?? [])
      .filter((word) => word !== "" && isPrintable(word));
  } catch {
    return []; // the line is already wrong; Enter says how
  }
}
