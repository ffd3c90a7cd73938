// The requester's side of unserve: asks a node for a service that it has not registered, and gives it back when nobody
// here wants it any more: two uses may have borrowed the same.

import { VnetError } from "../errors.js";
import type { ToHub } from "../wire/to-hub.js";
import type { RemoteServe } from "./control.js";
import type { Directory } from "./directory.js";
import type { HubLink } from "./hub-link.js";

export interface UnserveTarget {
  vnetid: number;
  ip: string;
  port: number;
  /** it stays until it is given back; else it goes when it is not used */
  keep?: boolean;
}

export interface BorrowerOptions {
  link: HubLink;
  directory: Directory;
}

type UnserveRequest = Extract<ToHub, { type: "unserve" }>;

interface Borrowed {
  serveid: number;
  vnet: string;
  /** how many here want it; 0: it is to be given back as soon as it is seen */
  count: number;
  /** it was given back, and is perhaps still to be seen for a moment */
  isReturned: boolean;
}

/** An id of a node: another node may get that id. */
export type Lent = Pick<RemoteServe, "serveid" | "vnet">;

/** There are more ids than that at no node, and few nodes that lend. */
const MAX_REMEMBERED = 10_000;

export class Borrower {
  /** One that is gone from the directory is kept in mind, as its node may come back with it. */
  private readonly borrowed = new Map<string, Borrowed>();
  /** what is granted is seen before the answer says that it is wanted */
  private asking = 0;

  constructor(private readonly options: BorrowerOptions) {}

  /** Rejects with VnetError: the provider's reason, or why it could not be asked. Whoever gets one gives it back. */
  async request(target: UnserveTarget): Promise<RemoteServe> {
    const { link, directory } = this.options;
    this.asking++;
    try {
      const reply = await link.request<UnserveRequest>({
        type: "unserve",
        keep: false,
        ...target,
      });
      const serve =
        reply.type === "unserve-granted"
          ? directory.serve(reply.serveid)
          : undefined;
      if (serve === undefined)
        throw new VnetError("closed", "the unserve is gone already");
      if (serve.temporary) this.of(serve).count++;
      return serve;
    } finally {
      this.asking--;
      this.settle();
    }
  }

  /** Does nothing for a serve that is registered for all. */
  giveBack(lent: Lent): void {
    const serve = this.seen(lent);
    const borrowed =
      serve === undefined ? this.borrowed.get(keyOf(lent)) : this.of(serve);
    if (borrowed === undefined) return;
    borrowed.count = Math.max(0, borrowed.count - 1);
    this.settle();
  }

  /** The directory changed: what is owed can perhaps be given back now. */
  settle(): void {
    const { link, directory } = this.options;
    if (link.state !== "online" || !directory.isCurrent || this.asking > 0)
      return;
    for (const borrowed of this.borrowed.values()) {
      const isOwed = borrowed.count === 0 && this.seen(borrowed) !== undefined;
      if (isOwed && !borrowed.isReturned)
        link.send({ type: "unserve-return", serveid: borrowed.serveid });
      borrowed.isReturned = isOwed;
    }
  }

  /** As the directory has it now; unserves are never shared, so an id is one node's. */
  private seen({ serveid, vnet }: Lent): RemoteServe | undefined {
    const serve = this.options.directory.serve(serveid);
    return serve?.temporary === true && serve.vnet === vnet ? serve : undefined;
  }

  private of({ serveid, vnet }: Lent): Borrowed {
    const key = keyOf({ serveid, vnet });
    let borrowed = this.borrowed.get(key);
    if (borrowed === undefined) {
      borrowed = { serveid, vnet, count: 0, isReturned: false };
      this.borrowed.set(key, borrowed);
      this.forgetOldest();
    }
    return borrowed;
  }

  private forgetOldest(): void {
    if (this.borrowed.size <= MAX_REMEMBERED) return;
    for (const [key, { count }] of this.borrowed)
      if (count === 0) {
        this.borrowed.delete(key);
        return;
      }
  }
}

function keyOf({ serveid, vnet }: Lent): string {
  return `${serveid} ${vnet}`;
}
