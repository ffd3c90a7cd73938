// One session of the real terminal: a node, a screen and a person who presses anything. After each step it is looked at
// what has to hold; at its end Ctrl-C, Enter and `help` have to work. Owned by the host, or by whoever plays it.

import { Interface } from "node:readline";
import {
  setImmediate as turn,
  setTimeout as sleep,
} from "node:timers/promises";
import type { Saves } from "../../../src/terminal/command.js";
import { Terminal } from "../../../src/terminal/terminal.js";
import type { Script } from "../script.js";
import { serveSettings } from "../../support/settings.js";
import { HostileNode } from "./hostile-node.js";
import { FuzzScreen } from "./screen.js";
import { playScript } from "./script-session.js";
import { playSecret } from "./secret-session.js";
import { decodeSetting, decodeStep, type Setting, type Step } from "./steps.js";

const PROMPT = ">: ";
const CTRL_C = "\u0003";
const PASTE_END = "\u001b[201~";

/** What a key may write: the line anew, a few times, with what steers the cursor; a row that is full has more. */
const REDRAWS = 6;
const REDRAW_CHARACTERS = 400;
/** What an entered line, TAB or a search may write beside that. */
const ANSWER_CHARACTERS = 40_000;
/** A row of a list, with its borders and its colours, or as a card. */
const ROW_CHARACTERS = 4_000;
/** What commands of before, which nobody waits for any more, may still say beside the prompt. */
const LATE_CHARACTERS = 60_000;
/** A word of that length may be broken between two rows. */
const WORD_COLUMNS = 12;
/** Rows above the prompt in which the newest notice ends. */
const NOTICE_ROWS = 4;
/** So long may it take until the prompt is back, on a machine that has much to do. */
const DEADLINE_MS = 20_000;
/** Ctrl-C: out of the command, of the search, of the line. */
const MAX_CTRL_C = 12;
/** Long enough for what waits for a moment of quiet, as it is shortened below. */
const WAIT_MS = 3;
const QUIET_MS = 20;
/** Enough for keys that are only echoed. */
const SOME_TURNS = 6;

/** Characters whose width is beyond doubt. */
const PLAIN =
  /^[\u0020-\u007e\u00a1-\u00ac\u00ae-\u02ff\u3041-\u3096\u4e00-\u9fff\uac00-\ud7a3]*$/;
const WIDE = /[\u3041-\u3096\u4e00-\u9fff\uac00-\ud7a3]/;

/** readline's newest that gave a prompt: the terminal keeps its own to itself. */
let prompted: Interface | null = null;

const see = (line: Interface) => {
  prompted = line;
};
const spied = Interface.prototype as unknown as {
  prompt: (this: Interface, keepsCursor?: boolean) => void;
};
const { prompt } = spied;
spied.prompt = function (keepsCursor) {
  see(this);
  prompt.call(this, keepsCursor);
};

// Ctrl-Z would stop this process; the shell's `fg` comes at once instead.
const kill = process.kill.bind(process);
process.kill = (pid, signal) => {
  if (signal !== "SIGTSTP") return kill(pid, signal);
  setImmediate(() => process.emit("SIGCONT", "SIGCONT"));
  return true;
};

// A question waits until nothing more comes with a key; here that is a moment.
const later = globalThis.setTimeout;
globalThis.setTimeout = Object.assign(
  (callback: () => void, ms?: number) =>
    later(callback, ms === QUIET_MS ? 1 : ms),
  { ...later },
) as typeof setTimeout;

// Each Ctrl-Z of a paste waits for its `fg`.
process.setMaxListeners(0);

export interface Played {
  /** how many steps were a person's */
  inputs: number;
  /** the first thing that did not hold; null: all did */
  fault: string | null;
}

export async function playSession({ steps, way }: Script): Promise<Played> {
  const setting = decodeSetting(way);
  const decoded = steps.map(decodeStep);
  if (setting.kind === "secret") return playSecret(setting, decoded);
  if (setting.kind === "script") return playScript(setting, decoded);
  const session = new Session(setting);
  try {
    return await session.play(decoded);
  } finally {
    await session.close();
  }
}

class Session {
  private readonly screen: FuzzScreen;
  private readonly node: HostileNode;
  private readonly bare: Record<string, number>;
  private terminal: Terminal | null = null;
  private hasLeft = false;
  private allowance = 0;
  private inputs = 0;
  /** of all lines so far */
  private longest = 0;

  constructor(private readonly setting: Setting) {
    this.screen = new FuzzScreen(setting);
    this.node = new HostileNode(setting.seed, setting.serves);
    this.bare = this.listeners();
  }

  async play(steps: readonly Step[]): Promise<Played> {
    this.open();
    for (const [at, step] of steps.entries()) {
      await this.take(step);
      const fault = await this.look(step);
      if (fault !== null) return this.verdict(`step ${at + 1}: ${fault}`);
    }
    const fault = await this.finish();
    return this.verdict(fault === null ? null : `at the end: ${fault}`);
  }

  async close(): Promise<void> {
    this.terminal?.close();
    this.screen.goOn();
    await turn();
    this.screen.close();
  }

