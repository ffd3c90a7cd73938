// From a line to a command and its arguments: matches the longest name, binds words by order and shape.
// Knows the table of commands only as data; asks nobody and runs nothing.

import { VnetError } from "../errors.js";
import { nearestName } from "../nearest.js";
import type { NodeControl } from "../node/control.js";
import { usageOf, type Argument, type Command } from "./command.js";
import { answerTo } from "./other-words.js";
import { splitLine, type Word } from "./words.js";

export interface ParsedLine {
  command: Command;
  words: Word[];
  json: boolean;
  /** of --limit; Infinity where it is not given */
  limit: number;
  /** --yes was given: its question is answered */
  yes: boolean;
  /** --help was given: nothing is to be run */
  help: boolean;
}

export interface Binding {
  /** the text given for each argument, by its key */
  texts: Map<string, string>;
  /** where the next word could go: keys, in order, up to the first required one */
  next: string[];
}

/** null for an empty line or a comment; throws VnetError `usage`. */
export function parseLine(
  commands: readonly Command[],
  line: string,
): ParsedLine | null {
  const { words: typed, open, stray } = splitLine(line);
  if (typed.length === 0 || line.trimStart().startsWith("#")) return null;
  if (open)
    throw new VnetError("usage", `a quote is open: close it with ${open}`);
  if (stray)
    throw new VnetError(
      "usage",
      'a letter touches a closing quote: put a space there; a quote that belongs to a word is written twice, "say ""hi"""',
    );
  const words = withoutQuestionMark(typed);
  const wrapped = parseWrapping(commands, line, words);
  if (wrapped) return wrapped;
  const { flags, limits, plain } = partFlags(words);
  if (plain.length === 0 && flags.includes("--help"))
    return parseLine(commands, "help");
  const command = matchCommand(commands, plain);
  if (!command) throw unknownCommand(commands, plain);
  const strange = flags.find(
    (flag) =>
      flag !== "--help" &&
      !(flag === "--json" && command.json) &&
      !(flag === "--yes" && command.asks) &&
      !(flag === "--limit" && command.limited),
  );
  if (strange !== undefined)
    throw new VnetError(
      "usage",
      strange === "--watch" && command.looks === true
        ? `${command.name} does not take --watch: \`watch ${command.name}\` draws it again and again`
        : `${command.name} does not take ${strange}: ${usageOf(command)}`,
    );
  return {
    command,
    words: plain.slice(command.name.split(" ").length),
    json: flags.includes("--json"),
    limit: readLimit(limits),
    yes: flags.includes("--yes"),
    help: flags.includes("--help"),
  };
}

/** A command whose argument is a line: nothing of it is read here. Null: the line is of another one. */
function parseWrapping(
  commands: readonly Command[],
  line: string,
  [first, second]: readonly Word[],
): ParsedLine | null {
  const command = first && matchCommand(commands, [first]);
  if (command?.wraps !== true) return null;
  const help = second?.quoted === false && second.text === "--help";
  const text = second ? line.slice(second.start).trimEnd() : "";
  const words = second ? [{ ...second, text, quoted: true }] : [];
  const none = { json: false, limit: Infinity, yes: false };
  return { command, words, ...none, help };
}

/** `--limit 20` is two words, `--limit=20` one. */
function partFlags(words: readonly Word[]) {
  const flags: string[] = [];
  const limits: string[] = [];
  const plain: Word[] = [];
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? fail();
    if (word.quoted || !word.text.startsWith("--")) {
      plain.push(word);
      continue;
    }
    const [flag = "", value] = word.text.toLowerCase().split(/=(.*)/s);
    flags.push(flag === "--limit" ? flag : word.text.toLowerCase());
    if (flag === "--limit") limits.push(value ?? words[++at]?.text ?? "");
  }
  return { flags, limits, plain };
}

/** Throws VnetError `usage`. */
function readLimit(limits: readonly string[]): number {
  const [limit] = limits;
  if (limit === undefined) return Infinity;
  if (limits.length > 1)
    throw new VnetError("usage", "--limit is given twice: give it once");
  if (/^[1-9]\d{0,8}$/.test(limit)) return Number(limit);
  const found = limit === "" ? "--limit" : `--limit ${limit}`;
  throw new VnetError(
    "usage",
    `${found}: give how many rows, for example --limit 20`,
  );
}

/** `?` is `help`, and so is a `?` at the end: `use run ?` is `help use run`. */
function withoutQuestionMark(words: Word[]): Word[] {
  const last = words.at(-1);
  if (last === undefined || last.quoted || last.text !== "?") return words;
  const rest = words.slice(0, -1);
  const isHelp = rest[0]?.text.toLowerCase() === "help";
  return isHelp ? rest : [{ ...last, text: "help" }, ...rest];
}

