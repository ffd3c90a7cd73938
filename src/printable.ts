// Makes text from elsewhere (names, infos, reasons of other nodes) harmless for a screen or a log.
// Everything that the terminal and the log write passes here once; colour is added only afterwards.

// Cc: ESC and all other C0 and C1 controls. Cs: unpaired surrogates. The rest reorders
// or breaks lines, so that a name could pose as another one.
const UNSAFE = /[\p{Cc}\p{Cs}\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;

/** The same text with each unsafe character written out: `\x1b`, `\u202e`. */
export function printable(text: string): string {
  return text.replace(UNSAFE, (character) => {
    const code = character.charCodeAt(0);
    return code < 0x100 ? `\\x${hex(code, 2)}` : `\\u${hex(code, 4)}`;
  });
}

/** One line of JSON, safe on a screen too: JSON itself leaves C1 and DEL raw. */
export function printableJson(value: unknown): string {
  return JSON.stringify(value).replace(
    UNSAFE,
    (character) => `\\u${hex(character.charCodeAt(0), 4)}`,
  );
}

/** Whether nothing in the text has to be written out; such text can be typed. */
export function isPrintable(text: string): boolean {
  return printable(text) === text;
}

function hex(code: number, digits: number): string {
  return code.toString(16).padStart(digits, "0");
}
