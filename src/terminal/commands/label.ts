// A label for an entry made in the terminal: the wanted one, or the next that is free.

/** `web`, and when that is taken `web-2`, `web-3` … */
export function freeLabel(
  wanted: string,
  taken: readonly { label: string }[],
): string {
  const labels = new Set(taken.map((entry) => entry.label));
  let free = wanted;
  for (let next = 2; labels.has(free); next++) free = `${wanted}-${next}`;
  return free;
}
