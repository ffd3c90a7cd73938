// What one public port is at this moment, for the hub's log: open, to whom and where to, or closed and why. Told at the
// start and at each change, the same never twice.

import { performance } from "node:perf_hooks";
import { formatServeid, type PublicSettings } from "./config/config.js";
import { isLink } from "./config/link.js";
import type { Log, LogEvent } from "./log.js";
import { textOf } from "./log.js";
import { formatAddress, isLoopback } from "./net/address.js";
import type { RemoteServe, UseView } from "./node/control.js";
import { quoted } from "./printable.js";

/**
 * What becomes another thing within this time is not told: that a node is asked for its secret, say. And others who come and
 * go make no more than a line each time.
 */
const CALM_MS = 1_000;

export class PublicState {
  private told = "";
  private toldAt = -Infinity;
  private view: UseView | undefined;
  private timer: NodeJS.Timeout | undefined;
  private isClosed = false;

  constructor(
    private readonly settings: PublicSettings,
    private readonly isShared: boolean,
    private readonly log: Log,
  ) {}

  /** It may have changed. That it is open is told at once where nothing was told a moment ago. */
  see(view: UseView): void {
    if (this.isClosed) return;
    this.view = view;
    const isCalm = performance.now() - this.toldAt >= CALM_MS;
    if (isCalm && view.state === "listening") this.tell();
    else this.timer ??= setTimeout(() => this.tell(), CALM_MS);
  }

  /** Says nothing any more. Idempotent. */
  close(): void {
    this.isClosed = true;
    clearTimeout(this.timer);
  }

  private tell(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.view === undefined) return;
    const event = this.describe(this.view);
    const text = textOf(event);
    if (text === this.told) return;
    this.told = text;
    this.toldAt = performance.now();
    const isWanted = this.view.state !== "inactive";
    const isOpen = this.view.state === "listening";
    this.log[isWanted && !isOpen ? "warn" : "info"](event);
  }

  private describe(view: UseView): LogEvent {
    const { label, group } = this.settings;
    const of = group === "default" ? "" : ` of group ${quoted(group)}`;
    const who = `public ${quoted(label)}${of} (${view.wanted}${this.placeOf(view)})`;
    if (view.state === "listening")
      return {
        who,
        what: `is open to ${this.users}`,
        why: `it leads to ${targetOf(view)}`,
      };
    const what = "is closed";
    const again = view.refusedKey === null ? "; it is tried again" : "";
    if (view.state === "error")
      return { who, what, why: `${view.error ?? "it failed"}${again}` };
    if (view.state === "waiting")
      return { who, what, why: view.error ?? "nobody offers it" };
    const why = this.settings.active
      ? "it does not say what it leads to (serveid=, serve= or to=)"
      : "active=false";
    return { who, what, why };
  }

  private placeOf({ ip, port }: UseView): string {
    if (port === 0 && !isLink(ip)) return ` at ${ip}`;
    const own = this.isShared ? ", the hub's own port" : "";
    return ` at ${formatAddress(ip, port)}${own}`;
  }

  private get users(): string {
    const { from, ip } = this.settings;
    if (isLink(ip)) return "all who may use that socket";
    if (from !== undefined) return from.split(" ").join(", ");
    return isLoopback(ip) ? "all on this machine" : "all who reach this port";
  }
}

function targetOf({ remote, providers }: UseView): string {
  const more = providers > 1 ? ` and ${providers - 1} more of its kind` : "";
  return `${remote === null ? "nobody" : nameOf(remote)}${more}`;
}

function nameOf({ serveid, unserve, name, vnet, ip, port }: RemoteServe) {
  return unserve === undefined
    ? `serve ${formatServeid(serveid)} (${quoted(name)} of ${quoted(vnet)})`
    : `${formatAddress(ip, port)} at ${quoted(vnet)}`;
}
