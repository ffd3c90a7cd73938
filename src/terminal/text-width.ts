// How many columns a text takes on a screen: Chinese characters and emoji take two, combining marks none.
// Pure; escape sequences of our own colours count nothing.

import { stripVTControlCharacters } from "node:util";

/** Code points of two columns, from East Asian Width (Unicode UAX #11: W and F). */
const WIDE: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f],
  [0x2e80, 0x303e],
  [0x3041, 0x4dbf],
  [0x4e00, 0xa4cf],
  [0xa960, 0xa97f],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe30, 0xfe6f],
  [0xff00, 0xff60],
  [0xffe0, 0xffe6],
  [0x20000, 0x3fffd],
];

// Our own, as all others are written out.
const COLOUR = new RegExp(String.raw`(\u001b\[[\d;]*m)`);

const ZERO = /^[\p{Mn}\p{Me}\p{Cf}]$/u;
const EMOJI = /^\p{Emoji_Presentation}$/u;

/** Columns of one line of text. */
export function textWidth(text: string): number {
  let width = 0;
  for (const character of stripVTControlCharacters(text))
    width += characterWidth(character);
  return width;
}

/** The text with spaces behind it up to `width` columns. */
export function padToWidth(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - textWidth(text)));
}

/** The text in pieces of at most `width` columns. */
export function cutToWidth(text: string, width: number): string[] {
  if (textWidth(text) <= width) return [text];
  const pieces: string[] = [];
  let piece = "";
  for (const character of text) {
    if (piece !== "" && textWidth(piece + character) > width) {
      pieces.push(piece);
      piece = "";
    }
    piece += character;
  }
  return [...pieces, piece];
}

/** The beginning of at most `width` columns; colours go on to their end. */
export function startOf(text: string, width: number): string {
  if (textWidth(text) <= width) return text;
  let left = width;
  // At odd places stands a colour.
  return text
    .split(COLOUR)
    .map((part, at) => {
      if (at % 2 === 1) return part;
      let kept = "";
      for (const character of part) {
        left -= characterWidth(character);
        if (left >= 0) kept += character;
      }
      return kept;
    })
    .join("");
}

function characterWidth(character: string): number {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x300) return 1;
  if (ZERO.test(character)) return 0;
  if (EMOJI.test(character)) return 2;
  return WIDE.some(([from, to]) => code >= from && code <= to) ? 2 : 1;
}
