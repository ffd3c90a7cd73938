// The lines typed, kept between runs in a file of mode 0600, at most 1000 of them, and none that holds a key.
// A convenience: a file that cannot be read or written costs the history and nothing else.

import {
  appendFileSync,
  chmodSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { makeFolders } from "../files/folders.js";
import { isPrintable } from "../printable.js";
import { isConfidential } from "./confidential.js";

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

  /**
   * Adds a line to memory and file; one like the newest is not added again, one with a key never.
   * @param keys those of this node
   */
  add(line: string, keys: readonly string[] = []): void {
    const text = line.trim();
    if (text === "" || text === this.#lines.at(-1) || !isPrintable(text))
      return;
    if (isConfidential(text, keys)) return;
    this.#lines.push(text);
    if (this.#lines.length > HISTORY_LIMIT) this.#lines.shift();
    const file = this.#file;
    if (file === null) return;
    attempt(() => {
      makeFolders(dirname(file));
      // Appended, so that two terminals of one user keep both their lines.
      appendFileSync(file, `${text}\n`, { mode: PRIVATE });
    });
    if (++this.#added < HISTORY_LIMIT) return;
    this.#added = 0;
    cut(file);
  }
}

/** The newest lines of the file that may be kept; it has no others afterwards. */
function cut(file: string): string[] {
  let lines: string[] = [];
  try {
    lines = readFileSync(file, "utf8")
      .split("\n")
      .filter((line) => line !== "");
  } catch {
    // no file yet, or not ours to read
  }
  const newest = lines
    .filter((line) => isPrintable(line) && !isConfidential(line))
    .slice(-HISTORY_LIMIT);
  if (lines.length > newest.length)
    attempt(() => {
      const fresh = `${file}.new`;
      writeFileSync(fresh, newest.map((line) => `${line}\n`).join(""), {
        mode: PRIVATE,
      });
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
