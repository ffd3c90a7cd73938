// What TAB offers: command words, then what the next argument suggests, all from the table of commands.
// Asks the node only for what it knows already; never throws. Of many it offers all; they are looked at in portions.

import type { NodeControl } from "../node/control.js";
import { bindWords, matchCommand } from "./command-line.js";
import type { Argument, Command } from "./command.js";
import { fileNames } from "./file-names.js";
import { isPrintable } from "../printable.js";
import { inPortions, mapped, sorted } from "./portions.js";
import { isWatchable } from "./watched.js";
import { quoteWord, splitLine } from "./words.js";

/** As readline wants it: the candidates, sorted, and the part of the line that they replace. */
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

  const [first] = done;
  // What is wrapped is a line of its own, of commands that may stand there.
  if (first && matchCommand(commands, [first])?.wraps === true)
    return complete(
      commands.filter(isWatchable),
      control,
      line.slice(first.start + first.text.length),
    );

  const offered = new Set<string>();
  const command = matchCommand(commands, done);
  for (const word of commandWords(commands, done))
    if (word.startsWith(prefix.toLowerCase())) offered.add(word);
  if (command) {
    const fits = (word: string): string | null => {
      const quoted = quoteWord(word, quoting);
      // What has a blank in it may have been begun without the quote that it needs.
      const begins = quoted.startsWith(prefix) || word.startsWith(raw);
      return begins && word !== "" && isPrintable(word) ? quoted : null;
    };
    const rest = done.slice(command.name.split(" ").length);
    const wanted = rest.filter((word) => !word.text.startsWith("--"));
    const next = nextArguments(command, wanted);
    for (const each of next)
      for await (const portion of inPortions(
        mapped(each.suggest?.(control) ?? [], fits),
      ))
        for (const word of portion) if (word !== null) offered.add(word);
    if (next.some(({ isFile }) => isFile === true))
      for (const name of await fileNames(last?.text ?? "")) {
        const word = fits(name);
        if (word !== null) offered.add(word);
      }
    for (const flag of flagsOf(command))
      if (flag.startsWith(raw) && raw !== "") offered.add(flag);
  }
  const hits = await sorted(offered, byCharacters);
  const [only] = hits;
  if (only !== undefined && hits.length === 1) return [[finished(only)], raw];
  return [hits, raw];
}

function flagsOf({ asks, json, limited }: Command): string[] {
  return [
    ...(asks ? ["--yes"] : []),
    ...(json ? ["--json"] : []),
    ...(limited ? ["--limit"] : []),
  ];
}

function byCharacters(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
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
