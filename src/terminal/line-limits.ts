// What a line that is typed, piped or given with -e may be, whoever reads it: its length, and that it is text in UTF-8.

import { OTHER_ENCODINGS, REPLACEMENT } from "../utf8.js";

/** Without its end. As long as a line can be that somebody means. */
export const LINE_BYTES_MAX = 65_536;

/** @param what `the line`, `line 12` */
export function tooLong(what: string, bytes: number): string {
  const [most, found] = [LINE_BYTES_MAX, bytes].map((n) =>
    n.toLocaleString("en-US"),
  );
  return `${what} is longer than ${most} bytes (${found} bytes) and is left out`;
}

/**
 * Why a decoded line is no command, or null. Where a decoder has been, of the keyboard or of the command line, only the sign
 * is left that it puts in place of wrong bytes.
 */
export function unfitReason(line: string): string | null {
  const bytes = Buffer.byteLength(line);
  if (bytes > LINE_BYTES_MAX) return tooLong("the line", bytes);
  if (line.includes(REPLACEMENT))
    return `the line has bytes that are not UTF-8 (${OTHER_ENCODINGS}) where it shows ${REPLACEMENT}; set the terminal to UTF-8`;
  return null;
}
