// The interactive command line of a node: readline for lines, a question has the input for itself, never both at once.
// Whoever starts it closes it. Knows the node's interface, not its inside; opens nothing but the history.

import { once, type EventEmitter } from "node:events";
import { createInterface, type Interface } from "node:readline";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { NodeConfig } from "../config/config.js";
import { VnetError } from "../errors.js";
import type { NodeControl } from "../node/control.js";
import { Cancelled, type Argument, type Saves, type Scope } from "./command.js";
import { commands } from "./commands/commands.js";
import { tellUnsaved } from "./commands/save.js";
import { complete } from "./completion.js";
import { count } from "../count.js";
import { failureLines } from "./failure.js";
import { drained, holdTyping, isFull, put, putLine } from "./flow.js";
import { isConfidential } from "./confidential.js";
import { History, HISTORY_LIMIT } from "./history.js";
import { invoke } from "./invocation.js";
import { unfitReason } from "./line-limits.js";
import { formatNotice, NoticeQueue } from "./notices.js";
import { wrap } from "./paragraph.js";
import { printable } from "../printable.js";
import type { Screen } from "../screen/screen.js";
import type { Look } from "./table.js";
import type { Pager } from "../screen/pager.js";
import { watch } from "./watch.js";
import type { PromptStreams } from "./asking.js";
import { endsOf, MANY, rowsOf } from "./offer.js";
import { confirmByKey } from "./one-key.js";
import { inPortions } from "./portions.js";
import { ReaderLeft, Sheet } from "./sheet.js";
import { askArgument } from "./prompts.js";
import { HistorySearch } from "./history-search.js";
import { TypedAhead } from "./typed-ahead.js";
import { TypedKeys } from "./typed-keys.js";
import { clearLine, keepAbove, printAbove } from "./typed-line.js";

const PROMPT = ">: ";
/** So long a second Ctrl-C leaves: later it is another slip. */
const LEAVE_MS = 10_000;
const NOTHING = { line: "", cursor: 0 };
/** of a list of candidates, in one write */
const BLOCK_ROWS = 32;

const GREETING = "`help` lists the commands, TAB completes, `exit` leaves";

/** `left`: by `exit`, Ctrl-C or Ctrl-D; `hung up`: the window was closed, the connection to it is lost */
export type Departure = "left" | "hung up";

export interface Results {
  output: NodeJS.WritableStream;
  screen: Screen;
}

export interface TerminalOptions {
  control: NodeControl;
  /** a TTY's input; the terminal has it to itself until it is closed */
  input: NodeJS.ReadableStream;
  output: NodeJS.WritableStream;
  /** what `output` is like; a dumb one gets no escape sequence, and the system edits its line */
  screen: Screen;
  /** shows what is longer than the screen; `lend`: the terminal is its from now on, or ours again */
  pager?: { start(): Promise<Pager>; lend(isLent: boolean): void };
  /** where the commands' own output goes, if not there: a file or a pipe, which nobody types at */
  results?: Results;
  /** Reads and parses a file; null: the one the node was started with. */
  loadConfig(path: string | null): Promise<NodeConfig>;
  /** absent: there is no place to save anything */
  saves?: Saves | undefined;
  /** null: history of this run only */
  historyFile: string | null;
  /** Ctrl-Z; absent: readline stops the process, and takes the input back when it goes on. */
  onStop?: () => void;
  /** Called once, when the person leaves, or the screen goes; not when close() is called from outside. */
  onExit(how: Departure): void;
}

/**
 * - `idle`    the prompt stands, lines are awaited
 * - `running` a command runs; what is typed meanwhile waits for its turn
 * - `asking`  a question has the input
 * - `paging`  the pager has the terminal
 */
type State = "idle" | "running" | "asking" | "paging" | "closed";

type AsyncCompletion = (error: null, hits: [string[], string]) => void;

