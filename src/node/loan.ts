// What one use has borrowed: the lease that it holds at a node, or the serve that the node has registered for that very
// target. Asks again when the lease broke; what is lent for good (`to=`), also when it was ended or refused.

import { EventEmitter } from "node:events";
import { VnetError } from "../errors.js";
import { quoted } from "../printable.js";
import type { DirectoryNode } from "../wire/fields.js";
import type { Lend } from "../wire/open.js";
import type { Borrower } from "./borrower.js";
import type { Directory } from "./directory.js";
import type { Lease } from "./lease.js";
import type { Provider } from "./search.js";

const FIRST_RETRY_MS = 500;
const MAX_RETRY_MS = 15_000;

/** A lease that lived so long is worth asking again at once when it breaks. */
const STEADY_MS = 10_000;

/** What was lent for once and broke has this long to be lent again. */
const RETURN_MS = 30_000;

export interface LoanOptions {
  lend: Lend;
  /** Whom to ask now, or why nobody. `last`: the node that lent it last, whatever its name and number are by now. */
  lender: (last: DirectoryNode | null) => DirectoryNode | string | VnetError;
  directory: Directory;
  borrower: Borrower;
  /** for once: it goes for good when its node takes it back, or does not come back */
  once: boolean;
}

/**
 * Events: `change`: look at `find` again; `refused`: its node does not lend it, for a reason that is not the one before;
 * `gone`: one for once is over, and why.
 */
