// What is told of one use that does not listen: why, once somebody was told of it also each other reason that lasts, and that
// it listens after all. What a person was answered is told already.

import type { LogEvent } from "../log.js";
import { formatAddress } from "../net/address.js";
import { quoted } from "../printable.js";
import type { RemoteServe, UseView } from "./control.js";

/** What becomes another reason within this time is not told: that a node is asked for its secret, say. */
const CALM_MS = 3_000;

/** The loss of the hub was told, or what waits since it was made: the next reason that lasts is news. */
const NO_REASON = "";

export interface WaitNewsOptions {
  view: () => UseView;
  /** whether anything is to be told just now: not while the hub is away, which was said */
  isTelling: () => boolean;
  tell: (event: LogEvent & { level: "info" | "warn" }) => void;
}

export class WaitNews {
  /** the reason that was told last; null: none since it listened */
  private told: string | null = null;
  private hasListened = false;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly options: WaitNewsOptions) {}

  /** It was made while nobody waits for an answer. */
  expect(): void {
    this.told = NO_REASON;
  }

  /** The start is over: it waits. */
  starts(): void {
    const { state, error } = this.options.view();
    if (state !== "waiting" || error === null || this.told !== null) return;
    this.tell("does not listen yet", error);
  }

  /** It listened until now. */
  stops(why: string): void {
    if (this.options.isTelling()) this.tell("does not listen any more", why);
    else this.told = NO_REASON;
  }

  /** It still does not listen. */
  waits(why: string): void {
    if (this.told === null || this.told === why) return;
    this.timer ??= setTimeout(() => {
      this.look();
    }, CALM_MS);
  }

  /** Why it is closed, or tried again, was told in other words. */
  failed(why: string): void {
    this.told = why;
  }

  /** A person was told its state. */
  answered(): void {
    const { state, error } = this.options.view();
    const isOff = state === "waiting" || state === "error";
    this.told = isOff ? (error ?? NO_REASON) : null;
  }

  listens(): void {
    const { told, hasListened } = this;
    this.close();
    this.hasListened = true;
    if (told === null || told === NO_REASON) return;
    const { remote } = this.options.view();
    this.options.tell({
      level: "info",
      who: this.titleOf(true),
      what: hasListened ? "listens again" : "listens",
      ...(!hasListened && remote && { why: `it reaches ${nameOf(remote)}` }),
    });
  }

  /** Tells nothing more until it listens, or is expected to. Idempotent. */
  close(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.told = null;
  }

  private look(): void {
    this.timer = undefined;
    const { state, error } = this.options.view();
    if (state !== "waiting" || error === null || error === this.told) return;
    if (!this.options.isTelling()) return;
    const yet = this.hasListened ? "" : " yet";
    this.tell(`does not listen${yet}`, error);
  }

  private tell(what: string, why: string): void {
    this.told = why;
    const who = this.titleOf(this.hasListened);
    this.options.tell({ level: "warn", who, what, why });
  }

  private titleOf(isPlaced: boolean): string {
    const { label, wanted, ip, port } = this.options.view();
    const at = isPlaced ? ` at ${formatAddress(ip, port)}` : "";
    return `use ${label} (${wanted}${at})`;
  }
}

function nameOf({ unserve, name, vnet, ip, port }: RemoteServe): string {
  const what = unserve === undefined ? quoted(name) : formatAddress(ip, port);
  return `${what} of ${quoted(vnet)}`;
}
