// The lines typed, kept between runs in a file of mode 0600, at most 1000 of them.
// A convenience: a file that cannot be read or written costs the history and nothing else.

import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { isPrintable } from "../printable.js";

export const HISTORY_LIMIT = 1000;
const PRIVATE = 0o600;

export class History {
  readonly #file: string | null;
  readonly #lines: string[];
  /** to the file, since it was cut to what is kept */
  #added = 0;

  private constructor(file: string | null, lines: string[]) {
    this.#file = file;
    this.#lines = lines;
  }

  /** Never throws. null: kept in memory only. */
  static open(file: string | null): History {
    if (file === null) return new History(null, []);
    attempt(() => chmodSync(file, PRIVATE));
    return new History(file, cut(file));
  }

  /** Newest first, as readline wants it; a fresh array. */
  newestFirst(): string[] {
    return [...this.#lines].reverse();
  }

  /** Adds a line to memory and file; one like the newest is not added again. */
  add(line: string): void {
    const text = line.trim();
    if (text === "" || text === this.#lines.at(-1) || !isPrintable(text))
      return;
    this.#lines.push(text);
    if (this.#lines.length > HISTORY_LIMIT) this.#lines.shift();
    const file = this.#file;
    if (file === null) return;
    attempt(() => {
      mkdirSync(dirname(file), { recursive: true });
      // Appended, so that two terminals of one user keep both their lines.
      appendFileSync(file, `${text}\n`, { mode: PRIVATE });
    });
    if (++this.#added < HISTORY_LIMIT) return;
    this.#added = 0;
    cut(file);
  }
}

/** The newest lines of the file, which has no more of them afterwards. */
function cut(file: string): string[] {
  let kept: string[] = [];
  try {
    kept = readFileSync(file, "utf8")
      .split("\n")
      .filter((line) => line !== "" && isPrintable(line));
  } catch {
    // no file yet, or not ours to read
  }
  const newest = kept.slice(-HISTORY_LIMIT);
  if (kept.length > HISTORY_LIMIT)
    attempt(() => {
      const fresh = `${file}.new`;
      writeFileSync(fresh, `${newest.join("\n")}\n`, { mode: PRIVATE });
      renameSync(fresh, file);
    });
  return newest;
}

function attempt(write: () => void): void {
  try {
    write();
  } catch {
    // the history is then only as old as this run
  }
}
