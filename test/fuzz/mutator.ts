// Turns good bytes into bad ones: flips, cuts, repeats, swaps, insertions, lies in length fields, huge numbers, broken
// UTF-8, and the head of one recording with the tail of another. Pure: the same Random gives the same bytes.

import type { Random } from "../support/random.js";

type Mutation = (random: Random, bytes: Buffer, donor: Buffer) => Buffer;

/** No input is longer; twice what the largest frame may be. */
const MAX_BYTES = 128 * 1024;
const EDGES = [0, 1, 2, 9, 10, 13, 22, 32, 34, 91, 123, 127, 128, 254, 255];
const LENGTHS = [0, 1, 2, 127, 128, 255, 256, 4096, 4097, 65_535, 65_536];
const LARGE_LENGTHS = [0xff_ffff, 0x7fff_ffff, 0xffff_ffff];
const NUMBERS = [
  ...["-1", "0", "00", "-0", "1e999", "0x10", "4294967296", "65536"],
  ...["9007199254740993", "99999999999999999999999999", "1.5", "NaN"],
];
const BAD_UTF8 = [
  ...["80", "c0af", "ff", "eda080", "f8888080", "f4908080", "e28080", "00"],
].map((hex) => Buffer.from(hex, "hex"));

/** One to four mutations, one after the other. */
export function mutate(
  random: Random,
  bytes: Buffer,
  donor: Buffer = bytes,
): Buffer {
  let result = bytes;
  for (let round = random.between(1, 4); round > 0; round--)
    result = pick(random, MUTATIONS)(random, result, donor);
  return result.subarray(0, MAX_BYTES);
}

export function pick<T>(random: Random, list: readonly T[]): T {
  return list[random.between(0, list.length - 1)]!;
}

const flipBit: Mutation = (random, bytes) => {
  if (bytes.length === 0) return bytes;
  const copy = Buffer.from(bytes);
  const at = random.between(0, copy.length - 1);
  copy[at] = copy[at]! ^ (1 << random.between(0, 7));
  return copy;
};

const setByte: Mutation = (random, bytes) => {
  if (bytes.length === 0) return bytes;
  const copy = Buffer.from(bytes);
  copy[random.between(0, copy.length - 1)] = pick(random, EDGES);
  return copy;
};

const cutEnd: Mutation = (random, bytes) =>
  bytes.subarray(0, random.between(0, bytes.length));

const cutMiddle: Mutation = (random, bytes) => {
  const [from, to] = range(random, bytes);
  return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
};

const repeatPiece: Mutation = (random, bytes) => {
  const [from, to] = range(random, bytes);
  const piece = bytes.subarray(from, Math.min(to, from + 256));
  const times = random.between(1, random.chance(0.1) ? 256 : 8);
  const pieces = Array.from({ length: times }, () => piece);
  return Buffer.concat([
    bytes.subarray(0, to),
    ...pieces,
    bytes.subarray(to),
  ]).subarray(0, MAX_BYTES);
};

const swapPieces: Mutation = (random, bytes) => {
  const [from, middle] = range(random, bytes);
  const to = random.between(middle, bytes.length);
  return Buffer.concat([
    bytes.subarray(0, from),
    bytes.subarray(middle, to),
    bytes.subarray(from, middle),
    bytes.subarray(to),
  ]);
};

const insertNoise: Mutation = (random, bytes) =>
  insert(random, bytes, random.bytes(random.between(1, 40)));

const insertBadText: Mutation = (random, bytes) =>
  insert(random, bytes, pick(random, BAD_UTF8));

/** Two, three or four bytes that look like a length. */
const lieAboutLength: Mutation = (random, bytes) => {
  const size = Math.min(random.between(2, 4), bytes.length);
  if (size === 0) return bytes;
  const copy = Buffer.from(bytes);
  const all = random.chance(0.5) ? LENGTHS : LARGE_LENGTHS;
  const value = pick(random, all) % 2 ** (8 * size);
  // Real length fields stand near the front.
  const last = copy.length - size;
  const at = random.between(0, random.chance(0.5) ? Math.min(last, 16) : last);
  copy.writeUIntBE(value, at, size);
  return copy;
};

/** A number that is written in digits becomes another one. */
const changeNumber: Mutation = (random, bytes) => {
  const text = bytes.toString("latin1");
  const numbers = [...text.matchAll(/\d+/g)];
  if (numbers.length === 0) return bytes;
  const { 0: digits, index } = pick(random, numbers);
  const head = text.slice(0, index);
  const tail = text.slice(index + digits.length);
  return Buffer.from(`${head}${pick(random, NUMBERS)}${tail}`, "latin1");
};

const splice: Mutation = (random, bytes, donor) =>
  Buffer.concat([
    bytes.subarray(0, random.between(0, bytes.length)),
    donor.subarray(random.between(0, donor.length)),
  ]);

const MUTATIONS: readonly Mutation[] = [
  ...[flipBit, flipBit, setByte, setByte, cutEnd, cutMiddle, repeatPiece],
  ...[swapPieces, insertNoise, insertBadText, lieAboutLength, changeNumber],
  splice,
];

function insert(random: Random, bytes: Buffer, piece: Buffer): Buffer {
  const at = random.between(0, bytes.length);
  return Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at)]);
}

function range(random: Random, bytes: Buffer): [from: number, to: number] {
  const from = random.between(0, bytes.length);
  return [from, random.between(from, bytes.length)];
}
