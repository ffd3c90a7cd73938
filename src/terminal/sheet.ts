// What one command prints, held back until it is longer than the screen; then the pager has it, and the terminal with it.
// Shorter ones, and those of a pager that is not there, are printed as always. Made for one command, ended with it.

import { stripVTControlCharacters } from "node:util";
import type { Pager } from "../screen/pager.js";
import type { Screen } from "../screen/screen.js";
import { textWidth } from "./text-width.js";

/** The person left the pager: the rest is not wanted. Not an error: nothing is printed. */
export class ReaderLeft extends Error {
  override readonly name = "ReaderLeft";
}

export interface SheetOptions {
  screen: Screen;
  /** A block of finished lines, without the last line end. */
  print(text: string): Promise<void>;
  /** One line that comes in pieces. */
  printLine(pieces: AsyncIterable<string>): Promise<void>;
  /** Lets go of the keyboard, and starts it; null: not now. */
  startPager(): Promise<Pager | null>;
  /** The pager has ended: the keyboard is ours again. `isAbsent`: there is no such program. */
  takeBack(isAbsent: boolean): void;
  /** aborted when the terminal closes */
  signal: AbortSignal;
}

type State = "holding" | "paging" | "plain" | "left";

export class Sheet {
  private state: State = "holding";
  private held = "";
  /** of what is held: whole rows, and the columns of the row that has no end yet */
  private rows = 0;
  private columns = 0;
  private pager: Pager | null = null;
  private last: Promise<void> = Promise.resolve();

  constructor(private readonly options: SheetOptions) {}

  /** As the terminal's. Rejects with ReaderLeft. */
  write(text: string): Promise<void> {
    return this.inTurn(() =>
      this.isPlain() ? this.options.print(text) : this.put(`${text}\n`),
    );
  }

  /** As the terminal's. Rejects with ReaderLeft. */
  writeLine(pieces: AsyncIterable<string>): Promise<void> {
    return this.inTurn(async () => {
      if (this.isPlain()) return this.options.printLine(pieces);
      const iterator = pieces[Symbol.asyncIterator]();
      try {
        let next = await iterator.next();
        for (; next.done !== true; next = await iterator.next()) {
          await this.put(next.value);
          // The pager is not there: what it was to show is printed, and the rest follows.
          if (this.isPlain())
            return await this.options.printLine({
              [Symbol.asyncIterator]: () => iterator,
            });
        }
      } catch (error) {
        await iterator.return?.();
        throw error;
      }
      await this.put("\n");
    });
  }

  /** Prints what is held, or waits until the person leaves the pager. */
  end(): Promise<void> {
    return this.inTurn(async () => {
      if (this.state === "holding" && this.held !== "")
        await this.options.print(this.held.replace(/\n$/, ""));
      if (this.state === "paging") await this.settle();
    });
  }

  /** One after the other, as not everybody waits for what he has said. */
  private inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.last.then(work);
    this.last = done.catch(() => undefined);
    return done;
  }

  private async put(text: string): Promise<void> {
    if (this.state === "left") throw new ReaderLeft();
    if (this.state === "holding") {
      this.held += text;
      this.measure(text);
      const columns = this.columns > 0 ? 1 : 0;
      // The prompt has a row, too.
      if (this.rows + columns <= this.options.screen.rows - 1) return;
      text = this.held;
      this.held = "";
      if (!(await this.startPager())) {
        this.state = "plain";
        await this.options.print(text.replace(/\n$/, ""));
        return;
      }
      this.state = "paging";
    }
    if (await this.pager?.write(text)) return;
    await this.settle();
    if (!this.isPlain()) throw new ReaderLeft();
  }

  private async startPager(): Promise<boolean> {
    const { signal } = this.options;
    const pager = await this.options.startPager();
    this.pager = pager;
    if (pager === null) return false;
    const close = () => pager.close();
    signal.addEventListener("abort", close, { once: true });
    if (signal.aborted) close();
    return true;
  }

  private async settle(): Promise<void> {
    const end = await this.pager?.end();
    const isAbsent = end?.how === "absent";
    this.state = isAbsent ? "plain" : "left";
    this.options.takeBack(isAbsent);
    if (end?.how === "absent")
      await this.options.print(end.text.replace(/\n$/, ""));
    if (end?.how === "killed" && !this.options.signal.aborted)
      await this.options.print(
        `the pager ended by ${end.signal}, so the rest is not shown; PAGER=cat or --no-pager shows it without one`,
      );
  }

  private measure(text: string): void {
    const wide = this.options.screen.columns;
    const rowsOf = (columns: number) => Math.max(1, Math.ceil(columns / wide));
    const [first = "", ...lines] = stripVTControlCharacters(text).split("\n");
    this.columns += textWidth(first);
    for (const line of lines) {
      this.rows += rowsOf(this.columns);
      this.columns = textWidth(line);
    }
    if (this.columns > wide) {
      this.rows += Math.floor(this.columns / wide);
      this.columns %= wide;
    }
  }

  // Read through a method, so that the compiler does not take it for constant across an await.
  private isPlain(): boolean {
    return this.state === "plain";
  }
}
