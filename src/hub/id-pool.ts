// Which numbers of a range are free, and which rest: a freed one is kept for its former owner for a while,
// so that somebody's old mapping does not reach somebody else. Holds numbers and owners' marks, nothing else.

export interface IdPoolOptions {
  min: number;
  max: number;
  restMs: number;
  now: () => number;
}

interface Rest {
  owner: string;
  /** of several, see `free` */
  crowd: string;
  until: number;
}

export class IdPool {
  private readonly taken = new Set<number>();
  /** in the order of freeing: the first one has rested longest */
  private readonly resting = new Map<number, Rest>();
  private next: number;

  constructor(private readonly options: IdPoolOptions) {
    this.next = options.min;
  }

  /**
   * Takes `wanted` where it is free or rests for `owner`; else one that rests for `owner`; else the lowest free one;
   * when all others are taken, the one that has rested longest of the crowd that has most at rest. Null: every id is taken.
   */
  take(wanted: number, owner: string): number | null {
    const id = this.isFreeFor(wanted, owner)
      ? wanted
      : (this.restingFor(owner) ?? this.lowest());
    if (id === null) return null;
    this.taken.add(id);
    this.resting.delete(id);
    return id;
  }

  /** @param crowd who comes and goes for ever, under many names, wakes the ids of its own crowd */
  free(id: number, owner: string, crowd = ""): void {
    if (!this.taken.delete(id)) return;
    this.next = Math.min(this.next, id);
    this.rest(id, owner, crowd);
  }

  /** A free id is kept for that owner, as if it had just been freed. */
  rest(id: number, owner: string, crowd = ""): void {
    const { restMs, now, min, max } = this.options;
    this.resting.delete(id);
    if (restMs === 0 || this.taken.has(id) || id < min || id > max) return;
    this.resting.set(id, { owner, crowd, until: now() + restMs });
  }

  /** How many are taken. */
  get size(): number {
    return this.taken.size;
  }

  private isFreeFor(id: number, owner: string): boolean {
    if (id < this.options.min || id > this.options.max) return false;
    if (this.taken.has(id)) return false;
    const rest = this.resting.get(id);
    return (
      rest === undefined ||
      rest.owner === owner ||
      rest.until <= this.options.now()
    );
  }

  private restingFor(owner: string): number | undefined {
    for (const [id, rest] of this.resting) if (rest.owner === owner) return id;
    return undefined;
  }

  private lowest(): number | null {
    this.wake();
    // `next` never lies above a free number, so a registration does not start from the bottom each time.
    while (this.taken.has(this.next)) this.next++;
    for (let id = this.next; id <= this.options.max; id++)
      if (!this.taken.has(id) && !this.resting.has(id)) return id;
    return this.oldestOfLargestCrowd();
  }

  private oldestOfLargestCrowd(): number | null {
    const crowds = new Map<string, { oldest: number; size: number }>();
    for (const [id, { crowd }] of this.resting) {
      const known = crowds.get(crowd);
      if (known === undefined) crowds.set(crowd, { oldest: id, size: 1 });
      else known.size++;
    }
    const all = [...crowds.values()];
    const largest = all.reduce<(typeof all)[0] | undefined>(
      (most, each) => (most && most.size >= each.size ? most : each),
      undefined,
    );
    return largest?.oldest ?? null;
  }

  private wake(): void {
    const now = this.options.now();
    for (const [id, rest] of this.resting) {
      if (rest.until > now) return;
      this.resting.delete(id);
    }
  }
}