  private verdict(fault: string | null): Played {
    return { inputs: this.inputs, fault };
  }

  private open(): void {
    this.hasLeft = false;
    const { input, output } = this.screen;
    this.terminal = Terminal.start({
      ...{ control: this.node, input, output },
      screen: this.screen.look(this.setting.color),
      loadConfig: async () => this.node.config,
      saves: this.saves(),
      historyFile: null,
      // As own-job.ts does, where the shell's `fg` comes at once.
      onStop: () => {
        this.terminal?.redraw();
        setImmediate(() => input.resume());
      },
      onExit: () => {
        this.hasLeft = true;
      },
    });
    this.allowance += ANSWER_CHARACTERS;
  }

  /** What was made in the session; nothing is written. */
  private saves(): Saves {
    const { node } = this;
    const file = "config.ini";
    return {
      unsaved: () => ({
        changes: node.serveList.map((serve) => ({
          kind: "serve-added",
          serve: serveSettings(serve.label, { port: serve.port }),
        })),
        ...{ notes: node.serveList.map(() => node.words()), file },
      }),
      prepare: async (_control, path) => ({
        file: path ?? file,
        diff: node.serveList.map(() => ({ sign: "+", text: node.words() })),
        notes: [node.words()],
        write: () => turn(),
      }),
    };
  }

  private async take(step: Step): Promise<void> {
    const { screen } = this;
    if (step.kind === "keys") await this.press(step.bytes);
    else if (step.kind === "resize") {
      this.allow(1);
      await screen.resize(step.size);
    } else if (step.kind === "stop") screen.stop();
    else if (step.kind === "go on") screen.goOn();
    else if (step.kind === "notices") {
      for (let left = step.count; left > 0; left--) this.node.happen();
      this.allowance += step.count * ROW_CHARACTERS;
      this.allow(step.count);
    }
    if (step.kind === "wait") await sleep(WAIT_MS);
    await turns(1);
  }

  private async press(bytes: Buffer): Promise<void> {
    this.inputs++;
    const { length } = bytes;
    // Text is inserted as a whole; each key in it may draw the line anew.
    const keys = bytes.filter((byte) => byte < 32 || byte === 127).length;
    this.allow(2 + keys, length);
    // A line entered, a completion, a search; each list in a paste may be a whole one.
    for (const byte of bytes)
      if (byte === 13 || byte === 10 || byte === 9 || byte === 18)
        this.allowance +=
          ANSWER_CHARACTERS + this.node.remoteList.length * ROW_CHARACTERS;
    this.screen.input.write(bytes);
    await turns(bytes.includes(13) ? SOME_TURNS : 1);
  }

  /** Room for so many redraws of the line, which may grow by `more` meanwhile, or be one of before. */
  private allow(redraws: number, more = 0): void {
    const line = prompted?.line.length ?? 0;
    this.longest = Math.max(this.longest, line + more);
    this.allowance += REDRAWS * redraws * (this.longest + REDRAW_CHARACTERS);
  }

  private async look(step?: Step): Promise<string | null> {
    const { screen } = this;
    if (screen.fault !== null) return screen.fault;
    if (screen.written > this.allowance)
      return `${screen.written} characters were written where ${this.allowance} would be many`;
    if (this.hasLeft) {
      const fault = await this.checkLeft();
      if (fault !== null) return fault;
      this.open();
    }
    if (!this.isIdle() || !screen.isReading) return null;
    const most = screen.written + LATE_CHARACTERS;
    this.allowance = Math.min(this.allowance, most);
    await screen.show();
    return this.checkLine() ?? this.checkAbove(step);
  }

  /** Whoever left has given everything back, and says nothing more. */
  private async checkLeft(): Promise<string | null> {
    this.screen.goOn();
    await turns(SOME_TURNS);
    const { written } = this.screen;
    const now = this.listeners();
    for (const [name, count] of Object.entries(this.bare))
      if ((now[name] ?? 0) > count)
        return `the terminal was left, and still listens for ${name}`;
    this.node.happen();
    await turns(SOME_TURNS);
    if (this.screen.written > written)
      return "the terminal was left, and still writes";
    await this.screen.show();
    const mode = this.screen.leftMode;
    return mode === null ? null : `the terminal was left, and ${mode}`;
  }

  private listeners(): Record<string, number> {
    const { input, output } = this.screen;
    return {
      notices: this.node.listeners,
      keypress: input.listenerCount("keypress"),
      resize: output.listenerCount("resize"),
      drain: output.listenerCount("drain"),
    };
  }

  private get line(): Interface | null {
    const line: (Interface & { closed?: boolean }) | null = prompted;
    return line === null || line.closed === true ? null : line;
  }

  /** The prompt stands, or a search. */
  private isIdle(): boolean {
    const prompt = this.line?.getPrompt() ?? "";
    return !this.hasLeft && (prompt === PROMPT || prompt.startsWith("search"));
  }

  /** Nothing but the prompt stands there. */
  private isFree(): boolean {
    return (
      this.isIdle() &&
      this.line?.getPrompt() === PROMPT &&
      this.line.line === ""
    );
  }

