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
   * when all others are taken, the one that has rested longest. Null: every id is taken.
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

  free(id: number, owner: string): void {
    if (!this.taken.delete(id)) return;
    this.resting.delete(id);
    if (this.options.restMs > 0)
      this.resting.set(id, {
        owner,
        until: this.options.now() + this.options.restMs,
      });
    this.next = Math.min(this.next, id);
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
    const [oldest] = this.resting.keys();
    return oldest ?? null;
  }

  private wake(): void {
    const now = this.options.now();
    for (const [id, rest] of this.resting) {
      if (rest.until > now) return;
      this.resting.delete(id);
    }
  }
}
