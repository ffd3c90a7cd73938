// The screen of a terminal under fuzz: what is written to it is counted, looked through for what may never be written,
// and shown by an emulator (xterm.js). Its reader can stop and go on. Owned by a session.

import xterm from "@xterm/headless";
import { PassThrough, Writable } from "node:stream";
import { Screen } from "../../../src/screen/screen.js";
import type { Random } from "../../support/random.js";

/** Every sequence that we and readline write: cursor, erasing, colours, and four modes. */
const KNOWN = /\u001b\[(?:[\d;]*[ABCDGHJKm]|\?(?:7|25|1049|2004)[hl])/g;

const CONTROL = /[\u0000-\u0006\u000b\u000c\u000e-\u001f\u007f-\u009f]/;
/** What only other nodes say in a session: a person types none of these. */
export const FOREIGN = ["\u2067", "\ufff9", "\u{e0042}", "\u2062"] as const;
const FROM_OTHERS = /[\u2067\ufff9\u{e0042}\u2062]/u;

/** What an emulator cannot have less of. */
const MIN_COLUMNS = 2;
const SCROLLBACK = 200;
const KEPT_TEXT = 100_000;
/** A terminal that tells no size has one all the same. */
const UNTOLD_COLUMNS = 80;

export interface Size {
  /** as the system tells it; 0: it does not know */
  columns: number;
  rows: number;
}

export class FuzzScreen {
  readonly input: PassThrough & { isTTY: boolean; setRawMode: () => void };
  readonly output: Writable & Size & { isTTY: boolean };
  /** characters written so far */
  written = 0;
  /** what was wrong with them */
  fault: string | null = null;
  /** the newest text, without its sequences */
  text = "";
  readonly model: InstanceType<typeof xterm.Terminal>;
  private held: (() => void) | null = null;
  private isStopped = false;
  private unseen = "";
  private tail = "";
  private isCursorHidden = false;

  constructor({ columns, rows }: Size) {
    this.input = Object.assign(new PassThrough(), {
      isTTY: true,
      setRawMode: () => undefined,
    });
    const output = new Writable({
      decodeStrings: false,
      write: (chunk: Buffer | string, _encoding, done) => {
        this.take(chunk.toString());
        if (this.isStopped) this.held = done;
        else done();
      },
    });
    this.output = Object.assign(output, { columns, rows, isTTY: true });
    this.model = new xterm.Terminal({
      cols: Math.max(MIN_COLUMNS, columns || UNTOLD_COLUMNS),
      rows,
      scrollback: SCROLLBACK,
      // As tmux, VTE, kitty and others do.
      reflowCursorLine: true,
      // It would tell of each half sequence.
      logLevel: "off",
      // To read its cells back.
      allowProposedApi: true,
      // As a tty does where it is not raw, and Node's raw mode keeps it so.
      convertEol: true,
    });
  }

  /** What the output is like, as the program sees it. */
  look(color: boolean): Screen {
    return new Screen(this.output, {
      ...{ env: { TERM: "xterm" }, isWindows: false, noColor: !color },
    });
  }

  /** Nobody reads any more: Ctrl-S, or a window behind a slow line. */
  stop(): void {
    this.isStopped = true;
  }

  goOn(): void {
    this.isStopped = false;
    const held = this.held;
    this.held = null;
    held?.();
  }

  get isReading(): boolean {
    return !this.isStopped;
  }

  async resize({ columns, rows }: Size): Promise<void> {
    await this.show();
    this.model.resize(Math.max(MIN_COLUMNS, columns || UNTOLD_COLUMNS), rows);
    Object.assign(this.output, { columns, rows });
    this.output.emit("resize");
  }

  /** Whether the emulator has as many columns as the program was told. */
  get isTrue(): boolean {
    return this.output.columns === this.model.cols;
  }

  /** Brings the emulator up to date. */
  async show(): Promise<void> {
    const text = this.unseen;
    if (text === "") return;
    this.unseen = "";
    // After a key of the person xterm.js reads at once, instead of in a turn of its own.
    this.model.input("");
    await new Promise<void>((resolve) => this.model.write(text, resolve));
  }

  /** The row, counted from the top of what can be scrolled to, without the blanks at its end. */
  row(at: number): string | null {
    const line = this.model.buffer.active.getLine(at);
    return line?.translateToString(true).trimEnd() ?? null;
  }

  /** A mode of a list, a question or a pager that is over, and was not given back. */
  get leftMode(): string | null {
    const { wraparoundMode, bracketedPasteMode } = this.model.modes;
    if (!wraparoundMode) return "long lines are cut";
    if (bracketedPasteMode) return "pastes are marked";
    if (this.model.buffer.active.type === "alternate")
      return "the other screen is shown";
    return this.isCursorHidden ? "the cursor is hidden" : null;
  }

  get cursor(): { column: number; row: number } {
    const { cursorX, cursorY, baseY } = this.model.buffer.active;
    return { column: cursorX, row: baseY + cursorY };
  }

  /** The last row that is on the screen. */
  get bottom(): number {
    return this.model.buffer.active.baseY + this.model.rows - 1;
  }

  close(): void {
    this.goOn();
    this.model.dispose();
    this.input.destroy();
    this.output.destroy();
  }

  private take(text: string): void {
    this.written += text.length;
    this.unseen += text;
    const all = this.tail + text;
    // A sequence may be written in two pieces.
    const cut = /\u001b(?:\[[\d;?]*)?$/.exec(all)?.index ?? all.length;
    this.tail = all.slice(cut);
    const shown = /\u001b\[\?25([hl])(?![^]*\u001b\[\?25)/.exec(all);
    if (shown) this.isCursorHidden = shown[1] === "l";
    const plain = all.slice(0, cut).replace(KNOWN, "");
    const control = CONTROL.exec(plain);
    if (control)
      this.blame("a control character that is not ours", plain, control.index);
    const foreign = FROM_OTHERS.exec(plain);
    if (foreign)
      this.blame("a hidden character of another node", plain, foreign.index);
    this.text += plain;
    if (this.text.length > 2 * KEPT_TEXT)
      this.text = this.text.slice(-KEPT_TEXT);
  }

  private blame(what: string, text: string, at: number): void {
    const around = JSON.stringify(text.slice(Math.max(0, at - 60), at + 40));
    this.fault ??= `${what} (U+${text.codePointAt(at)?.toString(16)}) was written: ${around}`;
  }
}

/** 0 to 500 columns, the usual ones and the edges more often. */
export function anySize(random: Random): Size {
  const edges = [0, 1, 2, 3, 4, 5, 20, 40, 79, 80, 80, 80, 81, 120, 132, 500];
  const columns = random.chance(0.6)
    ? edges[random.between(0, edges.length - 1)]!
    : random.between(0, 500);
  return { columns, rows: random.chance(0.5) ? 24 : random.between(1, 70) };
}