/** The command with the longest name that the words begin with, in whatever case they are. */
export function matchCommand(
  commands: readonly Command[],
  words: readonly Word[],
): Command | undefined {
  const texts = words.map((word) => word.text.toLowerCase());
  return commands
    .filter(
      ({ name, aliases = [] }) =>
        name.split(" ").every((part, at) => texts[at] === part) ||
        aliases.includes(texts[0] ?? ""),
    )
    .sort((a, b) => b.name.length - a.name.length)[0];
}

/** Throws VnetError `usage` when a word is left over or something is given twice. */
export function bindWords(command: Command, words: readonly Word[]): Binding {
  const args = Object.entries(command.args);
  const texts = new Map<string, string>();
  const inOrder: Word[] = [];
  for (const word of words) {
    const named = namedArgument(args, word);
    if (!named) inOrder.push(word);
    else if (texts.has(named.key))
      throw new VnetError(
        "usage",
        `${named.name} is given twice: give it once`,
      );
    else texts.set(named.key, named.text);
  }
  let at = 0;
  const skip = (word?: string) => {
    for (; at < args.length; at++) {
      const [key, argument] = args[at] ?? fail();
      const passes = argument.fallback && argument.fits && word !== undefined;
      if (texts.has(key) && !argument.rest) continue;
      if (passes && !argument.fits?.(word)) continue;
      return { key, argument };
    }
    return null;
  };
  for (const { text } of inOrder) {
    const slot = skip(text);
    if (!slot)
      throw new VnetError(
        "usage",
        `"${text}" is too much: ${usageOf(command)}`,
      );
    const before = texts.get(slot.key);
    texts.set(slot.key, before === undefined ? text : `${before} ${text}`);
    if (!slot.argument.rest) at++;
  }
  const left = args.slice(at).filter(([key]) => !texts.has(key));
  const required = left.findIndex(([, argument]) => !argument.fallback);
  const open = required < 0 ? left : left.slice(0, required + 1);
  return { texts, next: open.map(([key]) => key) };
}

/** The argument's value from its text, or what it is when it is not given. */
export function valueOf(
  argument: Argument<unknown>,
  text: string | undefined,
  scope: { control: NodeControl; earlier: Record<string, unknown> },
): unknown {
  const fallback = argument.fallback?.(scope);
  if (fallback && (text === undefined || text === fallback.text))
    return fallback.value;
  return argument.parse(text ?? "", scope);
}

function namedArgument(
  args: readonly [string, Argument<unknown>][],
  word: Word,
): { key: string; name: string; text: string } | null {
  const match = word.quoted ? null : /^([a-z-]+)=(.*)$/is.exec(word.text);
  if (!match) return null;
  // A usage shows them in capitals.
  const name = (match[1] ?? "").toLowerCase();
  const found = args.find(
    ([, argument]) =>
      argument.name === name || argument.aliases?.includes(name) === true,
  );
  if (!found) return null;
  return { key: found[0], name: found[1].name, text: match[2] ?? "" };
}

/** Names the nearest command, or what the group has. */
export function unknownCommand(
  commands: readonly Command[],
  words: readonly Word[],
): VnetError {
  const names = commands.map((command) => command.name);
  const typed = words
    .slice(0, 2)
    .map((word) => word.text)
    .join(" ");
  const [first = "", second] = typed.toLowerCase().split(" ");
  const group = names.filter((name) => name.startsWith(`${first} `));
  if (group.length > 0 && second === undefined)
    return new VnetError("usage", `${first} what? ${group.join(", ")}`);
  const answer = answerTo(first);
  if (group.length === 0 && answer !== undefined)
    return new VnetError("usage", `unknown command "${typed}": ${answer}`);
  const whole = names.filter((name) => name.endsWith(` ${first}`));
  if (group.length === 0 && whole.length > 0)
    return new VnetError(
      "usage",
      `unknown command "${typed}": did you mean ${whole.map((name) => `\`${name}\``).join(" or ")}?`,
    );
  // With the group known, only the word behind it can be the slip.
  const nearInGroup = nearestName(
    second ?? "",
    group.map((name) => name.slice(first.length + 1)),
  );
  const guess =
    group.length > 0
      ? nearInGroup && `${first} ${nearInGroup}`
      : (nearestName(typed, names) ?? nearestName(first, names));
  const hint = guess
    ? `did you mean \`${guess}\`?`
    : group.length > 0
      ? `there is ${group.join(", ")}`
      : "`help` lists the commands";
  return new VnetError("usage", `unknown command "${typed}": ${hint}`);
}

function fail(): never {
  throw new Error("argument index out of range");
}
