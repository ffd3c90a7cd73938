// Input and output of a terminal without a TTY: a test types keys and awaits what is written.
// What is written is kept raw; `text` is without escape sequences.

import { PassThrough, Writable } from "node:stream";
import { stripVTControlCharacters } from "node:util";
import { Screen } from "../../src/screen/screen.js";

export class FakeTerminal {
  readonly input = new PassThrough();
  readonly output: Writable & { columns: number };
  /** what the output is like */
  readonly screen: Screen;
  raw = "";
  #watchers = new Set<() => void>();
  #isStopped = false;
  /** what was written and is not taken yet */
  #take: (() => void) | null = null;

  constructor(columns = 80, { TERM = "xterm", color = false } = {}) {
    const write = (chunk: Buffer) => {
      this.raw += chunk.toString();
      for (const watcher of this.#watchers) watcher();
    };
    const output = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        this.#take = () => {
          this.#take = null;
          write(chunk);
          done();
        };
        if (!this.#isStopped) this.#take();
      },
    });
    this.output = Object.assign(output, { columns, isTTY: true });
    this.screen = new Screen(this.output, {
      ...{ env: { TERM }, isWindows: false, noColor: !color },
    });
  }

  get text(): string {
    return stripVTControlCharacters(this.raw);
  }

  type(keys: string): void {
    this.input.write(keys);
  }

  /** Nothing that is written is taken from now on, as after Ctrl-S. */
  stop(): void {
    this.#isStopped = true;
  }

  goOn(): void {
    this.#isStopped = false;
    this.#take?.();
  }

  /** Forgets what was written so far. */
  clear(): void {
    this.raw = "";
  }

  /** Resolves when the text written since the last clear() contains `wanted`; mocha's timeout is its deadline. */
  async until(wanted: string): Promise<void> {
    if (this.text.includes(wanted)) return;
    await new Promise<void>((resolve) => {
      const watcher = () => {
        if (!this.text.includes(wanted)) return;
        this.#watchers.delete(watcher);
        resolve();
      };
      this.#watchers.add(watcher);
    });
  }

  /** Types keys, then awaits a text that was written after them. */
  async answer(keys: string, wanted: string): Promise<void> {
    this.clear();
    this.type(keys);
    await this.until(wanted);
  }
}
