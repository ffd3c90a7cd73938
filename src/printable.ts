// What text from elsewhere (names, infos, reasons of other nodes) may show, on a screen and in a log, and the one rule
// for names: configuration, terminal and wire check by it. Colour is added only behind it.

// Cc: ESC and all other C0 and C1 controls. Cf: what reorders (bidi) or marks (tags). Cs: unpaired surrogates. Zl, Zp: line
// ends. DI: all that shows as nothing, fillers and zero-width ones. U+2800 is a letter that is blank. Inside an emoji a
// selector (U+FE0F) or joiner (U+200D) shows, as the one picture that it makes of two; behind the rest, as it is rare.
const PICTURE = String.raw`\p{Extended_Pictographic}`;
const HIDDEN = [
  String.raw`[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{DI}\u2800](?<![\ufe0f\u200d])`,
  String.raw`\ufe0f(?<!${PICTURE}\p{EMod}?\ufe0f)`,
  String.raw`\u200d(?<!${PICTURE}(?:\p{EMod}|\ufe0f)?\u200d)`,
  String.raw`\u200d(?!${PICTURE})`,
].join("|");
const ANY_HIDDEN = new RegExp(HIDDEN, "u");
const ALL_HIDDEN = new RegExp(HIDDEN, "gu");

/** One word of letters, digits and the signs of host names: it cannot pose as a part of a sentence. */
const WORD = /^[\p{L}\p{M}\p{N}\p{Extended_Pictographic}._@+-]+$/u;

/** The same text with each hidden character written out: `\x1b`, `\u202e`, `\u{e0041}`. */
export function printable(text: string): string {
  return text.replace(ALL_HIDDEN, (character) => {
    const code = character.codePointAt(0) ?? 0;
    if (code < 0x100) return `\\x${hex(code, 2)}`;
    return code < 0x10000 ? `\\u${hex(code, 4)}` : `\\u{${hex(code, 1)}}`;
  });
}

/**
 * One line of JSON, safe on a screen too: JSON itself leaves C1, DEL and all others raw. Numbers have three decimals at the
 * most.
 */
export function printableJson(value: unknown): string {
  return JSON.stringify(value, rounded).replace(ALL_HIDDEN, (character) =>
    Array.from({ length: character.length }, (_, at) => {
      return `\\u${hex(character.charCodeAt(at), 4)}`;
    }).join(""),
  );
}

/** Whether nothing in the text is hidden; such text can be typed. */
export function isPrintable(text: string): boolean {
  return !ANY_HIDDEN.test(text);
}

/** The text without what is hidden. */
export function withoutHidden(text: string): string {
  return text.replace(ALL_HIDDEN, "");
}

/**
 * Whether this may be an info: at most `charactersMax` characters, none hidden, in the one form of Unicode (NFC) in which
 * texts that look alike are alike.
 */
export function isPlainText(text: string, charactersMax: number): boolean {
  // Length in code units first, which bounds the work.
  if (text.length > 2 * charactersMax) return false;
  if (Array.from(text).length > charactersMax) return false;
  return isPrintable(text) && text === text.normalize("NFC");
}

/** Whether this may be a name: as an info, but there is something of it, and no space at its ends. */
export function isName(text: string, charactersMax: number): boolean {
  return (
    text !== "" && text === text.trim() && isPlainText(text, charactersMax)
  );
}

/**
 * Somebody's name inside a sentence: as it is where it is one word, else in quotes, so that a name like
 * `x) left: timeout` does not read as what happened.
 */
export function quoted(name: string): string {
  return WORD.test(name) ? name : `"${name.replace(/["\\]/g, "\\$&")}"`;
}

/** What is measured has no more digits than that; `0.30000000000000004` says nothing more. */
function rounded(_key: string, value: unknown): unknown {
  return typeof value === "number" ? Math.round(value * 1000) / 1000 : value;
}

function hex(code: number, digits: number): string {
  return code.toString(16).padStart(digits, "0");
}

/** The text as one word of a terminal's line, quoted only where it must be; a quote in it is written twice. */
export function quoteWord(text: string, quote = false): string {
  const plain = /^[^\s"'#-][^\s"'=]*$/.test(text);
  if (plain && !quote) return text;
  return `"${text.replaceAll('"', '""')}"`;
}
