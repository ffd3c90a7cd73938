// A program whose stdin and stdout are a connection. Owns the process, which ends with the connection, and a failure of it
// is the connection's error, raised when all that it wrote has been read. No shell is involved.
//
//   write ──→ stdin ── program ── stdout ──→ read        stderr ──→ lines for the log

import { Duplex } from "node:stream";
import { VnetError } from "../errors.js";
import { endProgram, type Program } from "./program.js";
import { ProgramLines } from "./program-lines.js";

/** How long a program has to end by itself after both directions ended in good order. */
const END_TIMEOUT_MS = 2_000;
/** Its exit follows the end of its stdout at once, as does the end of stderr; unless something of it lives on. */
const GRACE_MS = 500;
const BUFFER_BYTES = 64 * 1024;

type Callback = (error?: Error | null) => void;

export class ProgramLink extends Duplex {
  private readonly lines: ProgramLines;
  /** undefined: it runs; null: it ended well; else how it ended */
  private ending: string | null | undefined;
  private stdoutEnded = false;
  private stderrEnded = false;
  private pushedEnd = false;
  /** to be raised when everything before it has been read */
  private failure: VnetError | undefined;
  /** of a write that the program did not take: answered when all that the program wrote has been read */
  private refusedWrite: Callback | undefined;
  private graceTimer: NodeJS.Timeout | undefined;

  /**
   * @param name what its errors call it
   * @param onLine is given each line of its stderr
   */
  constructor(
    private readonly child: Program,
    private readonly name: string,
    onLine: (text: string) => void,
  ) {
    super({
      readableHighWaterMark: BUFFER_BYTES,
      writableHighWaterMark: BUFFER_BYTES,
    });
    this.lines = new ProgramLines(onLine);
    child.once("exit", (code, signal) => {
      this.exited(code, signal);
    });
    this.watchOutput();
    // Each failed write has a callback that hears of it.
    child.stdin.on("error", () => undefined);
    this.once("end", () => {
      this.answerRefusedWrite();
    });
  }

  override _read(): void {
    this.child.stdout.resume();
  }

  override read(size?: number): unknown {
    const chunk: unknown = super.read(size);
    if (this.failure !== undefined)
      queueMicrotask(() => {
        this.failIfAllIsRead();
      });
    return chunk;
  }

  override _write(chunk: Buffer, _: BufferEncoding, callback: Callback): void {
    this.child.stdin.write(chunk, (error) => {
      if (error == null) {
        callback();
        return;
      }
      this.refusedWrite = callback;
      if (this.readableEnded) this.answerRefusedWrite();
    });
  }

  override _final(callback: Callback): void {
    // A program that is gone already has seen the end, and its stdin would not answer.
    if (this.child.stdin.destroyed) callback();
    else
      this.child.stdin.end(() => {
        callback();
      });
  }

  override _destroy(error: Error | null, callback: Callback): void {
    clearTimeout(this.graceTimer);
    const { child } = this;
    child.stdout.destroy();
    child.stdin.destroy();
    // While it runs its last words are still for the log.
    if (this.ending !== undefined) child.stderr.destroy();
    const inOrder =
      error === null && this.readableEnded && this.writableFinished;
    endProgram(child, inOrder ? END_TIMEOUT_MS : 0);
    callback(error);
  }

  private watchOutput(): void {
    const { stdout, stderr } = this.child;
    const ended = () => {
      if (this.stdoutEnded) return;
      this.stdoutEnded = true;
      this.settleSoon();
    };
    stdout.on("data", (chunk: Buffer) => {
      if (!this.push(chunk)) stdout.pause();
    });
    stdout.pause();
    stdout.on("error", () => undefined);
    stdout.once("end", ended).once("close", ended);
    const said = () => {
      if (this.stderrEnded) return;
      this.stderrEnded = true;
      this.lines.end();
      this.settle(false);
    };
    stderr.on("data", (chunk: Buffer) => {
      this.lines.push(chunk);
    });
    stderr.on("error", () => undefined);
    stderr.once("end", said).once("close", said);
  }

  private exited(code: number | null, signal: string | null): void {
    if (code === 0) this.ending = null;
    else
      this.ending =
        code === null
          ? `was ended by ${signal ?? "a signal"}`
          : `ended with status ${code}`;
    if (this.destroyed) this.child.stderr.destroy();
    else this.settleSoon();
  }

  private settleSoon(): void {
    this.settle(false);
    clearTimeout(this.graceTimer);
    if (this.destroyed || this.failure !== undefined) return;
    this.graceTimer = setTimeout(() => {
      this.settle(true);
    }, GRACE_MS);
  }

  /** What the end of stdout means: half of the connection, all of it, or a failure. */
  private settle(isLate: boolean): void {
    if (this.destroyed || !this.stdoutEnded) return;
    if (this.ending === undefined) {
      if (isLate) this.endReading();
    } else if (this.ending === null) this.endReading();
    else if (this.stderrEnded || isLate) {
      const said = this.lines.last === "" ? "" : `: ${this.lines.last}`;
      this.failure = new VnetError(
        "network",
        `${this.name} ${this.ending}${said}`,
      );
      this.failIfAllIsRead();
    }
  }

  private endReading(): void {
    if (this.pushedEnd) return;
    this.pushedEnd = true;
    this.push(null);
  }

  private failIfAllIsRead(): void {
    if (this.failure !== undefined && this.readableLength === 0)
      this.destroy(this.failure);
  }

  /** As with TCP, what is written to somebody who is gone breaks the connection. */
  private answerRefusedWrite(): void {
    const callback = this.refusedWrite;
    this.refusedWrite = undefined;
    callback?.(new VnetError("closed", `${this.name} takes no more input`));
  }
}
