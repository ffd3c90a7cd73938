// Carries one line out: parse, bind, ask for what is missing if somebody is there, run.
// The same for the terminal, piped input and -e; they differ only in the surroundings they pass.

import type { NodeConfig } from "../config/config.js";
import { VnetError } from "../errors.js";
import type { NodeControl } from "../node/control.js";
import { consent } from "./arguments.js";
import { bindWords, parseLine, valueOf, type Binding } from "./command-line.js";
import {
  Cancelled,
  usageOf,
  type Argument,
  type Command,
  type CommandContext,
  type Saves,
  type Scope,
} from "./command.js";
import { commands } from "./commands/commands.js";
import { formatDiffLine } from "./diff-lines.js";
import { renderCommandHelp } from "./help.js";
import { unfitReason } from "./line-limits.js";
import { endedBy, whileWaitedFor } from "./looking.js";
import { wrap } from "./paragraph.js";
import { printable, printableJson } from "../printable.js";
import { inPortions, mapped } from "./portions.js";
import { ReaderLeft, type Sheet } from "./sheet.js";
import type { Draw } from "./watch.js";
import { checkWatchable, drawnInto } from "./watched.js";
import { renderCards, renderTable, type Look } from "./table.js";

export interface Surroundings {
  control: NodeControl;
  loadConfig(path: string | null): Promise<NodeConfig>;
  /** absent: there is no place to save anything */
  saves?: Saves | undefined;
  look(): Look;
  /** Prints a block of finished lines; no line end behind the last one. Resolves when more may be printed. */
  write(text: string): Promise<void> | void;
  /** Prints one line that comes in pieces. */
  writeLine(pieces: AsyncIterable<string>): Promise<void>;
  /** For a command whose output may be longer than the screen, which waits there for its reader; absent: there is none. */
  sheet?: () => Pick<Sheet, "write" | "writeLine" | "end">;
  /** Puts a question; null where nobody answers. Rejects with Cancelled. */
  ask: (<T>(argument: Argument<T>, scope: Scope) => Promise<T>) | null;
  leave(): void;
  signal: AbortSignal;
  /** Draws on the screen until the person ends it; null or absent where there is none. */
  watch?: ((title: string, draw: Draw) => Promise<void>) | null;
  /** more rows of a list are not shown */
  mostRows?: number;
}

/** Resolves when the command is done; rejects with VnetError or Cancelled, or with a bug of ours. */
export async function invoke(
  line: string,
  surroundings: Surroundings,
): Promise<void> {
  const unfit = unfitReason(line);
  if (unfit !== null) throw new VnetError("usage", unfit);
  const parsed = parseLine(commands, line);
  if (!parsed) return;
  const { command } = parsed;
  if (parsed.help) {
    await onSheet(surroundings, (these) =>
      these.write(renderCommandHelp(command, these.look().columns)),
    );
    return;
  }
  if (command.lasting === true && surroundings.control.view().guest)
    throw new VnetError(
      "usage",
      `${command.name} would end with this guest, as -e joins, answers and leaves: type it in the terminal of a running node, or give it to a node at its start: a line of its standard input (--terminal), --serve or --use, or a section of the file`,
    );
  const binding = bindWords(command, parsed.words);
  const missing = Object.entries(command.args).find(
    ([key, argument]) => !argument.fallback && !binding.texts.has(key),
  );
  if (missing && !surroundings.ask)
    throw new VnetError(
      "usage",
      `${missing[1].name} is missing: ${usageOf(command)}`,
    );
  const guided = missing !== undefined;
  const values = await collect(command, binding, guided, surroundings);
  const { looks = false } = command;
  const run = async (these: Surroundings) => {
    const around = looks ? whileWaitedFor(these) : these;
    const context = createContext(around, values, { ...parsed, guided });
    const done = Promise.resolve(command.run(context, values));
    await (looks ? endedBy(surroundings.signal, done) : done);
  };
  await (command.paged === true
    ? onSheet(surroundings, run)
    : run(surroundings));
}

/** What it prints, on a sheet of its own, where there are some. */
async function onSheet(
  surroundings: Surroundings,
  run: (surroundings: Surroundings) => Promise<void> | void,
): Promise<void> {
  const sheet = surroundings.sheet?.();
  if (!sheet) return run(surroundings);
  try {
    await run({
      ...surroundings,
      write: (text) => sheet.write(text),
      writeLine: (pieces) => sheet.writeLine(pieces),
    });
  } catch (error) {
    if (!(error instanceof ReaderLeft)) throw error;
  } finally {
    await sheet.end();
  }
}

