// The same bytes, cut into reads in every way that matters to an incremental reader.

import { Random } from "./random.js";

export interface Cut {
  readonly name: string;
  readonly chunks: readonly Buffer[];
}

/** Whole, byte by byte, in equal pieces, at random, and in two at every place (of at most 2,000). */
export function cutsOf(bytes: Buffer, seeds = 50): Cut[] {
  const cuts: Cut[] = [{ name: "all at once", chunks: [bytes] }];
  for (const size of [1, 2, 3, 4, 5, 7, 64, 1000])
    cuts.push({ name: `${size} at a time`, chunks: inPieces(bytes, size) });
  for (let seed = 1; seed <= seeds; seed++) {
    const chunks = new Random(seed).cut(bytes, seed % 2 === 0 ? 20 : 3000);
    cuts.push({ name: `at random, seed ${seed}`, chunks });
  }
  const step = Math.max(1, Math.floor(bytes.length / 2000));
  for (let at = 0; at <= bytes.length; at += step)
    cuts.push({
      name: `in two at ${at}`,
      chunks: [bytes.subarray(0, at), bytes.subarray(at)],
    });
  return cuts;
}

function inPieces(bytes: Buffer, size: number): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size)
    pieces.push(bytes.subarray(at, at + size));
  return pieces;
}
