// The places that a hub has for nodes (max_nodes), and whose they are: each of its keys has a share that nobody else gets,
// and nobody takes the last ones who has many. Counts sessions; ends none.

import { VnetError } from "../errors.js";
import { mayTake } from "./fair-share.js";

export interface Guest {
  readonly key: string;
  readonly credential: string;
  readonly crowd: string;
}

export interface PlacesOptions {
  maxNodes: number;
  reservePercent: number;
  /** of all keys that open this hub */
  credentials: readonly string[];
}

/** A node and its guests of `-e`; more at once is no use that we know. */
const MAX_OF_KEY = 256;

export class Places<G extends Guest> {
  private readonly taken = new Set<G>();
  private readonly counts = new Map<string, number>();

  constructor(private readonly options: PlacesOptions) {}

  /** Throws VnetError `refused` that says who has too many. */
  take(guest: G): void {
    const { maxNodes, reservePercent } = this.options;
    const free = this.freeFor(guest);
    if (free <= 0)
      throw new VnetError("refused", "the hub is full (max_nodes)");
    if (this.count("key", guest) >= MAX_OF_KEY)
      throw new VnetError(
        "refused",
        `${MAX_OF_KEY} links with this node's key are open already`,
      );
    const ofCrowd = this.count("crowd", guest);
    const isTooMany =
      guest.crowd !== "" && !mayTake("address", ofCrowd, free, reservePercent);
    if (isTooMany)
      throw new VnetError(
        "refused",
        `nodes of this address have ${ofCrowd} of the hub's ${maxNodes} places; the last ones are kept for others ([limits] max_nodes, reserve)`,
      );
    this.add(guest);
  }

  /** A node of the hub itself always has a place. */
  add(guest: G): void {
    this.taken.add(guest);
    this.change(guest, 1);
  }

  /** Idempotent. */
  leave(guest: G): void {
    if (this.taken.delete(guest)) this.change(guest, -1);
  }

  /** Half of all places are shared out among the hub's keys in equal parts; the other half is for whoever comes. */
  private freeFor({ credential }: Guest): number {
    const { maxNodes, credentials } = this.options;
    const share = Math.floor(maxNodes / (2 * Math.max(1, credentials.length)));
    const held = (of: string) => this.counts.get(`credential ${of}`) ?? 0;
    const kept = credentials
      .filter((other) => other !== credential)
      .reduce((sum, other) => sum + Math.max(0, share - held(other)), 0);
    return maxNodes - this.taken.size - kept;
  }

  private count(what: "key" | "crowd", guest: Guest): number {
    return this.counts.get(slotsOf(guest)[what]) ?? 0;
  }

  private change(guest: Guest, by: 1 | -1): void {
    for (const slot of Object.values(slotsOf(guest))) {
      const count = (this.counts.get(slot) ?? 0) + by;
      if (count > 0) this.counts.set(slot, count);
      else this.counts.delete(slot);
    }
  }
}

/** An address counts for each of the hub's keys by itself: one key's users take nothing from another one's. */
function slotsOf({ key, credential, crowd }: Guest) {
  return {
    key: `key ${key}`,
    credential: `credential ${credential}`,
    crowd: `crowd ${crowd} ${credential}`,
  };
}