export class Terminal {
  readonly #options: TerminalOptions;
  readonly #history: History;
  readonly #held = new NoticeQueue();
  readonly #lines = new TypedAhead();
  readonly #closing = new AbortController();
  readonly #stopNotices: () => void;
  readonly #onHangUp = () => this.#leave("hung up");
  readonly #onEnd = () => {
    if (this.#options.screen.isDumb) this.#leaveAtEnd();
    else this.#leave("hung up");
  };
  #state: State = "idle";
  #line: Interface | null = null;
  #search: HistorySearch | null = null;
  #typed: TypedKeys | null = null;
  readonly #onRead = () => {
    holdTyping(this.#options.input, this.#options.output);
  };
  readonly #onDrain = () => this.#printHeld();
  readonly #onResize = () => {
    const { screen } = this.#options;
    if (this.#line) keepAbove(this.#line, screen, this.#columns);
    this.#columns = screen.columns;
  };
  /** aborted by Ctrl-C: nobody waits for the running command any more */
  #waiting: AbortController | null = null;
  /** aborted to give the question up that stands */
  #question: AbortController | null = null;
  /** a line that comes in pieces, of which the end is still to come */
  #inPieces: object | null = null;
  /** a notice, in this turn of the event loop */
  #hasPrinted = false;
  /** it was to show something, and there is no such program */
  #isPagerAbsent = false;
  /** what stood in the line when the pager came */
  #typedBefore = NOTHING;
  /** of the screen, when the line was drawn */
  #columns = 0;
  /** the key before was TAB: the next one wants to see the candidates */
  #wasTab = false;
  /** Ctrl-C was pressed on an empty line: runs while a second one leaves */
  #leaveAsked: NodeJS.Timeout | null = null;
  /** the last thing that was said is that something is not saved */
  #isWarned = false;

