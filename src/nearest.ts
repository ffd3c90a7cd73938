// The known name that a mistyped one most likely stands for. Pure.

import { closestMatch } from "leven";

/** Longer ones are no slips, and take long to compare. */
const MAX_LENGTH = 64;
/** A single letter abbreviates too much. */
const MIN_BEGINNING = 2;

/** Those that it is the beginning of come first, then the one with the fewest letters to change. */
export function nearestName(
  typed: string,
  known: readonly string[],
): string | undefined {
  if (typed.length > MAX_LENGTH) return undefined;
  const name = typed.toLowerCase();
  const begun = known.filter((each) => each.startsWith(name));
  if (begun.length > 0 && name.length >= MIN_BEGINNING)
    return closestMatch(name, begun);
  const maxDistance =
    name.length < 4 ? 1 : Math.max(2, Math.floor(name.length / 3));
  return closestMatch(name, known, { maxDistance });
}
