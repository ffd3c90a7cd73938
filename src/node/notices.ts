// What a node tells the person or the log: the words for the hub's coming and going and for the group's news.
// Many news at once are told as a sum.

import { EventEmitter } from "node:events";
import { formatServeid, formatVnetid } from "../config/config.js";
import { count } from "../count.js";
import type { VnetError } from "../errors.js";
import type { LogEvent } from "../log.js";
import { quoted } from "../printable.js";
import type { DirectoryNode } from "../wire/fields.js";
import type { Notice, RemoteServe } from "./control.js";
import type { Directory, DirectoryNews } from "./directory.js";
import type { HubLink } from "./hub-link.js";

/** More news than this in one change are told as a sum. */
const MAX_SINGLE = 4;

export class Notices {
  private readonly emitter = new EventEmitter<{ notice: [Notice] }>();
  /** what was told of the hub last; a hub that stays away is told once */
  private hub: "unknown" | "there" | "away" = "unknown";

  private refusal = "";
  private isSlowTold = false;

  constructor(
    private readonly link: HubLink,
    private readonly directory: Directory,
    private readonly group: () => string,
  ) {
    this.emitter.setMaxListeners(0);
  }

  /** Until the returned function is called. */
  listen(listener: (notice: Notice) => void): () => void {
    this.emitter.on("notice", listener);
    return () => {
      this.emitter.off("notice", listener);
    };
  }

  tell(notice: Notice): void {
    this.emitter.emit("notice", notice);
  }

  /** Tells nobody anything any more. */
  close(): void {
    this.emitter.removeAllListeners();
  }

  contact(fingerprint: string): void {
    this.info({
      what: `first contact with ${this.hubTitle}: its key is ${fingerprint}, remembered from now on`,
    });
  }

  /** A hub that was lost is known to be away; the others learn why nothing happens. */
  hubSlow(waitsFor: string): void {
    if (this.hub === "away" || this.isSlowTold) return;
    this.isSlowTold = true;
    this.tell({
      level: "warn",
      who: this.hubTitle,
      what: "is still waited for",
      why: waitsFor,
    });
  }

  /** Another node has the name that this one asked for. */
  renamed(name: string): void {
    this.tell({
      level: "warn",
      who: "this node",
      what: `is called ${quoted(name)} in group ${quoted(this.group())}`,
      why: "another node has its name, or had it last; set another one ([vnet] name), or ask the hub's operator for `./route forget NAME` and start anew",
    });
  }

  hubLost(reason: VnetError): void {
    // A hub that stays away is told once; that it is there and refuses us is news.
    const isNews = reason.code === "refused" && reason.message !== this.refusal;
    if (this.hub === "away" && !isNews) return;
    if (reason.code === "refused") this.refusal = reason.message;
    const verb = this.hub === "there" ? "lost" : "not reached";
    this.hub = "away";
    this.tell({
      level: "warn",
      who: this.hubTitle,
      what: `is ${verb}`,
      why: `${reason.message}; trying again`,
    });
  }

  heard(news: DirectoryNews): void {
    if (news.afterReconnect) {
      this.hub = "there";
      this.refusal = "";
      this.isSlowTold = false;
      const as = `vnet ${formatVnetid(this.link.vnetid)}`;
      this.info({
        what: `connected to ${this.hubTitle} as ${as}: ${this.sum} in group ${quoted(this.group())}`,
      });
      return;
    }
    const events = describe(news, this.link.vnetid);
    if (events.length <= MAX_SINGLE)
      for (const event of events) this.info(event);
    else
      this.info({
        what: `${count(events.length, "change")} in the group: ${this.sum} now`,
      });
  }

  private get sum(): string {
    const { nodeCount, serveCount } = this.directory;
    return `${count(nodeCount, "node")}, ${count(serveCount, "serve")}`;
  }

  private get hubTitle(): string {
    return `the hub ${this.link.hub}`;
  }

  private info(event: LogEvent): void {
    this.tell({ level: "info", ...event });
  }
}

function told(who: string, what: string): LogEvent {
  return { who, what };
}

/** One event for each thing that came or went, but what this node did itself. */
function describe(news: DirectoryNews, self: number): LogEvent[] {
  const others = <T extends { vnetid: number }>(entries: T[]) =>
    entries.filter((entry) => entry.vnetid !== self);
  const node = (entry: DirectoryNode) =>
    `vnet ${formatVnetid(entry.vnetid)} (${quoted(entry.name)})`;
  const serve = (entry: RemoteServe) =>
    `serve ${formatServeid(entry.serveid)} (${quoted(entry.name)} of ${quoted(entry.vnet)})`;
  return [
    ...others(news.nodesGone).map((entry) => told(node(entry), "left")),
    ...others(news.nodesCame).map((entry) => told(node(entry), "is here")),
    ...others(news.servesGone).map((entry) => told(serve(entry), "is gone")),
    ...others(news.servesCame).map((entry) => told(serve(entry), "is here")),
  ];
}
