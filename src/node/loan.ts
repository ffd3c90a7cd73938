// What one use has borrowed (`to=`): a service that its node has not registered, asked for as an unserve that stays.
// Asks again whenever it is gone and its node is there; gives it back when the use is closed.

import type { UseTarget } from "../config/target.js";
import { VnetError } from "../errors.js";
import type { Borrower } from "./borrower.js";
import type { Choice } from "./choice.js";
import type { RemoteServe } from "./control.js";
import type { Directory } from "./directory.js";
import type { Provider } from "./search.js";

const FIRST_RETRY_MS = 500;
const MAX_RETRY_MS = 15_000;

export interface LoanOptions {
  target: Extract<UseTarget, { kind: "to" }>;
  directory: Directory;
  borrower: Borrower;
  choice: Choice;
  /** the answer came: look at `find` again */
  onChange: () => void;
  /** its node does not lend it, for a reason that is not the one before */
  onRefused?: (reason: string) => void;
}

export class Loan {
  private state: "open" | "closed" = "open";
  private granted: RemoteServe | undefined;
  private asking = false;
  private error: string | null = null;
  private retryMs = FIRST_RETRY_MS;
  private retryTimer: NodeJS.Timeout | undefined;

  constructor(private readonly options: LoanOptions) {}

  /** The serve that was granted, as the directory has it now; else why there is none, and it is asked for. */
  find(): Provider | string | VnetError {
    const { directory, target, choice } = this.options;
    const nodes = choice.pick(
      directory.findNodes(
        ({ name, vnetid }) => name === target.node || choice.knows(vnetid),
      ),
    );
    if (!Array.isArray(nodes)) return nodes;
    const [node] = nodes;
    if (node === undefined)
      return `no node ${target.node} in this group just now`;
    if (nodes.length > 1)
      return `${nodes.length} nodes are named ${target.node}; give one of them another name, or say which is meant by fingerprint=`;
    const { granted } = this;
    const [serve] = directory.find(
      ({ serveid, vnetid }) =>
        serveid === granted?.serveid && vnetid === node.vnetid,
    );
    if (serve !== undefined && isFor(serve, target))
      return { ...serve, key: node.key };
    this.ask(node.vnetid);
    return this.error ?? `asking vnet ${target.node} for it`;
  }

  /** Idempotent. */
  close(): void {
    this.state = "closed";
    clearTimeout(this.retryTimer);
    if (this.granted !== undefined)
      this.options.borrower.giveBack(this.granted);
    this.granted = undefined;
  }

  private ask(vnetid: number): void {
    if (this.asking || this.retryTimer !== undefined) return;
    this.asking = true;
    void this.request(vnetid);
  }

  private async request(vnetid: number): Promise<void> {
    const { target, borrower, onChange } = this.options;
    const { ip, port } = target;
    try {
      const serve = await borrower.request({ vnetid, ip, port, keep: true });
      if (this.state === "closed") {
        borrower.giveBack(serve);
        return;
      }
      // Its node may have come back with the one before as well.
      if (this.granted !== undefined) borrower.giveBack(this.granted);
      this.granted = serve;
      this.error = null;
      this.retryMs = FIRST_RETRY_MS;
    } catch (error) {
      if (!(error instanceof VnetError)) throw error;
      if (this.state === "closed") return;
      // That the hub is lost is told by others.
      const isNews = error.code !== "closed" && this.error !== error.message;
      this.error = error.message;
      this.retryLater();
      if (isNews) this.options.onRefused?.(error.message);
    } finally {
      this.asking = false;
    }
    onChange();
  }

  private retryLater(): void {
    this.retryTimer = setTimeout(() => {
      this.retryTimer = undefined;
      this.options.onChange();
    }, this.retryMs);
    this.retryMs = Math.min(this.retryMs * 2, MAX_RETRY_MS);
  }
}

/** The id may have passed to something else while the hub was away. */
function isFor(serve: RemoteServe, target: LoanOptions["target"]): boolean {
  return serve.ip === target.ip && serve.port === target.port;
}
