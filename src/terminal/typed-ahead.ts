// The lines that were typed or pasted and wait for their turn, and the one that is being typed where it becomes too long:
// both have a bound. Owned by the terminal.

import { count } from "../count.js";
import { LINE_BYTES_MAX, tooLong } from "./line-limits.js";

/** What may wait: thousands of commands, as somebody pastes them on purpose. */
const WAITING_MAX = 1024 * 1024;

export class TypedAhead {
  private readonly waiting: string[] = [];
  /** characters in `waiting`, each line with its end */
  private held = 0;
  /** lines for which there was no room */
  private leftOut = 0;
  /** bytes of the line being typed that were thrown away */
  private cut = 0;

  /** Whether the line being typed became too long, and is thrown away. */
  get isCut(): boolean {
    return this.cut > 0;
  }

  /** Looks at the line as it stands; true: it is to be emptied, as this much of it was counted. */
  tooMuch(line: string): boolean {
    if (line.length <= LINE_BYTES_MAX) return false;
    this.cut += Buffer.byteLength(line);
    return true;
  }

  /** The line being typed was given up. */
  giveUp(): void {
    this.cut = 0;
  }

  /** What is left of a line that was too long ends; the result says so. Null: it is a line like others. */
  endCut(rest: string): string | null {
    if (this.cut === 0) return null;
    const bytes = this.cut + Buffer.byteLength(rest);
    this.cut = 0;
    return tooLong("the line", bytes);
  }

  /** Once one is left out, so are those behind it, until all before it have run: no line runs without the one before. */
  push(line: string): void {
    const size = line.length + 1;
    if (this.leftOut > 0 || this.held + size > WAITING_MAX) {
      this.leftOut++;
      return;
    }
    this.held += size;
    this.waiting.push(line);
  }

  get isEmpty(): boolean {
    return this.waiting.length === 0;
  }

  shift(): string | undefined {
    const line = this.waiting.shift();
    if (line !== undefined) this.held -= line.length + 1;
    return line;
  }

  /** How many lines are not run by that. */
  clear(): number {
    const cleared = this.waiting.length + this.leftOut;
    this.waiting.length = 0;
    this.held = 0;
    this.leftOut = 0;
    return cleared;
  }

  /** To be told when all that waited has run; null: none was left out. */
  takeLeftOut(): string | null {
    const { leftOut } = this;
    this.leftOut = 0;
    if (leftOut === 0) return null;
    return `${count(leftOut, "line")} left out: more was typed ahead than is kept (1 MiB)`;
  }
}
