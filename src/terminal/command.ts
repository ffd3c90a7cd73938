// What a command is: data. Parsing, guided questions, help and completion are all derived from it.
// Types and the one function that builds a command; no command in particular lives here.

import type { NodeConfig } from "../config/config.js";
import type { DiffLine } from "../config/ini-edit.js";
import type { EntryChange } from "../config/unsaved.js";
import type { NodeControl } from "../node/control.js";
import type { Table } from "./table.js";

/** What an argument is when it is not given: `text` is shown in a question, `value` is used. */
export interface Fallback<T> {
  text: string;
  value: T;
}

/** What an argument may look at: the node, and the arguments in front of it. */
export interface Scope {
  control: NodeControl;
  earlier: Readonly<Record<string, unknown>>;
}

/** One row of a list to choose from. */
export interface Choice {
  cells: readonly string[];
  /** what would be typed for it; looked for when it is taken */
  text(): string;
}

export interface Argument<T> {
  /** lower case; `NAME=value` on the line, `[NAME]` in upper case in a usage */
  name: string;
  /** the guided question, without its colon */
  ask: string;
  /** other names that `NAME=value` may have on the line */
  aliases?: readonly string[];
  /** one line for help: what it is and what is allowed */
  doc: string;
  /** Throws VnetError `usage` with one line that says what is allowed. */
  parse(text: string, scope: Scope): T;
  /** Present: optional. */
  fallback?(scope: Scope): Fallback<T>;
  /** Whether a word looks like this argument; one that does not goes to the next argument. */
  fits?(word: string): boolean;
  /** What TAB offers; there may be many, made one by one. */
  suggest?(control: NodeControl): Iterable<string>;
  /** What it can be at this moment, the likeliest first: a question offers it as a list. */
  choices?(control: NodeControl): Choice[];
  /** The path of a file: TAB offers those that are there. */
  isFile?: boolean;
  /** Takes all words that are left. */
  rest?: boolean;
  /** Never asked for in advance: the command asks by itself, when it is time. */
  later?: boolean;
}

/** What was changed in the terminal, and what of it `save` writes. */
export interface Unsaved {
  changes: EntryChange[];
  /** one line each: what is not saved, and why */
  notes: string[];
  /** null: the node was started without */
  file: string | null;
}

/** What is to be written into a file. Nothing is, until write() is called. */
export interface SavePlan {
  file: string;
  /** empty: nothing is to be written */
  diff: DiffLine[];
  /** as in Unsaved */
  notes: string[];
  /** All of it or nothing. Rejects with VnetError. */
  write(): Promise<void>;
}

/** Where what was changed in the terminal can be written. */
export interface Saves {
  unsaved(control: NodeControl): Unsaved;
  /** Rejects with VnetError where nothing can be saved. Null: the file that was read last. */
  prepare(control: NodeControl, path: string | null): Promise<SavePlan>;
}

/** What a running command may do. Everything said is made printable. */
export interface CommandContext {
  readonly control: NodeControl;
  readonly commands: readonly Command[];
  readonly json: boolean;
  /** how many rows were asked for; Infinity: all of them */
  readonly limit: number;
  /** true when something was missing on the line and a person is answering questions */
  readonly guided: boolean;
  /** aborted when the person does not wait for the command any more */
  readonly signal: AbortSignal;
  loadConfig(path: string | null): Promise<NodeConfig>;
  readonly saves: Saves;
  say(text: string): void;
  /** Each of any length; what they are made of is made in portions, so that the node goes on meanwhile. */
  lines(lines: Iterable<string>): Promise<void>;
  diff(lines: readonly DiffLine[]): Promise<void>;
  table(table: Table): Promise<void>;
  card(table: Table): Promise<void>;
  /** One JSON document. */
  emit(value: unknown): void;
  /** One JSON document, an array; of any length, as above. */
  emitList(values: Iterable<unknown>): Promise<void>;
  /** Only while `guided`. Rejects with Cancelled. */
  ask<T>(argument: Argument<T>): Promise<T>;
  /** Draws what the line shows until the person ends it. Rejects with VnetError where there is no screen. */
  watch(line: string): Promise<void>;
  /**
   * Before something is lost or written: asks, where a person is there to answer. Rejects with Cancelled where the answer is
   * no.
   * @param usual what Enter means
   */
  confirm(what: string, usual?: "yes" | "no"): Promise<void>;
  /** columns of the screen; Infinity where there is none */
  readonly columns: number;
  leave(): void;
}

/** A command with the types of its arguments erased. */
export interface Command {
  /** one or two words */
  name: string;
  /** what people from elsewhere type for it, a word each; TAB does not offer them */
  aliases?: readonly string[];
  /** in the order of the line and of the questions */
  args: Readonly<Record<string, Argument<unknown>>>;
  /** one line, for the list */
  doc: string;
  /** more lines, for `help COMMAND` */
  details?: readonly string[];
  examples?: readonly string[];
  /** takes --json */
  json?: boolean;
  /** what it prints may be longer than the screen: then the pager shows it */
  paged?: boolean;
  /** takes --limit N */
  limited?: boolean;
  /** it changes nothing: Ctrl-C ends it, and `watch` may run it again and again */
  looks?: boolean;
  /** its one argument is another command's line, with all that belongs to it */
  wraps?: boolean;
  /** takes --yes, which answers its question */
  asks?: boolean;
  /** what it does would end with a guest, so a guest refuses it */
  lasting?: boolean;
  run(
    context: CommandContext,
    values: Record<string, unknown>,
  ): Promise<void> | void;
}

type Values<A> = {
  [K in keyof A]: A[K] extends Argument<infer T> ? T : never;
};

/** Keeps the arguments' types for `run`; afterwards nobody needs them. */
export function defineCommand<A extends Record<string, Argument<unknown>>>(
  command: Omit<Command, "args" | "run"> & {
    args: A;
    run(context: CommandContext, values: Values<A>): Promise<void> | void;
  },
): Command {
  return command;
}

/** `unserve VNETID [IP] PORT [LOCAL-IP] [LOCAL-PORT]` */
export function usageOf(command: Command): string {
  const words = Object.values(command.args).map((argument) => {
    const word = argument.name.toUpperCase();
    return argument.fallback ? `[${word}]` : word;
  });
  return [
    ...[command.name, ...words],
    ...(command.asks ? ["[--yes]"] : []),
    ...(command.limited ? ["[--limit N]"] : []),
    ...(command.json ? ["[--json]"] : []),
  ].join(" ");
}

/** The person gave up a question or a command. Not an error: nothing is printed but that. */
export class Cancelled extends Error {
  override readonly name = "Cancelled";
}