export class Loan extends EventEmitter<{
  change: [];
  refused: [string];
  gone: [string];
}> {
  private state: "open" | "closed" = "open";
  private lease: { lease: Lease; key: string } | undefined;
  /** who lent it last */
  private lastKey = "";
  /** instead of a lease: the serve that its node has registered */
  private registered = 0;
  private asking = false;
  private error: string | null = null;
  /** what the node is called, or was when it was here last, that is to lend it or has lent it; empty: it was not met yet */
  lenderName = "";
  private retryMs = FIRST_RETRY_MS;
  private retryTimer: NodeJS.Timeout | undefined;
  private returnTimer: NodeJS.Timeout | undefined;
  /** while its lease is young */
  private youngTimer: NodeJS.Timeout | undefined;

  constructor(private readonly options: LoanOptions) {
    super();
  }

  /** What is lent, as it is to be reached now; else why nothing is, and it is asked for. */
  find(): Provider | string | VnetError {
    if (this.state === "closed") return this.error ?? "it is not lent any more";
    const { last } = this;
    const node = this.options.lender(last);
    if (typeof node === "string" || node instanceof VnetError) {
      // Its node is there, and not the one that is meant any more, or not to be trusted.
      if (last !== null) this.letGo();
      return node;
    }
    this.lenderName = node.name;
    if (this.lease !== undefined && this.lease.key !== node.key) this.letGo();
    return this.lent(node) ?? this.ask(node);
  }

  /** Asks for the first time. Rejects with VnetError when it is not lent. */
  async begin(node: DirectoryNode): Promise<void> {
    this.asking = true;
    this.lenderName = node.name;
    try {
      await this.request(node);
    } finally {
      this.asking = false;
    }
  }

  /** Gives it back. Idempotent. */
  close(): void {
    this.state = "closed";
    clearTimeout(this.retryTimer);
    clearTimeout(this.returnTimer);
    this.letGo();
  }

  private get last(): DirectoryNode | null {
    return this.options.directory.nodeOf(this.lastKey) ?? null;
  }

  private lent(node: DirectoryNode): Provider | undefined {
    const { ip, port } = this.options.lend;
    const { vnetid, name: vnet, key } = node;
    if (this.lease !== undefined) {
      const { unserve } = this.lease.lease;
      const what = { name: `unserve-${port}`, type: "tcp", info: "" };
      const share = "exclusive";
      return {
        serveid: 0,
        unserve,
        vnetid,
        vnet,
        ...what,
        ip,
        port,
        share,
        key,
      };
    }
    // Its id may have passed to something else while the hub was away.
    const [registered] = this.options.directory
      .servesWithId(this.registered)
      .filter(
        (serve) =>
          serve.vnetid === vnetid && serve.ip === ip && serve.port === port,
      );
    return registered && { ...registered, key };
  }

  /** Why nothing is lent just now. */
  private ask(node: DirectoryNode): string {
    const isDue = !this.asking && this.retryTimer === undefined;
    if (isDue) void this.askAgain(node);
    return this.error ?? `asking vnet ${quoted(node.name)} for it`;
  }

  private async askAgain(node: DirectoryNode): Promise<void> {
    this.asking = true;
    try {
      await this.request(node);
    } catch (error) {
      if (!(error instanceof VnetError)) throw error;
      this.failed(error);
    } finally {
      this.asking = false;
    }
    if (this.state === "open") this.emit("change");
  }

  private async request(node: DirectoryNode): Promise<void> {
    const { borrower, lend } = this.options;
    const granted = await borrower.borrow(node, lend);
    if (this.state === "closed") {
      if (typeof granted !== "number") granted.giveBack();
      return;
    }
    clearTimeout(this.returnTimer);
    this.returnTimer = undefined;
    this.error = null;
    this.registered = typeof granted === "number" ? granted : 0;
    if (typeof granted !== "number") this.hold(granted, node.key);
    // A serve that is registered is perhaps not seen yet: then that is not asked for again at once.
    else if (this.lent(node) === undefined) this.retryLater();
    else this.retryMs = FIRST_RETRY_MS;
  }

  private hold(lease: Lease, key: string): void {
    this.letGo();
    this.lease = { lease, key };
    this.lastKey = key;
    this.youngTimer = setTimeout(() => {
      this.youngTimer = undefined;
      this.retryMs = FIRST_RETRY_MS;
    }, STEADY_MS);
    const over = (reason: string | null) => {
      if (this.lease?.lease !== lease) return;
      const wasYoung = this.youngTimer !== undefined;
      this.forgetLease();
      this.over(reason, wasYoung);
    };
    lease.on("over", over);
    if (lease.ended !== undefined) over(lease.ended);
  }

  /** @param reason the provider's; null: the lease broke */
  private over(reason: string | null, wasYoung: boolean): void {
    if (this.state === "closed") return;
    if (reason !== null && this.options.once) {
      this.goneFor(reason);
      return;
    }
    if (reason === null) {
      this.awaitReturn();
      if (wasYoung) this.retryLater();
    } else {
      this.emit("refused", reason);
      this.error = reason;
      this.retryLater();
    }
    this.emit("change");
  }

  private awaitReturn(): void {
    if (!this.options.once) return;
    this.returnTimer ??= setTimeout(() => {
      const why = this.error === null ? "" : ` (${this.error})`;
      const within = `within ${RETURN_MS / 1000} s`;
      this.goneFor(`its node was not reached again ${within}${why}`);
    }, RETURN_MS);
  }

  private failed(error: VnetError): void {
    if (this.state === "closed") return;
    if (error.code === "refused" && this.options.once) {
      this.goneFor(error.message);
      return;
    }
    // That the hub is lost is told by others.
    const isNews = error.code !== "closed" && this.error !== error.message;
    this.error = error.message;
    this.retryLater();
    if (isNews && !this.options.once) this.emit("refused", error.message);
  }

  private goneFor(reason: string): void {
    this.error = reason;
    this.close();
    this.emit("gone", reason);
  }

  private retryLater(): void {
    clearTimeout(this.retryTimer);
    this.retryTimer = setTimeout(() => {
      this.retryTimer = undefined;
      this.emit("change");
    }, this.retryMs);
    this.retryMs = Math.min(this.retryMs * 2, MAX_RETRY_MS);
  }

  private letGo(): void {
    this.lease?.lease.giveBack();
    this.forgetLease();
  }

  private forgetLease(): void {
    clearTimeout(this.youngTimer);
    this.youngTimer = undefined;
    this.lease = undefined;
  }
}
