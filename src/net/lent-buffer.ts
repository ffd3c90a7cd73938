// A read buffer, and how many still need what is in it.

/** Says for how long a view of a read buffer is needed: until each hold() has its release(). */
export interface Lease {
  hold(): void;
  release(): void;
}

/** Of bytes that nobody reads over. */
export const NO_LEASE: Lease = {
  hold: () => undefined,
  release: () => undefined,
};

/** Enough for a request or an answer of every day; what fills it is bulk. */
export const SMALL_BYTES = 4 * 1024;

export class LentBuffer implements Lease {
  /** behind the room that is left for a header */
  readonly view: Buffer;
  private holders = 0;

  /** @param onFree the last who held it, the reader itself apart, needs it no more */
  constructor(
    readonly buffer: Buffer,
    headroom: number,
    private readonly onFree: (lent: LentBuffer) => void,
  ) {
    this.view = buffer.subarray(headroom);
  }

  get isHeld(): boolean {
    return this.holders > 0;
  }

  get isLarge(): boolean {
    return this.buffer.length > SMALL_BYTES;
  }

  hold(): void {
    this.holders++;
  }

  release(): void {
    if (--this.holders === 0) this.onFree(this);
  }

  /** Runs `use`, as whose end nobody has to be told that it is free. */
  during(use: () => void): void {
    this.holders++;
    use();
    this.holders--;
  }
}
