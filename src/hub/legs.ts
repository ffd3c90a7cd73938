// Tickets and the legs that come with them: matches the two legs of a channel and lets the pump copy between them.
// Knows no stream and looks at no byte behind the ticket.

import { createHash, randomBytes } from "node:crypto";
import type { Duplex } from "node:stream";
import { pump } from "../net/pump.js";
import { reset } from "../net/reset.js";
import { TICKET_BYTES } from "../wire/preamble.js";

/** One channel: from its tickets' issue to the end of its copying. */
interface Joint<Owner> {
  owners: readonly [Owner, Owner];
  tickets: readonly [string, string];
  legs: [Duplex | undefined, Duplex | undefined];
  /** cuts off both legs, once they are joined */
  cut: (() => void) | undefined;
  timer: NodeJS.Timeout | undefined;
}

export interface LegsOptions<Owner> {
  ticketMs: number;
  /** what an owner is counted by, besides itself, see `heldBy` */
  marksOf?: (owner: Owner) => readonly string[];
}

export class Legs<Owner> {
  /** by the marks of their tickets */
  private readonly waiting = new Map<string, Joint<Owner>>();
  private readonly byOwner = new Map<Owner, Set<Joint<Owner>>>();
  /** by who asked, by who was asked: of their channels, how many wait for a leg */
  private readonly making = new Map<Owner, Map<Owner, number>>();
  /** by who was asked, by the marks of who asked: how many channels there are */
  private readonly askedOf = new Map<Owner, Map<string, number>>();

  constructor(private readonly options: LegsOptions<Owner>) {}

  /** `joined`: channels being copied. `waiting`: channels of which at least one leg has not come. */
  get counts(): { joined: number; waiting: number } {
    const joints = new Set<Joint<Owner>>();
    for (const own of this.byOwner.values())
      for (const joint of own) joints.add(joint);
    let waiting = 0;
    for (const joint of joints) if (joint.timer !== undefined) waiting++;
    return { joined: joints.size - waiting, waiting };
  }

  /** How many legs are still to come. */
  get expected(): number {
    return this.waiting.size;
  }

  /** How many channels an owner has, or waits for. */
  countOf(owner: Owner): number {
    return this.byOwner.get(owner)?.size ?? 0;
  }

  /** How many of its channels were asked for by owners with that mark. */
  heldBy(mark: string, of: Owner): number {
    return this.askedOf.get(of)?.get(mark) ?? 0;
  }

  /** How many channels that one asked the other for still wait for a leg. */
  makingOf(from: Owner, to: Owner): number {
    return this.making.get(from)?.get(to) ?? 0;
  }

  /** Two one-time tickets, for the one who asked and for the one asked. */
  issue(from: Owner, to: Owner): { from: string; to: string } {
    const joint: Joint<Owner> = {
      owners: [from, to],
      tickets: [newTicket(), newTicket()],
      legs: [undefined, undefined],
      cut: undefined,
      timer: setTimeout(() => {
        this.abandon(joint);
      }, this.options.ticketMs),
    };
    for (const ticket of joint.tickets) this.waiting.set(markOf(ticket), joint);
    for (const owner of joint.owners) this.ownedBy(owner).add(joint);
    this.countMaking(joint, 1);
    this.countAsked(joint, 1);
    return { from: joint.tickets[0], to: joint.tickets[1] };
  }

  /** A leg came; false when its ticket is unknown, used or too old. Then the leg still belongs to the caller. */
  arrive(ticket: string, leg: Duplex): boolean {
    const mark = markOf(ticket);
    const joint = this.waiting.get(mark);
    if (joint === undefined) return false;
    this.waiting.delete(mark);
    const [a, b] =
      joint.tickets[0] === ticket ? [leg, joint.legs[1]] : [joint.legs[0], leg];
    joint.legs = [a, b];
    if (a !== undefined && b !== undefined) this.join(joint, a, b);
    else leg.on("error", () => undefined);
    return true;
  }

  /** The same as `arrive`, but there is no room for it: its channel is given up, so that both its nodes know at once. */
  turnAway(ticket: string, leg: Duplex): boolean {
    const joint = this.waiting.get(markOf(ticket));
    if (joint === undefined) return false;
    reset(leg);
    this.abandon(joint);
    return true;
  }

  /** Cuts off every channel of an owner that is lost. */
  drop(owner: Owner): void {
    for (const joint of [...(this.byOwner.get(owner) ?? [])])
      this.abandon(joint);
  }

  /** An owner left in good order: of its channels those that wait for a leg wait in vain. */
  dropWaiting(owner: Owner): void {
    for (const joint of [...(this.byOwner.get(owner) ?? [])])
      if (joint.timer !== undefined) this.abandon(joint);
  }

  /** No further leg will come: those that wait for their other half wait in vain. */
  retire(): void {
    for (const joint of new Set(this.waiting.values())) this.abandon(joint);
  }

  /** Cuts off everything. */
  close(): void {
    for (const owner of [...this.byOwner.keys()]) this.drop(owner);
  }

  private join(joint: Joint<Owner>, a: Duplex, b: Duplex): void {
    this.stopWaiting(joint);
    joint.legs = [undefined, undefined];
    joint.cut = pump(a, b, () => {
      this.forget(joint);
    });
  }

  private abandon(joint: Joint<Owner>): void {
    for (const leg of joint.legs) if (leg !== undefined) reset(leg);
    joint.cut?.();
    this.forget(joint);
  }

  private forget(joint: Joint<Owner>): void {
    this.stopWaiting(joint);
    for (const ticket of joint.tickets) this.waiting.delete(markOf(ticket));
    // Idempotent, so that each counts once.
    if (this.byOwner.get(joint.owners[0])?.has(joint) !== true) return;
    this.countAsked(joint, -1);
    for (const owner of joint.owners) {
      const own = this.byOwner.get(owner);
      own?.delete(joint);
      if (own?.size === 0) this.byOwner.delete(owner);
    }
  }

  private stopWaiting(joint: Joint<Owner>): void {
    if (joint.timer === undefined) return;
    clearTimeout(joint.timer);
    joint.timer = undefined;
    this.countMaking(joint, -1);
  }

  private countAsked({ owners: [from, of] }: Joint<Owner>, by: 1 | -1): void {
    const { marksOf } = this.options;
    if (marksOf === undefined) return;
    const counts = this.askedOf.get(of) ?? new Map<string, number>();
    this.askedOf.set(of, counts);
    for (const mark of marksOf(from)) {
      const count = (counts.get(mark) ?? 0) + by;
      if (count > 0) counts.set(mark, count);
      else counts.delete(mark);
    }
    if (counts.size === 0) this.askedOf.delete(of);
  }

  private countMaking({ owners: [from, to] }: Joint<Owner>, by: 1 | -1): void {
    const counts = this.making.get(from) ?? new Map<Owner, number>();
    this.making.set(from, counts);
    const count = (counts.get(to) ?? 0) + by;
    if (count > 0) counts.set(to, count);
    else counts.delete(to);
    if (counts.size === 0) this.making.delete(from);
  }

  private ownedBy(owner: Owner): Set<Joint<Owner>> {
    let own = this.byOwner.get(owner);
    if (own === undefined) this.byOwner.set(owner, (own = new Set()));
    return own;
  }
}

/**
 * What a ticket is looked up by. How long a look-up takes may tell something of what it is compared with: then of a
 * hash, from which no ticket follows.
 */
function markOf(ticket: string): string {
  return createHash("sha256").update(ticket).digest("hex");
}

function newTicket(): string {
  return randomBytes(TICKET_BYTES).toString("hex");
}
