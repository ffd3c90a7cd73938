// One answer, from the first drawing of its line to Enter or Ctrl-C. It owns the input meanwhile: in raw mode, with the marks
// of pastes switched on, and listened to; afterwards all is as before and nobody reads. What is asked, and what stands below
// the line, is its caller's.

import { Chalk } from "chalk";
import { VnetError } from "../errors.js";
import { printable } from "../printable.js";
import type { Screen } from "../screen/screen.js";
import { AnswerFrame, type Piece } from "./answer-frame.js";
import { AnswerKeys, type Step } from "./answer-keys.js";
import { AnswerLine } from "./answer-line.js";
import { Cancelled } from "./command.js";
import type { Key } from "./history-search.js";
import { wrap } from "./paragraph.js";
import { cutToWidth } from "./text-width.js";

export interface PromptStreams {
  input: NodeJS.ReadableStream;
  output: NodeJS.WritableStream;
  screen: Screen;
  /** aborted when the terminal closes */
  signal: AbortSignal;
}

export interface Asked<T> {
  /** in front of the answer, while it is typed */
  label: readonly Piece[];
  /** in front of it when it was given */
  finalLabel: string;
  /** what is typed is not shown */
  hidden: boolean;
  /** what Up brings at first */
  offered: readonly string[];
  /** Throws VnetError with one line that says what is allowed. `shown` is what then stands as the answer. */
  read(text: string): { value: T; shown: string };
  /** A key before the line has it; true: it is done with. */
  press?(key: Key, text: string): boolean;
  /** rows below the line, of at most `width` columns */
  below?(text: string, width: number): string[];
}

/** No answer that is meant is longer; to draw one of any length would hold up the node. */
const LENGTH_MAX = 4096;
const INDENT = "    ";

// The terminal is to mark the beginning and the end of what is pasted.
const PASTES_MARKED = "\x1b[?2004h";
const PASTES_UNMARKED = "\x1b[?2004l";

/**
 * A wrong answer is explained and asked again in an empty line; Up brings it back. Ctrl-C, Ctrl-D in an empty line and the
 * input's end reject with Cancelled.
 */
export async function ask<T>(
  asked: Asked<T>,
  streams: PromptStreams,
): Promise<T> {
  const asking = new Asking(asked, streams);
  try {
    return await asking.answer;
  } finally {
    asking.close();
  }
}

class Asking<T> {
  readonly answer: Promise<T>;
  private readonly keys: AnswerKeys;
  private readonly line: AnswerLine;
  private readonly frame: AnswerFrame;
  /** the newest first */
  private readonly earlier: string[];
  private readonly paint: InstanceType<typeof Chalk>;
  /** below the line, until the next key */
  private error = "";
  private isOver = false;
  private settle!: (value: T) => void;
  private fail!: (reason: unknown) => void;

  constructor(
    private readonly asked: Asked<T>,
    private readonly streams: PromptStreams,
  ) {
    const { input, output, screen, signal } = streams;
    this.paint = new Chalk({ level: screen.color ? 1 : 0 });
    this.answer = new Promise((settle, fail) => {
      this.settle = settle;
      this.fail = fail;
    });
    this.frame = new AnswerFrame(output, screen);
    this.earlier = asked.hidden ? [] : [...asked.offered];
    this.line = new AnswerLine({
      earlier: this.earlier,
      isDumb: screen.isDumb,
      onRaw: (isRaw) => {
        // The shell, which has the screen now, writes below it.
        if (!isRaw) this.leaveRows();
        this.setRaw(isRaw);
        // Runs when the program goes on; at once where nobody could bring it back, and nothing stops it.
        if (!isRaw) setImmediate(() => this.resume());
      },
    });
    this.keys = new AnswerKeys({
      input,
      lengthMax: LENGTH_MAX,
      onSteps: (steps) => this.take(steps),
    });
    input.on("end", this.giveUp);
    // A screen that is gone.
    input.on("error", this.giveUp);
    output.on("resize", this.onResize);
    signal.addEventListener("abort", this.giveUp);
    this.setRaw(true);
    input.resume();
    if (signal.aborted) this.giveUp();
    else this.draw();
  }

