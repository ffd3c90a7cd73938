// `6000-6005,6007`, as frp writes ports. Pure.

export const PORT_RANGES = "ports and ranges of ports as in 6000-6005,6007";

/** Undefined: it is no such list, or one of more numbers than there are ports. */
export function parsePortRanges(text: string): number[] | undefined {
  const found: number[] = [];
  for (const part of text.split(",")) {
    const [, first, last = first] =
      /^\s*([0-9]{1,5})\s*(?:-\s*([0-9]{1,5})\s*)?$/.exec(part) ?? [];
    const from = Number(first);
    const to = Number(last);
    if (first === undefined || to < from || to > 65_535) return undefined;
    for (let port = from; port <= to; port += 1) found.push(port);
    if (found.length > 65_536) return undefined;
  }
  return found;
}
