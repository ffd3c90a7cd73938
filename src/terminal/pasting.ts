// Text that comes in one piece (a paste, keys over a slow line) goes to the cursor. readline, which does not draw the line
// for each letter of a piece, puts all but the last one at the line's end, wherever the cursor is. So what stands behind the
// cursor is taken away meanwhile, and put back before the last letter or any other key. Owned by the terminal, of one readline.

import { clearScreenDown, type Interface } from "node:readline";
import type { Key } from "./history-search.js";

/** What readline has besides its documented face. */
type Line = Interface & {
  /** false: more of the same piece is to come */
  isCompletionEnabled?: boolean;
  /** how far it goes up to draw anew */
  prevRows?: number;
};

export class Pasting {
  /** what stood behind the cursor */
  private behind: string | null = null;

  constructor(
    private readonly line: Line,
    private readonly output: NodeJS.WritableStream,
  ) {}

  /** To be called before readline deals with the key. */
  press(text: string | undefined, key: Key): void {
    const { line } = this;
    const isInPiece = line.isCompletionEnabled === false;
    if (!isInPiece || !isText(text, key)) this.putBack();
    else if (this.behind === null && line.cursor < line.line.length) {
      this.behind = line.line.slice(line.cursor);
      rewrite(line, line.line.slice(0, line.cursor));
      clearScreenDown(this.output);
    }
  }

  private putBack(): void {
    const { line, behind } = this;
    if (behind === null) return;
    this.behind = null;
    line.prevRows = line.getCursorPos().rows;
    rewrite(line, line.line + behind);
    line.prompt(true);
  }
}

function rewrite(line: Interface, text: string): void {
  // Only its type says that it cannot be written.
  (line as { line: string }).line = text;
}

function isText(text: string | undefined, { ctrl, meta }: Key): boolean {
  if (text === undefined || ctrl === true || meta === true) return false;
  return !/^\p{Cc}/u.test(text);
}
