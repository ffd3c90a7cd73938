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

  constructor(columns = 80, { TERM = "xterm", color = false } = {}) {
    const write = (chunk: Buffer) => {
      this.raw += chunk.toString();
      for (const watcher of this.#watchers) watcher();
    };
    const output = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        write(chunk);
        done();
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
