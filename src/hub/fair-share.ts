// How much one party may take of what there is a bounded number of: ids, places. Who holds much leaves the last ones to
// those who hold little. Pure.

export type Level = "identity" | "address";

/**
 * Whether who holds `held` may have one more of which `free` are left. Alone an identity gets all but `reservePercent`, and
 * all identities of one address all but half of that, so that there is room for another one there; the more others hold,
 * the less. Of few (up to ten or so) nothing is kept.
 */
export function mayTake(
  level: Level,
  held: number,
  free: number,
  reservePercent: number,
): boolean {
  const reserve = level === "identity" ? reservePercent : reservePercent / 2;
  return free > 0 && held * reserve < free * (100 - reserve);
}
