// What a node tells the person or the log: the words for the hub's coming and going and for the group's news.
// Many news at once are told as a sum.

import { EventEmitter } from "node:events";
import { formatServeid, formatVnetid } from "../config/config.js";
import type { VnetError } from "../errors.js";
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
    this.info(
      `first contact with the hub ${this.link.hub}: its key is ${fingerprint}, remembered from now on`,
    );
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
      text: `the hub ${this.link.hub} is ${verb}: ${reason.message}; trying again`,
    });
  }

  heard(news: DirectoryNews): void {
    if (news.afterReconnect) {
      this.hub = "there";
      this.refusal = "";
      const as = `vnet ${formatVnetid(this.link.vnetid)}`;
      this.info(
        `connected to the hub ${this.link.hub} as ${as}: ${this.sum} in group ${this.group()}`,
      );
      return;
    }
    const texts = describe(news, this.link.vnetid);
    if (texts.length <= MAX_SINGLE) for (const text of texts) this.info(text);
    else
      this.info(
        `${count(texts.length, "change")} in the group: ${this.sum} now`,
      );
  }

  private get sum(): string {
    const nodes = count(this.directory.size, "node");
    return `${nodes}, ${count(this.directory.serves().length, "serve")}`;
  }

  private info(text: string): void {
    this.tell({ level: "info", text });
  }
}

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? "" : "s"}`;
}

/** One line for each thing that came or went, but what this node did itself. */
function describe(news: DirectoryNews, self: number): string[] {
  const others = <T extends { vnetid: number }>(entries: T[]) =>
    entries.filter((entry) => entry.vnetid !== self);
  const node = (entry: DirectoryNode) =>
    `vnet ${formatVnetid(entry.vnetid)} (${entry.name})`;
  const serve = (entry: RemoteServe) =>
    `serve ${formatServeid(entry.serveid)} (${entry.name} of ${entry.vnet})`;
  return [
    ...others(news.nodesGone).map((entry) => `${node(entry)} left`),
    ...others(news.nodesCame).map((entry) => `${node(entry)} is here`),
    ...others(news.servesGone).map((entry) => `${serve(entry)} is gone`),
    ...others(news.servesCame).map((entry) => `${serve(entry)} is here`),
  ];
}