/** Of what is said without waiting for it. */
async function unlessLeft(said: Promise<void> | void): Promise<void> {
  try {
    await said;
  } catch (error) {
    if (!(error instanceof ReaderLeft)) throw error;
  }
}

async function collect(
  command: Command,
  { texts }: Binding,
  guided: boolean,
  { control, ask }: Surroundings,
): Promise<Record<string, unknown>> {
  const values: Record<string, unknown> = {};
  const scope = { control, earlier: values };
  const args = Object.entries(command.args);
  // What was typed is judged before the first question: nobody answers four and then fails.
  for (const [key, argument] of args)
    if (texts.has(key)) values[key] = valueOf(argument, texts.get(key), scope);
  for (const [key, argument] of args) {
    if (texts.has(key)) continue;
    const asked = guided && ask && argument.later !== true;
    values[key] = asked
      ? await ask(argument, scope)
      : valueOf(argument, undefined, scope);
  }
  return values;
}

const NO_SAVES: Saves = {
  unsaved: () => ({ changes: [], notes: [], file: null }),
  prepare: () =>
    Promise.reject(new VnetError("usage", "there is nothing to save to here")),
};

function createContext(
  surroundings: Surroundings,
  earlier: Record<string, unknown>,
  {
    json,
    limit,
    yes,
    guided,
  }: Pick<CommandContext, "json" | "limit" | "guided"> & { yes: boolean },
): CommandContext {
  const { control, ask, signal } = surroundings;
  const speak = (text: string) => {
    const { columns } = surroundings.look();
    const lines = text.split("\n").map(printable);
    return lines.map((line) => wrap(line, columns)).join("\n");
  };
  const print = async (blocks: AsyncIterable<string>) => {
    for await (const block of blocks) await surroundings.write(block);
  };
  return {
    control,
    commands,
    json,
    limit: Math.min(limit, surroundings.mostRows ?? Infinity),
    guided,
    signal,
    columns: surroundings.look().columns,
    loadConfig: (path) => surroundings.loadConfig(path),
    saves: surroundings.saves ?? NO_SAVES,
    say: (text) => void unlessLeft(surroundings.write(speak(text))),
    lines: async (lines) => {
      const spoken = inPortions(mapped(lines, speak), signal);
      for await (const portion of spoken)
        await surroundings.write(portion.join("\n"));
    },
    diff: async (lines) => {
      const look = surroundings.look();
      const formatted = mapped(lines, (line) => formatDiffLine(line, look));
      for await (const portion of inPortions(formatted, signal))
        await surroundings.write(portion.join("\n"));
    },
    table: (table) => print(renderTable(table, surroundings.look(), signal)),
    card: (table) => print(renderCards(table, surroundings.look(), signal)),
    emit: (value) => void unlessLeft(surroundings.write(printableJson(value))),
    emitList: (values) => surroundings.writeLine(jsonOf(values, signal)),
    ask: (argument) =>
      ask && guided && !signal.aborted
        ? ask(argument, { control, earlier })
        : Promise.reject(new Cancelled("nobody answers")),
    watch: async (line) => {
      checkWatchable(commands, line);
      if (!surroundings.watch)
        throw new VnetError(
          "usage",
          `watch draws on a screen, and here is none: run \`${line}\` again, as often as you need it`,
        );
      await surroundings.watch(line, async (look, signal) => {
        const lines: string[] = [];
        await invoke(line, drawnInto(lines, surroundings, { look, signal }));
        return lines;
      });
    },
    confirm: async (what, usual) => {
      if (!ask || yes) return;
      if (await ask(consent(what, usual), { control, earlier })) return;
      throw new Cancelled("not wanted");
    },
    leave: () => surroundings.leave(),
  };
}

/** As many as a terminal takes at once, see BLOCK_LINES of the table. */
const PIECE_VALUES = 16;

/** An array as JSON, as it is in one piece. */
async function* jsonOf(
  values: Iterable<unknown>,
  signal: AbortSignal,
): AsyncGenerator<string, void, undefined> {
  let isFirst = true;
  for await (const portion of inPortions(
    mapped(values, printableJson),
    signal,
    PIECE_VALUES,
  )) {
    yield `${isFirst ? "[" : ","}${portion.join(",")}`;
    isFirst = false;
  }
  yield isFirst ? "[]" : "]";
}
