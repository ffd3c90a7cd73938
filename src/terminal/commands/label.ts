// A label for an entry made in the terminal: the wanted one, or the next that is free. It can be the name of a section, so
// that the entry can be saved.

/** `web`, and when that is taken `web-2`, `web-3` … A `]`, which would end the name of a section, becomes `)`. */
export function freeLabel(
  name: string,
  taken: readonly { label: string }[],
): string {
  const wanted = name.replaceAll("]", ")");
  const labels = new Set(taken.map((entry) => entry.label));
  let free = wanted;
  for (let next = 2; labels.has(free); next++) free = `${wanted}-${next}`;
  return free;
}
