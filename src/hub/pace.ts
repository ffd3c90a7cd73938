// How fast one identity makes news for its group. Beyond its pace its changes are held back and gathered, each serve's last
// one, while those of others go at once.

import { Allowance } from "../net/allowance.js";

/** All of a node that starts with 999 serves and changes them, and few of one that registers and unregisters for ever. */
const PACE = { perSecond: 200, burst: 2_500 };
/** Identities remembered, so that one that leaves and comes again begins where it was. */
const MAX_REMEMBERED = 10_000;

/** A change that is told or held back. */
export interface Place {
  /** whose it is */
  identity: string;
  slot: string;
  /** the serveid of which it tells, see `hurry` */
  about: number;
}

interface Held<Change> {
  change: Change;
  about: number;
}

interface Party<Change> {
  allowance: Allowance;
  /** by slot, in the order of the first change of each */
  held: Map<string, Held<Change>>;
  timer: NodeJS.Timeout | undefined;
}

export class Pace<Change> {
  private readonly parties = new Map<string, Party<Change>>();
  /** who holds what about each serveid, by slot */
  private readonly holding = new Map<number, Map<string, Party<Change>>>();

  /** @param onDue called with what was held back, when it may go */
  constructor(
    private readonly onDue: (changes: Iterable<[string, Change]>) => void,
    private readonly pace = PACE,
  ) {}

  /**
   * Whether a change of that slot may be told now; else it is held back, in place of an earlier one of the slot.
   * @param isUrgent tells it in any case, unless there is an earlier one that waits
   */
  admit(
    { identity, slot, about }: Place,
    change: Change,
    isUrgent = false,
  ): boolean {
    const party = this.party(identity);
    const waits = isUrgent ? party.held.has(slot) : party.held.size > 0;
    if (!waits && (isUrgent || party.allowance.draw(0) === 0)) {
      party.allowance.draw(1);
      return true;
    }
    party.held.set(slot, { change, about });
    const slots = this.holding.get(about) ?? new Map<string, Party<Change>>();
    this.holding.set(about, slots.set(slot, party));
    this.waitFor(party);
    return false;
  }

  /** What is held back about that serveid goes now: others have to know it before what follows. */
  hurry(about: number): void {
    for (const [slot, party] of this.holding.get(about) ?? [])
      this.release(party, [slot]);
  }

  /** Forgets what is held back. Idempotent. */
  close(): void {
    for (const { timer } of this.parties.values()) clearTimeout(timer);
    this.parties.clear();
    this.holding.clear();
  }

  private waitFor(party: Party<Change>): void {
    party.timer ??= setTimeout(() => {
      party.timer = undefined;
      if (party.held.size === 0) return;
      if (party.allowance.draw(0) > 0) {
        this.waitFor(party);
        return;
      }
      this.release(party, [...party.held.keys()]);
    }, party.allowance.draw(0)).unref();
  }

  private release(party: Party<Change>, slots: string[]): void {
    const due = slots.flatMap((slot): [string, Change][] => {
      const held = party.held.get(slot);
      if (held === undefined) return [];
      party.held.delete(slot);
      const others = this.holding.get(held.about);
      others?.delete(slot);
      if (others?.size === 0) this.holding.delete(held.about);
      return [[slot, held.change]];
    });
    party.allowance.draw(due.length);
    this.onDue(due);
  }

  private party(identity: string): Party<Change> {
    const known = this.parties.get(identity);
    if (known !== undefined) return known;
    if (this.parties.size >= MAX_REMEMBERED)
      for (const [old, { held }] of this.parties)
        if (held.size === 0) {
          this.parties.delete(old);
          break;
        }
    const { perSecond, burst } = this.pace;
    const made = {
      allowance: new Allowance(perSecond, burst),
      held: new Map<string, Held<Change>>(),
      timer: undefined,
    };
    this.parties.set(identity, made);
    return made;
  }
}
