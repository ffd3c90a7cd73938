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

export class Borrower {
  /** how many want each of those that were granted, by id; 0: to be given back as soon as there is a hub */
  private readonly wanted = new Map<number, number>();

  constructor(private readonly options: BorrowerOptions) {}

  /** Rejects with VnetError: the provider's reason, or why it could not be asked. Whoever gets one gives it back. */
  async request(target: UnserveTarget): Promise<RemoteServe> {
    const { link, directory } = this.options;
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
    if (serve.temporary)
      this.wanted.set(serve.serveid, this.countOf(serve.serveid) + 1);
    return serve;
  }

  /** Does nothing for a serve that is registered for all. */
  giveBack(serveid: number): void {
    const isBorrowed =
      this.options.directory.serve(serveid)?.temporary === true;
    if (!this.wanted.has(serveid) && !isBorrowed) return;
    this.wanted.set(serveid, Math.max(0, this.countOf(serveid) - 1));
    this.settle();
  }

  /** The directory changed: what is gone is nobody's, and what is owed can perhaps be given back now. */
  settle(): void {
    const { link, directory } = this.options;
    if (link.state !== "online" || !directory.isCurrent) return;
    for (const [serveid, count] of this.wanted) {
      const isThere = directory.serve(serveid)?.temporary === true;
      if (isThere && count > 0) continue;
      if (isThere) link.send({ type: "unserve-return", serveid });
      this.wanted.delete(serveid);
    }
  }

  private countOf(serveid: number): number {
    return this.wanted.get(serveid) ?? 0;
  }
}