  private constructor(options: TerminalOptions) {
    this.#options = options;
    this.#history = History.open(options.historyFile);
    this.#stopNotices = options.control.onNotice((notice) => {
      this.#printOrHold(() => formatNotice(notice, this.#look()));
    });
  }

  static start(options: TerminalOptions): Terminal {
    const terminal = new Terminal(options);
    // An input that ends during a question has no readline to notice it.
    options.input.once("end", terminal.#onEnd);
    // Stays: to give back a screen that is gone fails as well.
    options.input.on("error", terminal.#onHangUp);
    options.output.write(`${wrap(GREETING, options.screen.columns)}\n`);
    options.output.on("drain", terminal.#onDrain);
    terminal.#openLine();
    options.input.on("data", terminal.#onRead);
    const { trouble } = terminal.#history;
    if (trouble !== null) terminal.#print(printable(trouble));
    return terminal;
  }

  /** Gives input and output back. Idempotent; a running command goes on unheard. */
  close(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#stopNotices();
    this.#forgetLeave();
    this.#waiting?.abort();
    this.#closing.abort();
    this.#options.input.off("end", this.#onEnd);
    this.#options.input.off("data", this.#onRead);
    this.#options.output.off("drain", this.#onDrain);
    this.#closeLine();
  }

  /** The process was stopped, and has the screen again. */
  redraw(): void {
    this.#line?.prompt(true);
  }

  /** What Ctrl-C does; where the screen is dumb it comes as a signal of the system. */
  interrupt(): void {
    if (this.#state === "asking") this.#question?.abort();
    else if (this.#line) this.#interrupt(this.#line);
  }

  /** @param before what stands in the line already */
  #openLine(before = NOTHING): void {
    const { input, output, screen, control } = this.#options;
    const typed = new TypedKeys({
      input,
      onKey: (key) => {
        this.#wasTab = key.name === "tab";
        if (this.#state === "idle") search.press(key);
        if (this.#lines.tooMuch(line.line)) empty(line);
      },
    });
    this.#typed = typed;
    const line = createInterface({
      // A dumb terminal's lines are edited by the system.
      input: screen.isDumb ? input : typed.stream,
      output,
      terminal: !screen.isDumb,
      prompt: this.#state === "idle" ? PROMPT : "",
      history: this.#history.newestFirst(),
      historySize: HISTORY_LIMIT,
      // Two parameters tell readline that the answer comes later.
      completer: (text: string, done: AsyncCompletion) => {
        const isSearch = this.#search?.isOn === true;
        const isSecond = this.#wasTab;
        void complete(isSearch ? [] : commands, control, text).then((found) => {
          if (this.#line !== line) return;
          const [hits, raw] = found;
          // Who typed on meanwhile does not want it any more.
          const isSame = line.line.slice(0, line.cursor) === text;
          const isMany = hits.length > MANY;
          const isAsked = isMany && isSecond && isSame && this.#isIdle();
          if (!isSame || isAsked) done(null, [[], text]);
          else done(null, isMany ? [endsOf(hits), raw] : found);
          if (isAsked) void this.#offerAll(line, hits);
        });
      },
    });
    this.#line = line;
    const search = new HistorySearch({
      line,
      prompt: PROMPT,
      newestFirst: () => this.#history.newestFirst(),
    });
    this.#search = search;
    this.#columns = screen.columns;
    if (line.terminal) {
      typed.open(line);
      // Before readline's own listener.
      output.prependListener("resize", this.#onResize);
    }
    line.on("line", (entered) => {
      this.#forgetLeave();
      const tooLong = this.#lines.endCut(entered);
      if (tooLong !== null) {
        search.giveUp();
        this.#print(tooLong);
        return;
      }
      const text = search.take(entered);
      if (text === null) {
        this.#print(`nothing in the history has "${printable(entered)}"`);
        return;
      }
      this.#history.add(text, this.#keys());
      this.#lines.push(text);
      void this.#drain();
    });
    // The line that was entered just now, before anybody can call it back.
    line.on("history", (lines) => {
      if (search.isOn)
        lines.splice(
          0,
          1,
          ...[search.found(lines[0])].filter((each) => each !== null),
        );
      const [newest = ""] = lines;
      const isLeftOut = this.#lines.isCut || unfitReason(newest) !== null;
      if (isLeftOut || isConfidential(newest, this.#keys())) lines.shift();
    });
    line.on("SIGINT", () => this.#interrupt(line));
    const { onStop } = this.#options;
    if (onStop) line.on("SIGTSTP", onStop);
    // Of the input; undocumented, and fatal without a listener.
    (line as EventEmitter).on("error", this.#onHangUp);
    // Ctrl-D on an empty line, or the end of the input.
    line.on("close", () => {
      if (this.#line !== line) return;
      if (!line.terminal) this.#leaveAtEnd();
      else this.#leaveByKey();
    });
    Object.assign(line, before);
    line.prompt(true);
  }

  #look(): Look {
    return this.#options.screen;
  }

  #keys(): string[] {
    const { route, vnet } = this.#options.control.config;
    return [route.authkey, vnet.secret];
  }

  #closeLine(): void {
    const line = this.#line;
    this.#line = null;
    this.#search = null;
    this.#wasTab = false;
    this.#typed?.close();
    this.#typed = null;
    this.#options.output.off("resize", this.#onResize);
    line?.close();
  }

  /** The system's own Ctrl-D ends the input, as a closed window does, whose SIGHUP is heard in the next turns. */
  #leaveAtEnd(): void {
    setImmediate(() => setImmediate(() => this.#leave()));
  }

  #leave(how: Departure = "left"): void {
    if (this.#state === "closed") return;
    if (this.#state === "idle" && how === "left")
      this.#options.output.write("\n");
    this.close();
    this.#options.onExit(how);
  }

  /** Runs the lines typed so far, one after the other. */
  async #drain(): Promise<void> {
    if (this.#state !== "idle") return;
    let text: string | undefined;
    while ((text = this.#lines.shift()) !== undefined && !this.#isClosed()) {
      this.#state = "running";
      this.#line?.setPrompt("");
      const waiting = new AbortController();
      this.#waiting = waiting;
      const run = this.#run(text, waiting.signal).then(() => "done");
      const givenUp = once(waiting.signal, "abort").then(() => nextTurn());
      if ((await Promise.race([run, givenUp])) !== "done" && !this.#isClosed())
        this.#print("not waiting for it; what comes of it is printed here");
      // Thousands of lines can be pasted: the network has its turn between them.
      if (!this.#lines.isEmpty) await nextTurn();
      this.#waiting = null;
      if (this.#isClosed()) return;
      this.#becomeIdle();
    }
    const leftOut = this.#lines.takeLeftOut();
    if (leftOut !== null) this.#print(leftOut);
  }

  #becomeIdle(): void {
    this.#state = "idle";
    this.#printHeld();
    this.#line?.setPrompt(PROMPT);
    // The system has shown the lines that wait already.
    const isShown = this.#line?.terminal === false && !this.#lines.isEmpty;
    if (!isShown) this.#line?.prompt(true);
  }

  /** Never rejects: a mistake is printed, a bug of ours ends the program. */
  async #run(text: string, signal: AbortSignal): Promise<void> {
    const { control, results } = this.#options;
    const isWarned = this.#isWarned;
    if (text.trim() !== "") this.#isWarned = false;
    try {
      await invoke(text, {
        control,
        signal,
        loadConfig: (path) => this.#options.loadConfig(path),
        saves: this.#options.saves,
        look: () => results?.screen ?? this.#look(),
        write: (block) =>
          results ? put(results.output, `${block}\n`) : this.#printBlock(block),
        writeLine: (pieces) =>
          results ? putLine(results.output, pieces) : this.#printLine(pieces),
        ...(this.#options.pager &&
          !results && { sheet: () => this.#makeSheet(signal) }),
        ask: (argument, scope) => this.#ask(argument, scope, signal),
        watch: (title, draw) =>
          this.#lendInput(signal, (lent) => {
            const { control } = this.#options;
            const onChange = (listener: () => void) =>
              control.onNotice(listener);
            return watch({ ...lent, title, draw, onChange });
          }),
        leave: () => {
          this.#isWarned = isWarned;
          this.#leaveOrWarn();
        },
      });
    } catch (error) {
      if (error instanceof Cancelled) this.#print("cancelled");
      else if (error instanceof VnetError)
        this.#print(
          failureLines(error)
            .map((line) => wrap(line, this.#look().columns))
            .join("\n"),
        );
      else this.#crash(error);
    }
  }

  #makeSheet(waiting: AbortSignal): Sheet {
    return new Sheet({
      screen: this.#options.screen,
      print: (text) => this.#printBlock(text),
      printLine: (pieces) => this.#printLine(pieces),
      startPager: () => this.#startPager(waiting),
      takeBack: (isAbsent) => {
        if (isAbsent) this.#isPagerAbsent = true;
        this.#takeBack();
      },
      signal: this.#closing.signal,
    });
  }

  /** Lists the candidates of a completion, if they are wanted; the line stays as it is. */
  async #offerAll(line: Interface, hits: readonly string[]): Promise<void> {
    const { screen, pager } = this.#options;
    const { signal } = this.#closing;
    const isWanted = await this.#lendInput(
      signal,
      (lent) => {
        lent.output.write("\n");
        return confirmByKey(`display all ${hits.length}?`, lent);
      },
      { line: line.line, cursor: line.cursor },
    );
    if (this.#isClosed()) return;
    if (isWanted) {
      const rows = rowsOf(hits, screen);
      const sheet = pager && this.#makeSheet(new AbortController().signal);
      try {
        for await (const portion of inPortions(rows, signal, BLOCK_ROWS))
          await (sheet?.write(portion.join("\n")) ??
            this.#printBlock(portion.join("\n")));
      } catch (error) {
        if (!(error instanceof ReaderLeft || error instanceof Cancelled))
          this.#crash(error);
      } finally {
        await sheet?.end();
      }
      if (this.#isClosed()) return;
    }
    this.#becomeIdle();
    void this.#drain();
  }

  /** Null for a command that nobody waits for any more, whose output comes between others'. */
  async #startPager(waiting: AbortSignal): Promise<Pager | null> {
    const { pager, output } = this.#options;
    const line = this.#line;
    if (!pager || this.#isPagerAbsent || waiting.aborted || !line) return null;
    this.#typedBefore = { line: line.line, cursor: line.cursor };
    clearLine(line, output);
    this.#closeLine();
    this.#state = "paging";
    pager.lend(true);
    // What was written before stands there first.
    await new Promise<void>((resolve) => output.write("", () => resolve()));
    return pager.start();
  }

  #takeBack(): void {
    this.#options.pager?.lend(false);
    if (this.#isClosed()) return;
    this.#state = "running";
    this.#openLine(this.#typedBefore);
  }

  #ask<T>(
    argument: Argument<T>,
    scope: Scope,
    signal: AbortSignal,
  ): Promise<T> {
    return this.#lendInput(signal, (lent) =>
      askArgument(argument, scope, lent),
    );
  }

  /**
   * The input is another's, and so is Ctrl-C, until its work is done.
   * @param before what stands in the line afterwards
   */
  async #lendInput<T>(
    signal: AbortSignal,
    work: (lent: PromptStreams) => Promise<T>,
    before = NOTHING,
  ): Promise<T> {
    // The rest of a read that brought the command.
    await nextTurn();
    if (signal.aborted || this.#isClosed()) throw new Cancelled("cancelled");
    const { input, output, screen } = this.#options;
    // Lines typed ahead were meant as commands, or as answers to a question not yet seen.
    const ahead = this.#lines.clear();
    if (ahead > 0)
      this.#print(`${count(ahead, "line")} typed ahead: not taken`);
    this.#closeLine();
    this.#state = "asking";
    try {
      this.#question = new AbortController();
      const closing = this.#closing.signal;
      const stopped = AbortSignal.any([closing, this.#question.signal]);
      return await work({ input, output, screen, signal: stopped });
    } finally {
      this.#question = null;
      if (!this.#isClosed()) {
        this.#state = "running";
        this.#openLine(before);
      }
    }
  }

  #interrupt(line: Interface): void {
    this.#lines.giveUp();
    if (this.#state === "running") {
      this.#waiting?.abort();
      this.#lines.clear();
    } else if (this.#search?.isOn === true) {
      this.#search.giveUp();
    } else if (line.line !== "") {
      this.#forgetLeave();
      empty(line);
    } else if (this.#leaveAsked) {
      this.#leave();
    } else {
      this.#leaveAsked = setTimeout(() => this.#forgetLeave(), LEAVE_MS);
      const unsaved = this.#unsaved();
      this.#isWarned = unsaved !== null;
      const lost = unsaved === null ? "" : `${unsaved}; `;
      this.#print(
        wrap(
          `${lost}leave? Ctrl-C again or \`exit\` leaves`,
          this.#look().columns,
        ),
      );
    }
  }

  #forgetLeave(): void {
    if (this.#leaveAsked) clearTimeout(this.#leaveAsked);
    this.#leaveAsked = null;
  }

  /** Ctrl-D on an empty line has closed it. */
  #leaveByKey(): void {
    if (this.#isWarned || this.#unsaved() === null) return this.#leave();
    if (this.#state === "idle") this.#options.output.write("\n");
    this.#closeLine();
    this.#openLine();
    this.#leaveOrWarn();
  }

  /** What would be lost is said once; the next time, when nothing else was done meanwhile, it is left. */
  #leaveOrWarn(): void {
    const unsaved = this.#isWarned ? null : this.#unsaved();
    if (unsaved === null) return this.#leave();
    this.#isWarned = true;
    this.#print(
      wrap(`${unsaved}; \`exit\` again leaves`, this.#look().columns),
    );
  }

  /** Null: nothing is lost when this node ends. */
  #unsaved(): string | null {
    const { saves, control } = this.#options;
    return saves === undefined ? null : tellUnsaved(saves.unsaved(control));
  }

  #printOrHold(make: () => string): void {
    if (this.#state === "closed") return;
    this.#held.hold(make);
    this.#printHeld();
  }

  /**
   * One at once; those that come in the same turn of the event loop together, as each print draws the line anew. A screen
   * that stands still is told when it goes on. False: nothing was printed.
   */
  #printHeld(): boolean {
    const mustWait = this.#hasPrinted || isFull(this.#options.output);
    if (this.#state !== "idle" || mustWait || this.#held.isEmpty) return false;
    this.#print(this.#held.take().join("\n"));
    this.#hasPrinted = true;
    setImmediate(() => {
      this.#hasPrinted = false;
      this.#printHeld();
    });
    return true;
  }

  #print(text: string): void {
    if (this.#state === "closed") return;
    this.#endLine();
    if (this.#line) printAbove(this.#line, this.#options.output, text);
    // A command that nobody waits for any more can end during another one's question.
    else this.#held.hold(() => text);
  }

  /** As `#print`, and waits for whoever reads. */
  async #printBlock(text: string): Promise<void> {
    this.#print(text);
    await drained(this.#options.output);
  }

  /** A line that comes in pieces, above the one being typed. */
  async #printLine(pieces: AsyncIterable<string>): Promise<void> {
    const { output } = this.#options;
    const line = this.#line;
    if (!line) return;
    clearLine(line, output);
    const inPieces = {};
    this.#inPieces = inPieces;
    const isOver = () => this.#line !== line || this.#inPieces !== inPieces;
    try {
      for await (const piece of pieces)
        if (isOver()) return;
        else await put(output, piece);
    } finally {
      if (!isOver()) {
        this.#endLine();
        line.prompt(true);
      }
    }
  }

  /** What stands on the screen of a line that comes in pieces stays. */
  #endLine(): void {
    if (this.#inPieces === null) return;
    this.#inPieces = null;
    if (this.#line) this.#options.output.write("\n");
  }

  #isIdle(): boolean {
    return this.#state === "idle";
  }

  // Read through a method, so that the compiler does not take it for constant across an await.
  #isClosed(): boolean {
    return this.#state === "closed";
  }

  #crash(error: unknown): void {
    this.close();
    setImmediate(() => {
      throw error;
    });
  }
}

/** Takes away what was typed. */
function empty(line: Interface): void {
  line.write(null, { ctrl: true, name: "e" });
  line.write(null, { ctrl: true, name: "u" });
}
