// The candidates of a completion, on the screen: of more than a hundred only after a question, as shells have it.
// Knows readline's manner of asking for them; prints nothing itself.

import type { Screen } from "../screen/screen.js";
import { padToWidth, textWidth } from "./text-width.js";

/** More fill a screen, and are seldom wanted. */
export const MANY = 100;

const GAP = 2;

/**
 * What readline is to know of many: what all of them begin with, which it puts into the line. Two that stand at the ends of
 * the sorted list have that in common, and nothing more.
 */
export function endsOf(sorted: readonly string[]): string[] {
  return [sorted[0] ?? "", sorted.at(-1) ?? ""];
}

/** Rows of words beside each other, in their order, as wide as the screen is. */
export function rowsOf(
  words: readonly string[],
  { columns }: Pick<Screen, "columns">,
): string[] {
  const width = words.reduce(
    (most, word) => Math.max(most, textWidth(word)),
    0,
  );
  const inRow = Math.max(1, Math.floor((columns + GAP) / (width + GAP)));
  const rows: string[] = [];
  for (let at = 0; at < words.length; at += inRow)
    rows.push(
      words
        .slice(at, at + inRow)
        .map((word) => padToWidth(word, width + GAP))
        .join("")
        .trimEnd(),
    );
  return rows;
}
