// The requester's side of unserve: asks a node for a service that it has not registered, maps what is granted,
// and gives back what is not wanted.

import { formatServeid } from "../config/config.js";
import { VnetError } from "../errors.js";
import type { ToHub } from "../wire/to-hub.js";
import type { RemoteServe, UseView } from "./control.js";
import type { Directory } from "./directory.js";
import type { HubLink } from "./hub-link.js";
import type { Uses } from "./uses.js";

export interface UnserveTarget {
  vnetid: number;
  ip: string;
  port: number;
}

export interface BorrowerOptions {
  link: HubLink;
  directory: Directory;
  uses: Uses;
}

type UnserveRequest = Extract<ToHub, { type: "unserve" }>;

export class Borrower {
  constructor(private readonly options: BorrowerOptions) {}

  /** Rejects with VnetError: the provider's reason, or why it could not be asked. */
  async request(target: UnserveTarget): Promise<RemoteServe> {
    const { link, directory } = this.options;
    const reply = await link.request<UnserveRequest>({
      type: "unserve",
      ...target,
    });
    const serve =
      reply.type === "unserve-granted"
        ? directory.serve(reply.serveid)
        : undefined;
    if (serve === undefined)
      throw new VnetError("closed", "the unserve is gone already");
    return serve;
  }

  /** A registered serve may have been granted as well: then the use is one like any other. */
  async map(
    serveid: number,
    local: { ip: string; port: number },
  ): Promise<UseView> {
    const { directory, uses } = this.options;
    const serve = directory.serve(serveid);
    if (serve === undefined)
      throw new VnetError(
        "closed",
        `unserve ${formatServeid(serveid)} is gone already`,
      );
    const use = uses.add(
      { label: this.freeLabel(serveid), serveid, ...local, active: true },
      serve.temporary ? "unserve" : "terminal",
    );
    await uses.open(use);
    return use.view();
  }

  giveBack(serveid: number): void {
    const { link, directory } = this.options;
    if (directory.serve(serveid)?.temporary === true)
      link.send({ type: "unserve-return", serveid });
  }

  private freeLabel(serveid: number): string {
    const taken = new Set(this.options.uses.all().map((use) => use.label));
    const base = `unserve-${formatServeid(serveid)}`;
    let label = base;
    for (let n = 2; taken.has(label); n++) label = `${base}-${n}`;
    return label;
  }
}