  close(): void {
    const { input, output, signal } = this.streams;
    this.keys.close();
    this.line.close();
    input.off("end", this.giveUp);
    input.off("error", this.giveUp);
    output.off("resize", this.onResize);
    signal.removeEventListener("abort", this.giveUp);
    this.setRaw(false);
    input.pause();
  }

  private readonly giveUp = () => {
    if (this.isOver) return;
    this.finish(this.asked.hidden ? "" : this.line.text);
    this.fail(new Cancelled("cancelled"));
  };

  private resume(): void {
    if (this.isOver) return;
    this.setRaw(true);
    this.draw();
  }

  private readonly onResize = () => {
    if (!this.isOver && !this.streams.screen.isDumb) this.draw();
  };

  private take(steps: readonly Step[]): void {
    const { line, asked } = this;
    this.error = "";
    for (const step of steps) {
      if (step.kind === "cancelled") this.giveUp();
      else if (step.kind === "refused") this.error = step.why;
      else if (step.kind === "text") this.insert(step.text);
      else if (step.kind === "entered") {
        // What was typed stands there before it is judged.
        if (this.streams.screen.isDumb) this.draw();
        this.enter();
      } else if (isCtrl(step.key, "d") && line.text === "") this.giveUp();
      else if (isCtrl(step.key, "l")) this.frame.clear();
      else if (asked.press?.(step.key, line.text) !== true) {
        // A tab is no part of an answer.
        if (step.key.name !== "tab") line.press(step.key);
      }
      if (this.isOver) return;
      // Nothing is half taken.
      if (this.error !== "") break;
    }
    this.draw();
  }

  private insert(text: string): void {
    if (this.line.text.length + text.length <= LENGTH_MAX)
      this.line.insert(text);
    else
      this.error = `an answer has at most ${LENGTH_MAX} characters: nothing of this was taken`;
  }

  private enter(): void {
    const text = this.line.text.trim();
    try {
      const { value, shown } = this.asked.read(text);
      this.finish(this.shown(printable(shown)));
      this.settle(value);
    } catch (error) {
      if (error instanceof VnetError) this.refuse(text, error.message);
      else {
        this.isOver = true;
        this.fail(error);
      }
    }
  }

  private refuse(text: string, why: string): void {
    this.error = why;
    if (!this.asked.hidden && text !== "") this.earlier.unshift(text);
    this.line.replace("");
  }

  private finish(shown: string): void {
    this.isOver = true;
    this.frame.finish({
      label: [{ text: this.asked.finalLabel }],
      answer: { text: shown, paint: this.paint.cyan },
      cursor: shown.length,
      below: [],
    });
  }

  /** The question stays as far as it was answered; it is drawn anew below what comes then. */
  private leaveRows(): void {
    const text = this.shown(this.line.text);
    const { label } = this.asked;
    this.frame.finish({
      label,
      answer: { text },
      cursor: text.length,
      below: [],
    });
  }

  private draw(): void {
    const { asked, line, paint } = this;
    const { columns } = this.streams.screen;
    const width = Math.max(1, columns - 1);
    const { text, cursor } = line;
    const error = this.error === "" ? [] : this.errorRows(width);
    this.frame.draw({
      label: asked.label,
      answer: { text: this.shown(text) },
      cursor: this.shown(text.slice(0, cursor)).length,
      below: [
        ...error.map((row) => paint.red(row)),
        ...(asked.below?.(text, width) ?? []),
      ],
    });
  }

  private shown(text: string): string {
    if (!this.asked.hidden) return text;
    return this.streams.screen.isDumb ? "" : stars(text);
  }

  private errorRows(width: number): string[] {
    return wrap(printable(this.error), width, INDENT)
      .split("\n")
      .flatMap((row) => cutToWidth(row, width));
  }

  private setRaw(isRaw: boolean): void {
    const { input, output, screen } = this.streams;
    // A TTY has it.
    if ("setRawMode" in input) (input as NodeJS.ReadStream).setRawMode(isRaw);
    if (!screen.isDumb) output.write(isRaw ? PASTES_MARKED : PASTES_UNMARKED);
  }
}

function isCtrl(key: Key, name: string): boolean {
  return key.ctrl === true && key.name === name;
}

function stars(text: string): string {
  return "*".repeat(Array.from(text).length);
}
