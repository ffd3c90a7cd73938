// Which rows of a list are meant: each word must fit a cell. Pure; takes time in proportion to the texts, whatever is written.

/** Of nothing but blanks: everything fits. */
export class Pattern {
  private readonly words: readonly string[][];

  constructor(readonly text: string) {
    this.words = text
      .toLowerCase()
      .split(/\s+/)
      .filter((word) => word !== "")
      .map((word) => word.split("*"));
  }

  get isEmpty(): boolean {
    return this.words.length === 0;
  }

  fits(cells: readonly string[]): boolean {
    if (this.isEmpty) return true;
    const texts = cells.map((cell) => cell.toLowerCase());
    return this.words.every((parts) =>
      texts.some((text) => fitsText(parts, text)),
    );
  }
}

/** One part: it is somewhere in the text. Several, with a `*` between each: they are the whole text, in this order. */
function fitsText(parts: readonly string[], text: string): boolean {
  const [first = "", ...rest] = parts;
  const last = rest.pop();
  if (last === undefined) return text.includes(first);
  if (!text.startsWith(first)) return false;
  let from = first.length;
  for (const part of rest) {
    const at = text.indexOf(part, from);
    if (at < 0) return false;
    from = at + part.length;
  }
  return text.length - last.length >= from && text.endsWith(last);
}
