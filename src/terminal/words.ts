// Splits a line into words: spaces part them, quotes keep them together.
// A backslash is an ordinary character (Windows paths), except before a quote or itself inside "…".

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
  /** the line ends behind a word that could go on */
  touching: boolean;
}

/** Never throws: an open quote is the caller's to judge. */
export function splitLine(line: string): SplitLine {
  const words: Word[] = [];
  let word: Word | null = null;
  let open: '"' | "'" | null = null;
  for (let at = 0; at < line.length; at++) {
    const character = line[at] ?? "";
    if (open === null && /\s/.test(character)) {
      word = null;
      continue;
    }
    const isQuote = character === '"' || character === "'";
    if (word === null) {
      word = { text: "", start: at, quoted: isQuote };
      words.push(word);
    }
    const next = line[at + 1];
    if (open === '"' && character === "\\" && (next === '"' || next === "\\")) {
      word.text += next;
      at++;
    } else if (open === null && opensQuote(line, at, word)) {
      open = character as '"' | "'";
    } else if (open !== null && character === open) {
      open = null;
    } else {
      word.text += character;
    }
  }
  return { words, open, touching: word !== null };
}

export { quoteWord } from "../printable.js";

// Only at a word's start or behind `NAME=`: the apostrophe of `it's` stays one.
function opensQuote(line: string, at: number, word: Word): boolean {
  const character = line[at];
  if (character !== '"' && character !== "'") return false;
  return at === word.start || line[at - 1] === "=";
}
