// Everything that is wrong with one configuration file, collected so that a
// person sees all of it at once. Owned by one parse; never prints.

import { VnetError } from "../errors.js";
import { printable } from "../printable.js";

/** Stands in place of a file where there is none. */
export const COMMAND_LINE = "command line";

/** Where in the file: line from 1 (0: given on the command line), section name without brackets. */
export interface Place {
  readonly line?: number | undefined;
  readonly section?: string | undefined;
  readonly key?: string | undefined;
}

const REPORTED_MAX = 20;
// A megabyte of garbage is half a million bad lines; beyond this they are only counted.
const STORED_MAX = 1000;
const SHOWN_CHARACTERS = 60;

/** `FILE:LINE: [section] key: text`, without the parts that the place lacks. */
export function formatPlace(file: string, place: Place, text: string): string {
  const where = formatLine(file, place.line);
  const section =
    place.section === undefined ? "" : `[${shown(place.section)}]`;
  const key = place.key === undefined ? "" : shown(place.key);
  const what = [section, key].filter((part) => part !== "").join(" ");
  return what === "" ? `${where}: ${text}` : `${where}: ${what}: ${text}`;
}

/** Line 0 is the command line. */
function formatLine(file: string, line: number | undefined): string {
  if (line === undefined) return file;
  return line === 0 ? COMMAND_LINE : `${file}:${line}`;
}

/** Text of the file as it appears in a message: quoted, cut, no control characters. */
export function quoteFound(text: string): string {
  return text === "" ? "nothing" : `"${shown(text)}"`;
}

function shown(text: string): string {
  // The slice in code units first: taking apart a megabyte for 60 characters is waste.
  const characters = Array.from(text.slice(0, 2 * SHOWN_CHARACTERS + 2));
  const cut =
    characters.length > SHOWN_CHARACTERS
      ? `${characters.slice(0, SHOWN_CHARACTERS).join("")}…`
      : text;
  return printable(cut);
}

export class Problems {
  readonly #found: { line: number; text: string }[] = [];
  #count = 0;

  constructor(readonly file: string) {}

  add(place: Place, text: string): void {
    this.#count += 1;
    if (this.#found.length >= STORED_MAX) return;
    const line = place.line ?? 0;
    this.#found.push({ line, text: formatPlace(this.file, place, text) });
  }

  /** For what is complained about elsewhere. */
  silent(): Problems {
    return new Problems(this.file);
  }

  /** Throws VnetError `config`, one line a problem in the order of the file, when there is any. */
  throwIfAny(): void {
    if (this.#count === 0) return;
    const lines = this.#found
      .sort((a, b) => a.line - b.line)
      .slice(0, REPORTED_MAX)
      .map((problem) => problem.text);
    const rest = this.#count - lines.length;
    if (rest > 0) lines.push(`${this.file}: and ${rest} more`);
    throw new VnetError("config", lines.join("\n"));
  }
}
