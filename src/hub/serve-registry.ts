// The serves of one group: who holds which serveid, and the rules by which ids are given (docs/architecture.md).
// Tells nobody; the group publishes what changed.

import { formatServeid, SERVEID } from "../config/config.js";
import { VnetError } from "../errors.js";
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

export class ServeRegistry<Owner extends Holder> {
  private readonly serves = new Map<number, RegisteredServe<Owner>>();
  private readonly dynamicIds: IdPool;

  constructor(options: { restMs: number; now: () => number }) {
    this.dynamicIds = new IdPool({
      ...options,
      min: SERVEID.min,
      max: SERVEID.staticMin - 1,
    });
  }

  get(serveid: number): RegisteredServe<Owner> | undefined {
    return this.serves.get(serveid);
  }

  all(): Iterable<RegisteredServe<Owner>> {
    return this.serves.values();
  }

  get size(): number {
    return this.serves.size;
  }

  /** Throws VnetError `refused` when a static id is held or no dynamic one is left. */
  register(
    owner: Owner,
    wanted: number,
    particulars: ServeParticulars,
    only: number,
    onlyName = "",
  ): RegisteredServe<Owner> {
    const serveid =
      wanted >= SERVEID.staticMin
        ? this.takeStatic(wanted)
        : this.takeDynamic(wanted, mark(owner, particulars));
    const serve = { ...particulars, serveid, owner, only, onlyName };
    this.serves.set(serveid, serve);
    return serve;
  }

  remove(serve: RegisteredServe<Owner>): void {
    if (this.serves.get(serve.serveid) !== serve) return;
    this.serves.delete(serve.serveid);
    if (serve.serveid < SERVEID.staticMin)
      this.dynamicIds.free(serve.serveid, mark(serve.owner, serve));
  }

  private takeStatic(serveid: number): number {
    const holder = this.serves.get(serveid);
    if (holder !== undefined)
      throw new VnetError(
        "refused",
        `serveid ${formatServeid(serveid)} is held by vnet ${holder.owner.title}, serve ${holder.name}`,
      );
    return serveid;
  }

  private takeDynamic(wanted: number, owner: string): number {
    const serveid = this.dynamicIds.take(wanted, owner);
    if (serveid === null)
      throw new VnetError(
        "refused",
        `all dynamic serveids (1-${SERVEID.staticMin - 1}) of the group are taken; use a static one (${SERVEID.staticMin}-${SERVEID.max})`,
      );
    return serveid;
  }
}

function mark(owner: Holder, serve: { name: string }): string {
  return JSON.stringify([owner.name, serve.name]);
}
