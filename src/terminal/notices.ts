// Notices that have to wait while a command runs or a question stands: a bounded queue, oldest dropped first.
// Owned by the terminal; prints nothing itself.

import { Chalk } from "chalk";
import { textOf } from "../log.js";
import type { Notice } from "../node/control.js";
import { printable } from "../printable.js";
import { wrap } from "./paragraph.js";
import type { Look } from "./table.js";

export class NoticeQueue {
  readonly #limit: number;
  #makers: (() => string)[] = [];
  #dropped = 0;

  constructor(limit = 100) {
    this.#limit = limit;
  }

  get isEmpty(): boolean {
    return this.#makers.length === 0;
  }

  /** Keeps a block of text, which is made when it is taken: of thousands, most are dropped. */
  hold(make: () => string): void {
    this.#makers.push(make);
    if (this.#makers.length <= this.#limit) return;
    this.#makers.shift();
    this.#dropped++;
  }

  /** Everything held, oldest first, with a line about what was dropped; the queue is empty afterwards. */
  take(): string[] {
    const dropped = this.#dropped;
    const note =
      dropped === 0
        ? []
        : [
            `! ${dropped} older notice${dropped === 1 ? " was" : "s were"} dropped`,
          ];
    const texts = [...note, ...this.#makers.map((make) => make())];
    this.#makers = [];
    this.#dropped = 0;
    return texts;
  }
}

/** `* a node came`, `! the hub is lost` */
export function formatNotice(notice: Notice, { color, columns }: Look): string {
  const chalk = new Chalk({ level: color ? 1 : 0 });
  const mark = notice.level === "info" ? "*" : "!";
  const text = wrap(`${mark} ${printable(textOf(notice))}`, columns);
  if (notice.level === "info") return chalk.dim(text);
  return notice.level === "warn" ? chalk.yellow(text) : chalk.red(text);
}
