// How many of something, in words. At the bottom: imports nothing.

/** `1 node`, `3 nodes` */
export function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? "" : "s"}`;
}