  /** Whether the screen shows the prompt, the line and the cursor as readline has them. */
  private checkLine(): string | null {
    const { line, screen } = this;
    if (line === null) return null;
    const text = line.getPrompt() + line.line;
    if (!PLAIN.test(text)) return null;
    const { cols: columns } = screen.model;
    const expected = rowsOf(text, columns);
    // readline knows no width then, and what is as long as the screen is wide is out of its hand.
    if (!screen.isTrue && textColumns(text) >= columns) return null;
    // What is higher than the screen cannot be drawn as a whole.
    if (expected.length >= screen.model.rows) return null;
    const at = line.getCursorPos();
    const { column, row } = screen.cursor;
    const top = row - at.rows;
    const shown = Array.from(
      { length: Math.max(0, screen.bottom + 1 - top) },
      (_, index) => screen.row(top + index) ?? "",
    );
    while (shown.at(-1) === "") shown.pop();
    while (expected.at(-1) === "") expected.pop();
    const isSame =
      top >= 0 &&
      shown.length === expected.length &&
      shown.every((each, index) => each === expected[index]);
    if (!isSame)
      return `the screen shows ${JSON.stringify(shown.join("|").slice(0, 600))} where readline has ${JSON.stringify(expected.join("|").slice(0, 600))} (${columns} columns)`;
    // Behind the last column the cursor waits at its row's end.
    const isThere = column === at.cols || (at.cols === 0 && column === columns);
    if (!isThere)
      return `the cursor stands in column ${column}, and for readline in ${at.cols} of ${JSON.stringify(text.slice(0, 300))} (${columns} columns)`;
    return null;
  }

  /** Whether what was printed last still stands above the line. */
  private checkAbove(step?: Step): string | null {
    const { screen, line } = this;
    const { columns, rows } = screen.output;
    if (line === null || columns < WORD_COLUMNS) return null;
    if (!PLAIN.test(line.getPrompt() + line.line)) return null;
    const top = screen.cursor.row - line.getCursorPos().rows;
    const above = Array.from({ length: NOTICE_ROWS }, (_, index) =>
      screen.row(top - 1 - index),
    );
    const { newest } = this.node;
    if (step?.kind === "notices" && screen.text.includes(newest)) {
      const isHigh = textRows(line, columns) + NOTICE_ROWS > rows;
      const isThere = above.some((row) => row?.includes(newest) === true);
      if (!isThere && !isHigh)
        return `the notice that ends with ${newest} does not stand above the line: ${JSON.stringify(above)} (${columns} columns)`;
    }
    return null;
  }

  /** Whatever happened: Ctrl-C gives the prompt back, and a command works. */
  private async finish(): Promise<string | null> {
    this.screen.goOn();
    // A paste that has begun ends: a terminal sees to that.
    await this.press(Buffer.from(PASTE_END));
    let fault = await this.look();
    for (let left = MAX_CTRL_C; fault === null && !this.isFree(); left--) {
      if (left === 0) return `no prompt comes back: ${this.standing()}`;
      await this.press(Buffer.from(CTRL_C));
      await this.until(() => this.isFree() || this.hasLeft, 200);
      fault = await this.look();
    }
    if (fault !== null) return fault;
    await this.press(Buffer.from("\r"));
    await turns(SOME_TURNS);
    this.screen.text = "";
    await this.press(Buffer.from("help\r"));
    const isThere = () =>
      this.isFree() && /\bexit\b[^]*>:\s*$/.test(this.screen.text);
    if (!(await this.until(isThere, DEADLINE_MS)))
      return `help does not work: ${this.standing()}`;
    await this.screen.show();
    const mode = this.screen.leftMode;
    return mode === null ? this.look() : `the prompt stands, and ${mode}`;
  }

  private standing(): string {
    const prompt = this.line?.getPrompt() ?? "none";
    const end = JSON.stringify(this.screen.text.slice(-300));
    return `the prompt is ${JSON.stringify(prompt)}, the line ${JSON.stringify(this.line?.line ?? "")}; the screen ends with ${end}`;
  }

  private async until(holds: () => boolean, timeoutMs: number) {
    const end = performance.now() + timeoutMs;
    while (!holds() && performance.now() < end) await turn();
    return holds();
  }
}

async function turns(count: number): Promise<void> {
  for (let left = count; left > 0; left--) await turn();
}

function textColumns(text: string): number {
  return Array.from(text, (each) => (WIDE.test(each) ? 2 : 1)).reduce(
    (sum: number, each) => sum + each,
    0,
  );
}

function textRows(line: Interface, columns: number): number {
  return Math.ceil(textColumns(line.getPrompt() + line.line) / columns);
}

/** The rows that a text takes, without the blanks at their ends. */
function rowsOf(text: string, columns: number): string[] {
  const rows: string[] = [];
  let row = "";
  let used = 0;
  for (const character of text) {
    const width = WIDE.test(character) ? 2 : 1;
    if (used + width > columns) {
      rows.push(row);
      row = "";
      used = 0;
    }
    row += character;
    used += width;
  }
  return [...rows, row].map((each) => each.trimEnd());
}
