// Property-based tests: what has to hold for anything that may come. Few and the same examples each time; more, or
// others, by VNET_PROPERTY_RUNS and VNET_PROPERTY_SEED.

import fc from "fast-check";
import { VnetError, type VnetErrorCode } from "../../src/errors.js";

const RUNS = Number(process.env.VNET_PROPERTY_RUNS ?? 200);
const SEED = Number(process.env.VNET_PROPERTY_SEED ?? 1);
/** A test may take as long as its number of examples asks for. */
const TIMEOUT_MS = 100_000 + 100 * RUNS;

/** `it` for a property; a failure tells the smallest example that was found. */
export function always<T extends [unknown, ...unknown[]]>(
  title: string,
  ...rest: [
    ...{ [K in keyof T]: fc.Arbitrary<T[K]> },
    (...values: T) => void | Promise<void>,
  ]
): void {
  it(title, async function () {
    this.timeout(TIMEOUT_MS);
    const check = rest.pop() as (...values: unknown[]) => void | Promise<void>;
    const arbitraries = rest as unknown as [fc.Arbitrary<unknown>];
    const property = fc.asyncProperty(...arbitraries, async (...values) => {
      await check(...values);
    });
    await fc.assert(property, { numRuns: RUNS, seed: SEED });
  });
}

/** What the function returns, or the VnetError that it throws; anything else that it throws goes up. */
export function outcomeOf<T>(
  act: () => T,
  ...codes: VnetErrorCode[]
): { value: T } | { error: VnetError } {
  try {
    return { value: act() };
  } catch (error) {
    if (!(error instanceof VnetError) || !codes.includes(error.code))
      throw error;
    return { error };
  }
}

export const anyBytes = (maxLength = 200): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ maxLength }).map((bytes) => Buffer.from(bytes));

/** Code units of any kind: controls, halves of surrogate pairs, whatever a string may hold. */
export const anyText = (maxLength = 60): fc.Arbitrary<string> =>
  fc.oneof(
    fc.string({ maxLength }),
    fc.string({ unit: "binary", maxLength }),
    fc
      .array(fc.integer({ min: 0, max: 0xffff }), { maxLength })
      .map((units) => String.fromCharCode(...units)),
  );

/** Text that shows as itself, in one line. */
export const printableText = (
  minLength: number,
  maxLength: number,
): fc.Arbitrary<string> =>
  fc
    .array(printableCharacter, { minLength, maxLength })
    .map((characters) => characters.join(""));

const printableCharacter = fc.oneof(
  fc.string({ unit: "grapheme-ascii", minLength: 1, maxLength: 1 }),
  fc
    .string({ unit: "binary", minLength: 1, maxLength: 1 })
    .filter((character) => !/[\p{Cc}\p{Cs}\u2028\u2029]/u.test(character)),
);

/** Bytes, and where to cut them into reads. */
export function cutInto(bytes: Buffer, places: readonly number[]): Buffer[] {
  const ends = places.map((place) => place % (bytes.length + 1));
  const sorted = [...new Set([0, ...ends, bytes.length])].sort((a, b) => a - b);
  return sorted.slice(1).map((to, index) => bytes.subarray(sorted[index], to));
}

export const anyPlaces: fc.Arbitrary<number[]> = fc.array(
  fc.nat({ max: 10_000 }),
  { maxLength: 30 },
);
