// The serves of one group: who holds which serveid, and the rules by which ids are given (docs/architecture.md).
// Tells nobody; the group publishes what changed.

import { formatServeid, SERVEID } from "../config/config.js";
import { VnetError } from "../errors.js";
import { quoted } from "../printable.js";
import type { ServeParticulars } from "../wire/fields.js";
import { IdPool } from "./id-pool.js";

export interface RegisteredServe<Owner> extends ServeParticulars {
  serveid: number;
  owner: Owner;
  /** the vnetid that alone may see it, or 0 */
  only: number;
  /** that node's name, so that a later owner of its number is not taken for it; empty: not known */
  onlyName: string;
}

export interface Holder {
  /** how people tell it apart: `01 (home)` */
  readonly title: string;
  /** the node's name: with a serve's name it marks whose a resting id was */
  readonly name: string;
}

export interface Registration<Owner> {
  serve: RegisteredServe<Owner>;
  /** serves of others whose id or name it took over; they are no longer registered */
  displaced: RegisteredServe<Owner>[];
}

export class ServeRegistry<Owner extends Holder> {
  /** in the order of registration; more than one with an id only where all of them have share=balance */
  private readonly serves = new Map<number, RegisteredServe<Owner>[]>();
  private readonly dynamicIds: IdPool;
  private count = 0;

  constructor(options: { restMs: number; now: () => number }) {
    this.dynamicIds = new IdPool({
      ...options,
      min: SERVEID.min,
      max: SERVEID.staticMin - 1,
    });
  }

  /** All that have this id; empty: nobody. */
  holders(serveid: number): readonly RegisteredServe<Owner>[] {
    return this.serves.get(serveid) ?? [];
  }

  *all(): Iterable<RegisteredServe<Owner>> {
    for (const holders of this.serves.values()) yield* holders;
  }

  get size(): number {
    return this.count;
  }

  /** Throws VnetError `refused` when a static id is held or no dynamic one is left; then nobody is displaced. */
  register(
    owner: Owner,
    wanted: number,
    particulars: ServeParticulars,
    only: number,
    onlyName = "",
  ): Registration<Owner> {
    const displaced = this.displacedBy(wanted, particulars, only);
    this.refuseHeld(owner, wanted, particulars, displaced);
    for (const serve of displaced) this.remove(serve, mark(owner, particulars));
    const serveid = this.takeId(owner, wanted, particulars, displaced);
    const serve = { ...particulars, serveid, owner, only, onlyName };
    this.serves.set(serveid, [...this.holders(serveid), serve]);
    this.count++;
    return { serve, displaced };
  }

  /** @param heir whom its dynamic id rests for; absent: its owner */
  remove(serve: RegisteredServe<Owner>, heir = mark(serve.owner, serve)): void {
    const { serveid } = serve;
    const holders = this.holders(serveid);
    const rest = holders.filter((holder) => holder !== serve);
    if (rest.length === holders.length) return;
    this.count--;
    if (rest.length > 0) {
      this.serves.set(serveid, rest);
      return;
    }
    this.serves.delete(serveid);
    if (serveid < SERVEID.staticMin) this.dynamicIds.free(serveid, heir);
  }

  /** Only who has said share=takeover is displaced, and only by who says so too. */
  private displacedBy(
    wanted: number,
    { share, name }: ServeParticulars,
    only: number,
  ): RegisteredServe<Owner>[] {
    if (share !== "takeover" || only !== 0) return [];
    return [...this.all()].filter(
      (serve) =>
        serve.share === "takeover" &&
        (serve.serveid === wanted || serve.name === name),
    );
  }

  /** A static id is given as asked for or not at all. */
  private refuseHeld(
    owner: Owner,
    wanted: number,
    { share, name }: ServeParticulars,
    displaced: readonly RegisteredServe<Owner>[],
  ): void {
    if (wanted < SERVEID.staticMin) return;
    const holders = this.holders(wanted);
    const [holder] = holders.filter((serve) => !displaced.includes(serve));
    if (holder === undefined) return;
    const by = `serveid ${formatServeid(wanted)} is held by vnet ${holder.owner.title}, serve ${quoted(holder.name)}`;
    if (share === "exclusive") throw new VnetError("refused", by);
    if (holder.share !== share)
      throw new VnetError(
        "refused",
        `${by}, which has share=${holder.share}; share=${share} must be set on both`,
      );
    if (holder.name !== name)
      throw new VnetError(
        "refused",
        `${by}; serves that are balanced under one id have one name`,
      );
    if (holders.some((serve) => serve.owner === owner))
      throw new VnetError(
        "refused",
        `serveid ${formatServeid(wanted)} is this node's already; give the second one another id, and use them by name`,
      );
  }

  private takeId(
    owner: Owner,
    wanted: number,
    particulars: ServeParticulars,
    displaced: readonly RegisteredServe<Owner>[],
  ): number {
    // Whoever takes over and has no id of its own in mind goes on under the one that people know.
    const [first] = displaced;
    const id = wanted === SERVEID.none ? (first?.serveid ?? wanted) : wanted;
    if (id >= SERVEID.staticMin) return id;
    if (this.mayShare(owner, id, particulars)) return id;
    const given = this.dynamicIds.take(id, mark(owner, particulars));
    if (given !== null) return given;
    throw new VnetError(
      "refused",
      `all dynamic serveids (1-${SERVEID.staticMin - 1}) of the group are taken; use a static one (${SERVEID.staticMin}-${SERVEID.max})`,
    );
  }

  private mayShare(
    owner: Owner,
    serveid: number,
    { share, name }: ServeParticulars,
  ): boolean {
    const holders = this.holders(serveid);
    const fits = (serve: RegisteredServe<Owner>) =>
      serve.share === "balance" && serve.name === name && serve.owner !== owner;
    return share === "balance" && holders.length > 0 && holders.every(fits);
  }
}

/** Whose a resting id is: its node's, or, where the id is shared, any node's that shares it by the same name. */
function mark(
  owner: Holder,
  { name, share }: Pick<ServeParticulars, "name" | "share">,
): string {
  const node = share === "exclusive" ? [owner.name] : [];
  return JSON.stringify([share, ...node, name]);
}
