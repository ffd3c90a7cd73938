// Pseudo-random bytes that both ends of a connection make from a seed, one block
// for all of them: sent without a copy, checked at memcmp's speed.

import { Random } from "./random.js";

/** Prime, so that no chunk or frame size divides it. */
const PERIOD = 1_000_003;
/** the longest run that is sent or compared at once */
const SPAN = 256 * 1024;

const block = Buffer.allocUnsafe(PERIOD + SPAN);
{
  const random = new Random(20_261_121);
  for (let at = 0; at + 4 <= PERIOD; at += 4)
    block.writeUInt32LE(random.between(0, 0xffff_ffff), at);
  block.copy(block, PERIOD, 0, SPAN);
}

export type Direction = "up" | "down";

/** One direction of one stream: so many bytes, given out or checked in order. */
export class CheckedBytes {
  /** how many were given out or checked */
  done = 0;
  /** position of the first byte that differed; null: none did */
  wrongAt: number | null = null;
  readonly #offset: number;

  constructor(
    seed: number,
    direction: Direction,
    readonly total: number,
  ) {
    const salt = direction === "up" ? 0x9e37_79b1 : 0x85eb_ca77;
    this.#offset = new Random((seed ^ salt) >>> 0).between(0, PERIOD - 1);
  }

  get left(): number {
    return this.total - this.done;
  }

  /** The next bytes to send, at most `max`; a view that nobody may write to. */
  take(max: number): Buffer {
    const at = this.#position();
    const count = Math.min(max, this.left, SPAN);
    this.done += count;
    return block.subarray(at, at + count);
  }

  /** False from the first chunk on in which a byte differs, or that is too much. */
  check(chunk: Buffer): boolean {
    for (let from = 0; from < chunk.length && this.wrongAt === null;) {
      const count = Math.min(chunk.length - from, SPAN);
      const at = this.#position();
      const same =
        this.left >= count &&
        block.compare(chunk, from, from + count, at, at + count) === 0;
      if (!same) this.wrongAt = this.#firstDifference(chunk, from, at);
      this.done += count;
      from += count;
    }
    return this.wrongAt === null;
  }

  #position(): number {
    return (this.#offset + this.done) % PERIOD;
  }

  #firstDifference(chunk: Buffer, from: number, at: number): number {
    let same = 0;
    while (same < this.left && chunk[from + same] === block[at + same]) same++;
    return this.done + same;
  }
}
