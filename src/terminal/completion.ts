// What TAB offers: command words, then what the next argument suggests, all from the table of commands.
// Asks the node only for what it knows already; never throws. Waits only for the names of files, and not for long.

import type { NodeControl } from "../node/control.js";
import { bindWords, matchCommand } from "./command-line.js";
import type { Argument, Command } from "./command.js";
import { fileNames } from "./file-names.js";
import { isPrintable } from "../printable.js";
import { quoteWord, splitLine } from "./words.js";

/** As readline wants it: the candidates, and the part of the line that they replace. */
export async function complete(
  commands: readonly Command[],
  control: NodeControl,
  line: string,
): Promise<[string[], string]> {
  const { words, touching } = splitLine(line);
  const done = touching ? words.slice(0, -1) : words;
  const last = touching ? words.at(-1) : undefined;
  const raw = last ? line.slice(last.start) : "";
  const quoting = raw.startsWith('"') || raw.startsWith("'");
  const prefix = quoting ? `"${raw.slice(1)}` : raw;

  const offered = new Set<string>();
  const command = matchCommand(commands, done);
  for (const word of commandWords(commands, done))
    if (word.startsWith(prefix.toLowerCase())) offered.add(word);
  if (command) {
    const rest = done.slice(command.name.split(" ").length);
    const wanted = rest.filter((word) => !word.text.startsWith("--"));
    const next = nextArguments(command, wanted);
    const suggested = next.flatMap((each) => each.suggest?.(control) ?? []);
    const files = next.some(({ isFile }) => isFile === true)
      ? await fileNames(last?.text ?? "")
      : [];
    for (const word of [...suggested, ...files]) {
      const quoted = quoteWord(word, quoting);
      // What has a blank in it may have been begun without the quote that it needs.
      const fits = quoted.startsWith(prefix) || word.startsWith(raw);
      if (fits && word !== "" && isPrintable(word)) offered.add(quoted);
    }
    if (command.json && "--json".startsWith(raw) && raw !== "")
      offered.add("--json");
  }
  const hits = [...offered].sort();
  const [only] = hits;
  return only !== undefined && hits.length === 1
    ? [[finished(only)], raw]
    : [hits, raw];
}

/** A single hit is finished, so the next word can be typed at once; a folder goes on. */
function finished(word: string): string {
  if (word.endsWith("/")) return word;
  return word.endsWith('/"') ? word.slice(0, -1) : `${word} `;
}

/** The words that may stand next in the name of a command. */
function commandWords(
  commands: readonly Command[],
  done: readonly { text: string }[],
): string[] {
  const typed = done.map((word) => word.text.toLowerCase());
  return commands.flatMap(({ name }) => {
    const parts = name.split(" ");
    const isTyped = typed.every((text, at) => parts[at] === text);
    return isTyped ? parts.slice(typed.length, typed.length + 1) : [];
  });
}

function nextArguments(
  command: Command,
  words: Parameters<typeof bindWords>[1],
): Argument<unknown>[] {
  try {
    return bindWords(command, words).next.flatMap(
      (key) => command.args[key] ?? [],
    );
  } catch {
    return []; // the line is already wrong; Enter says how
  }
}
