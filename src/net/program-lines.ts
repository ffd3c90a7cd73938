// What a program says on its stderr, line by line, fit for a log: bounded in length and number, without control characters.

import { StringDecoder } from "node:string_decoder";
import { Allowance } from "./allowance.js";

const LINE_CHARACTERS_MAX = 300;
const LINES_PER_SECOND = 10;

export class ProgramLines {
  /** the newest line that says something */
  last = "";
  private readonly decoder = new StringDecoder("utf8");
  private readonly allowance = new Allowance(LINES_PER_SECOND);
  /** what there is of a line that has not ended; no longer than a line may be */
  private begun = "";
  private leftOut = 0;

  constructor(private readonly onLine: (text: string) => void) {}

  push(chunk: Buffer): void {
    // A carriage return alone is how progress is shown: each state of it is a line.
    const parts = this.decoder.write(chunk).split(/\r\n|[\r\n]/);
    const rest = parts.pop() ?? "";
    for (const part of parts) {
      this.extend(part);
      this.finish();
    }
    this.extend(rest);
  }

  /** The stream is over; a last line may lack its end. */
  end(): void {
    this.finish();
  }

  private extend(text: string): void {
    const room = LINE_CHARACTERS_MAX - this.begun.length;
    this.begun += text.slice(0, Math.max(0, room));
  }

  private finish(): void {
    const text = this.begun
      .replace(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]+/gu, " ")
      .trim();
    this.begun = "";
    if (text === "") return;
    this.last = text;
    if (this.allowance.draw(0) > 0) {
      this.leftOut++;
      return;
    }
    this.allowance.draw(1);
    const mark =
      this.leftOut > 0 ? ` (${this.leftOut} lines before it left out)` : "";
    this.leftOut = 0;
    this.onLine(text + mark);
  }
}
