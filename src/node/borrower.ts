// The requester's side of unserve: asks nodes for services that they have not registered, and holds the leases, so that
// all can be broken together, and what is given back can be waited for.

import { once } from "node:events";
import { NO_USER } from "../channel/waiting-line.js";
import { VnetError } from "../errors.js";
import type { Lend } from "../wire/open.js";
import type { Channels, Reached } from "./channels.js";
import { untilHeard } from "./last-words.js";
import { Lease } from "./lease.js";

export class Borrower {
  private readonly leases = new Set<Lease>();

  constructor(private readonly channels: Channels) {}

  /**
   * What that node grants: a lease, or the id of a serve that has that very target. Rejects with VnetError: `refused` with
   * the node's own reason and nobody else's, or why it could not be asked. Whoever gets a lease gives it back.
   */
  async borrow(node: Reached, lend: Lend): Promise<Lease | number> {
    const { channel } = await this.channels
      .acquire(node, NO_USER)
      .catch(unlessReached);
    const granted = await Lease.ask(channel, lend);
    if (typeof granted === "number") return granted;
    // It may have ended in the words that granted it.
    if (granted.isDone) return granted;
    this.leases.add(granted);
    granted.on("done", () => {
      this.leases.delete(granted);
    });
    return granted;
  }

  /** The hub copies only what still runs, and a lease would keep it waiting; it is asked for again. */
  interrupt(): void {
    for (const lease of this.leases) lease.break();
  }

  /** Resolves when what was given back has arrived, as far as the others answer soon. */
  returned(): Promise<void> {
    const returning = [...this.leases].filter(({ isReturned }) => isReturned);
    return untilHeard(returning.map((lease) => once(lease, "done")));
  }
}

/** That there is no way to it just now, whoever says so, is no word of the node. */
function unlessReached(error: unknown): never {
  if (!(error instanceof VnetError) || error.code !== "refused") throw error;
  throw new VnetError("network", error.message, { cause: error });
}
