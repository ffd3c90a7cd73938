// The lines typed, kept between runs in a file of mode 0600, at most 1000 of them, and none that holds a key.
// A convenience: a file that cannot be read or written costs the history and nothing else; what is no regular file of this
// user is left alone.

import {
  appendFileSync,
  closeSync,
  constants,
  fchmodSync,
  readFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { messageOf } from "../errors.js";
import { makeFolders } from "../files/folders.js";
import { openOwnFile } from "../files/regular-file.js";
import { writePrivateFileNow } from "../files/whole-file.js";
import { filePathReason } from "../net/path-reason.js";
import { isPrintable } from "../printable.js";
import { isConfidential } from "./confidential.js";
import { unfitReason } from "./line-limits.js";

export const HISTORY_LIMIT = 1000;
const PRIVATE = 0o600;
const OTHERS = 0o077;
/** Not to be written to, and perhaps to be read. */
const READ_ONLY = new Set(["EACCES", "EPERM", "EROFS"]);

export class History {
  readonly #file: string | null;
  readonly #lines: string[];
  /** to the file, since it was cut to what is kept */
  #added = 0;

  private constructor(
    file: string | null,
    lines: string[],
    /** why nothing is kept; null: it is, or that is not wanted */
    readonly trouble: string | null,
  ) {
    this.#file = file;
    this.#lines = lines;
  }

  /** Never throws. null: kept in memory only. */
  static open(file: string | null): History {
    if (file === null) return new History(null, [], null);
    try {
      return new History(file, cut(file), null);
    } catch (error) {
      const { code = "" } = error as NodeJS.ErrnoException;
      const why = filePathReason(file, code, "write") ?? messageOf(error);
      const lines = READ_ONLY.has(code) ? kept(linesOf(file)) : [];
      return new History(
        null,
        lines,
        `the history is not kept in ${file}: ${why}`,
      );
    }
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
    if (text === "" || text === this.#lines.at(-1) || !isFit(text)) return;
    if (isConfidential(text, keys)) return;
    this.#lines.push(text);
    if (this.#lines.length > HISTORY_LIMIT) this.#lines.shift();
    const file = this.#file;
    if (file === null) return;
    attempt(() => {
      makeFolders(dirname(file));
      const { O_WRONLY, O_APPEND, O_CREAT } = constants;
      const flags = O_WRONLY | O_APPEND | O_CREAT;
      const { fd } = openOwnFile(file, flags, PRIVATE);
      try {
        // Appended, so that two terminals of one user keep both their lines.
        appendFileSync(fd, `${text}\n`);
      } finally {
        closeSync(fd);
      }
      if (++this.#added < HISTORY_LIMIT) return;
      this.#added = 0;
      cut(file);
    });
  }
}

/** The newest lines of the file that may be kept; it has no others afterwards. Throws where it is not to be opened. */
function cut(file: string): string[] {
  const lines = linesIn(file, constants.O_RDWR);
  const newest = kept(lines);
  if (lines.length > newest.length)
    attempt(() =>
      writePrivateFileNow(file, newest.map((line) => `${line}\n`).join("")),
    );
  return newest;
}

function kept(lines: readonly string[]): string[] {
  return lines
    .filter((line) => isFit(line) && !isConfidential(line))
    .slice(-HISTORY_LIMIT);
}

/** None where there is no such file yet. */
function linesIn(file: string, flags: number): string[] {
  try {
    const { fd, stats } = openOwnFile(file, flags);
    try {
      if ((stats.mode & OTHERS) !== 0) attempt(() => fchmodSync(fd, PRIVATE));
      return readFileSync(fd, "utf8")
        .split("\n")
        .filter((line) => line !== "");
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

/** Of a file that may only be read. */
function linesOf(file: string): string[] {
  try {
    return linesIn(file, constants.O_RDONLY);
  } catch {
    return [];
  }
}

/** One that can be a command. */
function isFit(line: string): boolean {
  return isPrintable(line) && unfitReason(line) === null;
}

function attempt(write: () => void): void {
  try {
    write();
  } catch {
    // the history is then only as old as this run
  }
}
