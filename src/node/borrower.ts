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
  /** how many here want it; 0: it is to be given back as soon as it is seen */
  count: number;
  /** its node, as another one may get that id */
  vnet: string;
  /** it was given back, and is perhaps still to be seen for a moment */
  isReturned: boolean;
}

export class Borrower {
  /**
   * By id. One that is gone from the directory is kept in mind, as its node may come back with it: whoever wants it
   * gives it back some time. There are no more than ids.
   */
  private readonly borrowed = new Map<number, Borrowed>();
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
  giveBack(serveid: number): void {
    const serve = this.options.directory.serve(serveid);
    const borrowed =
      serve?.temporary === true ? this.of(serve) : this.borrowed.get(serveid);
    if (borrowed === undefined) return;
    borrowed.count = Math.max(0, borrowed.count - 1);
    this.settle();
  }

  /** The directory changed: what is owed can perhaps be given back now. */
  settle(): void {
    const { link, directory } = this.options;
    if (link.state !== "online" || !directory.isCurrent || this.asking > 0)
      return;
    for (const [serveid, borrowed] of this.borrowed) {
      const serve = directory.serve(serveid);
      const isThere = serve?.temporary === true && serve.vnet === borrowed.vnet;
      if (isThere && borrowed.count === 0 && !borrowed.isReturned)
        link.send({ type: "unserve-return", serveid });
      borrowed.isReturned = isThere && borrowed.count === 0;
    }
  }

  private of({ serveid, vnet }: RemoteServe): Borrowed {
    let borrowed = this.borrowed.get(serveid);
    if (borrowed?.vnet !== vnet) {
      borrowed = { count: 0, vnet, isReturned: false };
      this.borrowed.set(serveid, borrowed);
    }
    return borrowed;
  }
}
