// The line in which a question is answered: the text, its cursor, and what keys do to them. readline edits it, so that the
// keys are those of the prompt; but it neither reads the input nor draws, and never sees Enter. Of one answer; close it.

import { createInterface, type Interface } from "node:readline";
import { PassThrough, Writable } from "node:stream";
import type { Key } from "./history-search.js";

export interface AnswerLineOptions {
  /** what Up brings, the newest first */
  earlier: readonly string[];
  /** nothing but deleting at the end */
  isDumb: boolean;
  /** Ctrl-Z: false just before the program stops, true when it goes on. */
  onRaw: (isRaw: boolean) => void;
}

export class AnswerLine {
  private line: Interface;
  private isStopping = false;

  constructor(private readonly options: AnswerLineOptions) {
    this.line = this.open();
  }

  get text(): string {
    return this.line.line;
  }

  get cursor(): number {
    return this.line.cursor;
  }

  insert(text: string): void {
    this.line.write(text);
  }

  press(key: Key): void {
    if (this.options.isDumb) {
      // readline has no keys there.
      const kept = Array.from(this.text).slice(0, -1).join("");
      if (key.name === "backspace") this.replace(kept);
      else if (key.ctrl === true && key.name === "u") this.replace("");
    } else {
      this.isStopping = key.ctrl === true && key.name === "z";
      this.line.write(null, key);
    }
  }

  replace(text: string): void {
    this.close();
    this.line = this.open();
    if (text !== "") this.insert(text);
  }

  close(): void {
    this.isStopping = false;
    this.line.close();
  }

  private open(): Interface {
    const { earlier, onRaw } = this.options;
    // readline asks for it around Ctrl-Z; what it asks for at its own begin and end is not its business here.
    const setRawMode = (isRaw: boolean) => {
      if (!this.isStopping) return;
      if (isRaw) this.isStopping = false;
      onRaw(isRaw);
    };
    return createInterface({
      input: Object.assign(new PassThrough(), { setRawMode }),
      output: new Writable({ write: (_chunk, _encoding, done) => done() }),
      terminal: true,
      history: [...earlier],
      historySize: earlier.length,
    });
  }
}
