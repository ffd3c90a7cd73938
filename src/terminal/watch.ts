// `watch`: what a command prints, drawn in place again and again, on the other screen that terminals have for that, so that
// what stands above the prompt is there again afterwards. Lent the input meanwhile. One picture at most waits for the screen:
// a stopped one gathers none. A dumb terminal gets the whole again when it has changed.

import { emitKeypressEvents } from "node:readline";
import { Chalk } from "chalk";
import { VnetError } from "../errors.js";
import { printable } from "../printable.js";
import type { Screen } from "../screen/screen.js";
import { Cancelled } from "./command.js";
import { failureLines } from "./failure.js";
import type { Key } from "./history-search.js";
import type { Look } from "./table.js";
import { cutToWidth, startOf } from "./text-width.js";

const EVERY_MS = 2_000;
/** Between two pictures: many changes, and a window being resized, make one. */
const AT_LEAST_MS = 200;

/** The lines that the command prints now, of `rows` rows of a list at most. Rejects as the command does. */
export type Draw = (
  look: Look & { rows: number },
  signal: AbortSignal,
) => Promise<string[]>;

export interface WatchOptions {
  input: NodeJS.ReadableStream;
  output: NodeJS.WritableStream;
  screen: Screen;
  /** the command that is watched */
  title: string;
  draw: Draw;
  /** calls the listener whenever something happened, until the returned function is called */
  onChange(listener: () => void): () => void;
  /** aborted: nobody watches any more */
  signal: AbortSignal;
}

const OTHER_SCREEN = "\u001b[?1049h\u001b[?25l";
const START_DUMB = "Enter ends it\n";
const OWN_SCREEN = "\u001b[?7h\u001b[?25h\u001b[?1049l";
/** A letter that is wider than we take it for does not begin a row of its own. */
const WITHOUT_WRAP = "\u001b[?7l\u001b[H";
const ERASE_LINE = "\u001b[K";
const ERASE_REST = "\u001b[J";

const ENDING_KEYS = new Set(["q", "return", "enter", "escape"]);
const ENDING_KEYS_WITH_CTRL = new Set(["c", "d"]);

/** Resolves when the person ends it. Rejects as the first picture does, before anything is drawn. */
export async function watch(options: WatchOptions): Promise<void> {
  const { input, output, screen, signal: given } = options;
  const over = new AbortController();
  const signal = AbortSignal.any([given, over.signal]);
  const end = () => over.abort();
  const changes = new Changes();
  const onChange = () => changes.tell();
  const stopKeys = screen.isDumb ? onLine(input, end) : onEndingKey(input, end);
  const stopChanges = options.onChange(onChange);
  output.on("resize", onChange);
  let isDrawn = false;
  try {
    let shown = "";
    while (!signal.aborted) {
      changes.forget();
      const picture = await pictureOf(options, signal);
      const text = screen.isDumb
        ? `${picture.join("\n")}\n`
        : inPlace(titled(options, picture), screen);
      if (!isDrawn) output.write(screen.isDumb ? START_DUMB : OTHER_SCREEN);
      isDrawn = true;
      if (!screen.isDumb || text !== shown) await written(output, text, signal);
      shown = text;
      await changes.heard(signal);
    }
  } catch (error) {
    // The person is gone in the middle of a picture.
    if (!(error instanceof Cancelled) || !signal.aborted) throw error;
  } finally {
    over.abort();
    stopKeys();
    stopChanges();
    output.off("resize", onChange);
    if (isDrawn && !screen.isDumb) output.write(OWN_SCREEN);
  }
}

/** Whether something happened since the picture that stands there was begun. */
class Changes {
  private hasChanged = false;
  private wake = (): void => undefined;

  tell(): void {
    this.hasChanged = true;
    this.wake();
  }

  forget(): void {
    this.hasChanged = false;
  }

  /** Resolves at the next change, or when it is time for another picture anyway. */
  async heard(signal: AbortSignal): Promise<void> {
    await pause(AT_LEAST_MS, signal);
    if (this.hasChanged) return;
    await pause(EVERY_MS - AT_LEAST_MS, signal, (wake) => (this.wake = wake));
  }
}

/** What cannot be shown now is told, and may be there at the next time; a mistake in the command stays one. */
async function pictureOf(
  { draw, screen }: WatchOptions,
  signal: AbortSignal,
): Promise<string[]> {
  // What a table has around its rows, and the title.
  const rows = Math.max(1, screen.rows - 6);
  try {
    return await draw(
      { rows, columns: screen.columns, color: screen.color },
      signal,
    );
  } catch (error) {
    if (!(error instanceof VnetError) || error.code === "usage") throw error;
    const { columns } = screen;
    return failureLines(error).flatMap((line) => cutToWidth(line, columns));
  }
}

function titled(
  { title, screen }: WatchOptions,
  picture: readonly string[],
): string[] {
  const chalk = new Chalk({ level: screen.color ? 1 : 0 });
  return [chalk.inverse(` ${printable(title)} · q ends `), ...picture];
}

/** As much as the screen has room for; the last line is kept, as it counts what is not shown. */
function inPlace(lines: readonly string[], { rows, columns }: Screen): string {
  const fitting =
    lines.length <= rows
      ? lines
      : [...lines.slice(0, Math.max(1, rows - 2)), "…", lines.at(-1) ?? ""];
  const shown = fitting.slice(0, rows);
  // Erased first: behind a line that fills the screen the cursor stands on its last letter.
  const drawn = shown
    .map((line) => ERASE_LINE + startOf(line, columns))
    .join("\r\n");
  const rest = shown.length < rows ? `\r\n${ERASE_REST}` : "";
  return WITHOUT_WRAP + drawn + rest;
}

/** Resolves when the screen has taken it, or nobody waits for that any more. */
async function written(
  output: NodeJS.WritableStream,
  text: string,
  signal: AbortSignal,
): Promise<void> {
  await unlessOver(signal, (done) => output.write(text, done));
}

async function pause(
  ms: number,
  signal: AbortSignal,
  onBegin?: (wake: () => void) => void,
): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  await unlessOver(signal, (done) => {
    onBegin?.(done);
    timer = setTimeout(done, ms);
  });
  clearTimeout(timer);
}

/** Resolves when `begin` says so, or the signal is aborted; leaves no listener at it, which lives for hours. */
async function unlessOver(
  signal: AbortSignal,
  begin: (done: () => void) => unknown,
): Promise<void> {
  let done = (): void => undefined;
  await new Promise<void>((resolve) => {
    done = () => resolve();
    signal.addEventListener("abort", done);
    if (signal.aborted) done();
    else begin(done);
  });
  signal.removeEventListener("abort", done);
}

function onEndingKey(
  input: NodeJS.ReadableStream & { setRawMode?(isRaw: boolean): void },
  end: () => void,
): () => void {
  const onKey = (_text: unknown, { name = "", ctrl = false }: Key = {}) => {
    if ((ctrl ? ENDING_KEYS_WITH_CTRL : ENDING_KEYS).has(name)) end();
  };
  emitKeypressEvents(input);
  input.on("keypress", onKey);
  input.setRawMode?.(true);
  input.resume();
  return () => {
    input.off("keypress", onKey);
    input.setRawMode?.(false);
    input.pause();
  };
}

/** Where the system edits the line, a key comes with Enter only. */
function onLine(input: NodeJS.ReadableStream, end: () => void): () => void {
  input.on("data", end);
  input.resume();
  return () => {
    input.off("data", end);
    input.pause();
  };
}
