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
  /** of its node, which may have another number and name by then: public identity key, base64 */
  key: string;
  /** how many here want it; 0: it is to be given back as soon as it is seen */
  count: number;
  /** it was given back, and is perhaps still to be seen for a moment */
  isReturned: boolean;
}

/** There are more ids than that at no node, and few nodes that lend. */
const MAX_REMEMBERED = 10_000;

export class Borrower {
  /** One that is gone from the directory is kept in mind, as its node may come back with it. */
  private readonly borrowed = new Map<string, Borrowed>();
  /** what request() brought, by what it gave */
  private readonly given = new WeakMap<RemoteServe, Borrowed>();
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
      if (serve.temporary) {
        const borrowed = this.of(serve);
        borrowed.count++;
        this.given.set(serve, borrowed);
      }
      return serve;
    } finally {
      this.asking--;
      this.settle();
    }
  }

  /** Does nothing for a serve that is registered for all. */
  giveBack(serve: RemoteServe): void {
    if (!serve.temporary) return;
    this.release(this.given.get(serve) ?? this.of(serve));
  }

  /** The same, of whatever has that id, or had it. */
  giveBackId(serveid: number): void {
    const serve = this.options.directory.serve(serveid);
    const borrowed = [...this.borrowed.values()].find(
      (one) => one.serveid === serveid && one.count > 0,
    );
    if (serve !== undefined) this.giveBack(serve);
    else if (borrowed !== undefined) this.release(borrowed);
  }

  /** The directory changed: what is owed can perhaps be given back now. */
  settle(): void {
    const { link, directory } = this.options;
    if (link.state !== "online" || !directory.isCurrent || this.asking > 0)
      return;
    for (const borrowed of this.borrowed.values()) {
      const isOwed = borrowed.count === 0 && this.isSeen(borrowed);
      if (isOwed && !borrowed.isReturned)
        link.send({ type: "unserve-return", serveid: borrowed.serveid });
      borrowed.isReturned = isOwed;
    }
  }

  private release(borrowed: Borrowed): void {
    borrowed.count = Math.max(0, borrowed.count - 1);
    this.settle();
  }

  /** Unserves are never shared, so an id is one node's. */
  private isSeen({ serveid, key }: Borrowed): boolean {
    const serve = this.options.directory.serve(serveid);
    return serve?.temporary === true && this.keyOf(serve) === key;
  }

  private keyOf({ vnetid }: RemoteServe): string {
    return this.options.directory.node(vnetid)?.key ?? "";
  }

  private of(serve: RemoteServe): Borrowed {
    const { serveid } = serve;
    const key = this.keyOf(serve);
    const name = `${serveid} ${key}`;
    let borrowed = this.borrowed.get(name);
    if (borrowed === undefined) {
      borrowed = { serveid, key, count: 0, isReturned: false };
      this.borrowed.set(name, borrowed);
      this.forgetOldest();
    }
    return borrowed;
  }

  private forgetOldest(): void {
    if (this.borrowed.size <= MAX_REMEMBERED) return;
    for (const [name, { count }] of this.borrowed)
      if (count === 0) {
        this.borrowed.delete(name);
        return;
      }
  }
}
