// Splits a line into words: spaces part them, quotes keep them together.
// The rule of the configuration file: between quotes only the quote itself is special, and is written twice. A backslash is
// a backslash everywhere, so that a Windows path can end with one: "C:\my files\".

export interface Word {
  text: string;
  /** where it starts in the line, its quote included */
  start: number;
  /** begins with a quote, so it is neither a flag nor NAME=value */
  quoted: boolean;
}

export interface SplitLine {
  words: Word[];
  /** the quote that is still open at the end of the line, if any */
  open: '"' | "'" | null;
  /** a letter touches a closing quote, as with `"a\"b"`: a quote was meant to be a part of the word, or a space is missing */
  stray: boolean;
  /** the line ends behind a word that could go on */
  touching: boolean;
}

/** Never throws: an open quote is the caller's to judge. */
export function splitLine(line: string): SplitLine {
  const words: Word[] = [];
  let word: Word | null = null;
  let open: '"' | "'" | null = null;
  let isClosed = false;
  let stray = false;
  for (let at = 0; at < line.length; at++) {
    const character = line[at] ?? "";
    if (open === null && /\s/.test(character)) {
      word = null;
      isClosed = false;
      continue;
    }
    if (isClosed) stray = true;
    const isQuote = character === '"' || character === "'";
    if (word === null) {
      word = { text: "", start: at, quoted: isQuote };
      words.push(word);
    }
    if (open !== null && character === open && line[at + 1] === open) {
      word.text += open;
      at++;
    } else if (open === null && opensQuote(line, at, word)) {
      open = character as '"' | "'";
    } else if (open !== null && character === open) {
      open = null;
      isClosed = true;
    } else {
      word.text += character;
    }
  }
  return { words, open, stray, touching: word !== null };
}

export { quoteWord } from "../printable.js";

// Only at a word's start or behind `NAME=`: the apostrophe of `it's` stays one.
function opensQuote(line: string, at: number, word: Word): boolean {
  const character = line[at];
  if (character !== '"' && character !== "'") return false;
  return at === word.start || line[at - 1] === "=";
}
