// The node: composes link, directory, channels, serves and uses, and is what the terminal drives (see control.ts).
// Data flows one way: the hub's news → directory → serves and uses → notices.

import { EventEmitter } from "node:events";
import type { PoolLimits } from "../channel/pool.js";
import { createTraffic } from "../channel/traffic.js";
import {
  formatServeid,
  formatVnetid,
  SERVEID,
  type NodeConfig,
  type ServeSettings,
  type UseSettings,
} from "../config/config.js";
import type { ConfigChange } from "../config/diff.js";
import { VnetError } from "../errors.js";
import type { Log } from "../log.js";
import type { Heartbeat } from "../net/control-link.js";
import type { ToHub } from "../wire/to-hub.js";
import { Channels } from "./channels.js";
import type {
  NodeControl,
  NodeView,
  Notice,
  PingResult,
  RemoteNode,
  RemoteServe,
  ServeView,
  UseView,
} from "./control.js";
import { Directory, type DirectoryNews } from "./directory.js";
import { HubLink, type Backoff, type HubNews } from "./hub-link.js";
import { pingHub, pingNode } from "./ping.js";
import { applyReload, planReload } from "./reload.js";
import { Serves } from "./serves.js";
import { Unserves } from "./unserves.js";
import { Uses } from "./uses.js";

export interface NodeOptions {
  config: NodeConfig;
  /** name and version, for hello */
  software: string;
  /** sees the group and is seen by nobody; registers no serve and opens no use of the configuration */
  guest?: boolean;
  log: Log;
  heartbeat?: Heartbeat;
  backoff?: Backoff;
  poolLimits?: Partial<PoolLimits>;
  incomingIdleMs?: number;
}

/** More news than this in one change are told as a sum. */
const MAX_NOTICES = 4;

export class Node implements NodeControl {
  private current: NodeConfig;
  private state: "open" | "closed" = "open";
  private readonly notices = new EventEmitter<{ notice: [Notice] }>();
  private readonly traffic = createTraffic();
  private readonly directory = new Directory();
  private readonly link: HubLink;
  private readonly channels: Channels;
  private readonly ownServes: Serves;
  private readonly ownUses: Uses;
  private readonly unserves: Unserves;
  private wasOnline = false;

  private constructor(private readonly options: NodeOptions) {
    const { config, software, log } = options;
    this.current = config;
    const notify = (notice: Notice) => {
      this.notices.emit("notice", notice);
    };
    this.link = new HubLink({
      route: config.route,
      name: config.vnet.name,
      group: config.vnet.group,
      guest: options.guest ?? false,
      software,
      ...(options.heartbeat && { heartbeat: options.heartbeat }),
      ...(options.backoff && { backoff: options.backoff }),
    });
    const { link, traffic, directory } = this;
    this.ownServes = new Serves({ link, notify });
    this.channels = new Channels({
      link,
      traffic,
      log,
      onStream: (stream, from) => {
        void this.ownServes.answer(stream, from);
      },
      ...(options.poolLimits && { poolLimits: options.poolLimits }),
      ...(options.incomingIdleMs !== undefined && {
        incomingIdleMs: options.incomingIdleMs,
      }),
    });
    const { channels } = this;
    this.ownUses = new Uses({ link, channels, directory, notify });
    this.unserves = new Unserves({
      link,
      serves: this.ownServes,
      settings: () => this.current.vnet,
      notify,
    });
    this.notices.setMaxListeners(0);
    this.connectSignals();
  }

  /** Starts at once, hub or no hub: it is looked for until it is found. */
  static start(options: NodeOptions): Node {
    const node = new Node(options);
    node.populate();
    node.link.start();
    return node;
  }

  get config(): NodeConfig {
    return this.current;
  }

  /** Resolves when the hub is reached and its directory is whole; rejects with VnetError after `timeoutMs`. */
  online(timeoutMs: number): Promise<void> {
    if (this.directory.isCurrent) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.directory.off("change", ready);
        reject(
          new VnetError(
            "timeout",
            `the hub ${this.link.hub} is not reached: ${this.link.error ?? "no answer"}`,
          ),
        );
      }, timeoutMs);
      const ready = () => {
        clearTimeout(timer);
        resolve();
      };
      this.directory.once("change", ready);
    });
  }

  view(): NodeView {
    const { name, group } = this.current.vnet;
    const { streamsNow, streamsTotal, bytesIn, bytesOut } = this.traffic;
    return {
      name,
      group,
      vnetid: this.link.state === "online" ? this.link.vnetid : 0,
      hub: this.link.hub,
      link: this.link.state,
      linkError: this.link.error,
      rttMs: this.link.rttMs,
      settings: this.current.vnet,
      route: this.current.route,
      streams: { now: streamsNow, total: streamsTotal, bytesIn, bytesOut },
      channels: this.channels.counts,
    };
  }

  serves(): ServeView[] {
    return this.ownServes.all().map((serve) => serve.view());
  }

  uses(): UseView[] {
    return this.ownUses.all().map((use) => use.view());
  }

  remoteServes(): RemoteServe[] {
    this.requireDirectory();
    return this.directory.serves();
  }

  remoteNodes(): RemoteNode[] {
    this.requireDirectory();
    return this.directory.nodes(this.link.vnetid);
  }

  knownServes(): RemoteServe[] {
    return this.directory.serves();
  }

  knownNodes(): RemoteNode[] {
    return this.directory.nodes(this.link.vnetid);
  }

  async addServe(settings: ServeSettings): Promise<ServeView> {
    const serve = this.ownServes.add(settings, "terminal");
    if (settings.active) await serve.open();
    return serve.view();
  }

  async openServe(label: string): Promise<ServeView> {
    const serve = this.ownServes.get(label);
    await serve.open();
    return serve.view();
  }

  async closeServe(label: string): Promise<ServeView> {
    const serve = this.ownServes.get(label);
    if (serve.origin === "unserve") await this.deleteServe(label);
    else serve.close("the serve was closed");
    return serve.view();
  }

  async deleteServe(label: string): Promise<void> {
    const serve = this.ownServes.get(label);
    if (serve.origin === "unserve") this.unserves.withdraw(serve.registeredId);
    this.ownServes.drop(serve, "the serve was deleted");
    return Promise.resolve();
  }

  async addUse(settings: UseSettings): Promise<UseView> {
    const use = this.ownUses.add(settings, "terminal");
    if (settings.active) await this.ownUses.open(use);
    return use.view();
  }

  async openUse(label: string): Promise<UseView> {
    const use = this.ownUses.get(label);
    if (use.settings.serveid === SERVEID.none)
      throw new VnetError(
        "usage",
        `use ${label} has no serveid; set one in the file, or \`use run SERVEID\``,
      );
    await this.ownUses.open(use);
    return use.view();
  }

  async closeUse(label: string): Promise<UseView> {
    const use = this.ownUses.get(label);
    await this.ownUses.close(use, "the use was closed");
    return use.view();
  }

  async deleteUse(label: string): Promise<void> {
    await this.ownUses.drop(this.ownUses.get(label), "the use was deleted");
  }

  async requestUnserve(request: {
    vnetid: number;
    ip: string;
    port: number;
  }): Promise<RemoteServe> {
    const reply = await this.link.request<UnserveRequest>({
      type: "unserve",
      ...request,
    });
    const serve =
      reply.type === "unserve-granted"
        ? this.directory.serve(reply.serveid)
        : undefined;
    if (serve === undefined)
      throw new VnetError("closed", "the unserve is gone already");
    return serve;
  }

  async mapUnserve(
    serveid: number,
    local: { ip: string; port: number },
  ): Promise<UseView> {
    const serve = this.directory.serve(serveid);
    if (serve === undefined)
      throw new VnetError(
        "closed",
        `unserve ${formatServeid(serveid)} is gone already`,
      );
    const use = this.ownUses.add(
      { label: this.freeUseLabel(serveid), serveid, ...local, active: true },
      serve.temporary ? "unserve" : "terminal",
    );
    await this.ownUses.open(use);
    return use.view();
  }

  withdrawUnserve(serveid: number): void {
    if (this.directory.serve(serveid)?.temporary === true)
      this.link.send({ type: "unserve-return", serveid });
  }

  ping(vnetid: number | null, probes: number): Promise<PingResult> {
    if (vnetid === null) return pingHub(this.link, probes);
    if (this.directory.node(vnetid) === undefined && !this.options.guest)
      return Promise.reject(
        new VnetError(
          "usage",
          `no node ${formatVnetid(vnetid)} in this group; \`show vnets\` lists them`,
        ),
      );
    return pingNode(this.link, this.channels.pool(vnetid), probes);
  }

  async reload(config: NodeConfig): Promise<ConfigChange[]> {
    const parts = {
      link: this.link,
      serves: this.ownServes,
      uses: this.ownUses,
    };
    const changes = planReload(parts, this.current, config);
    this.current = config;
    await applyReload(parts, config, changes);
    return changes;
  }

  onNotice(listener: (notice: Notice) => void): () => void {
    this.notices.on("notice", listener);
    return () => {
      this.notices.off("notice", listener);
    };
  }

  async close(): Promise<void> {
    if (this.state === "closed") return;
    this.state = "closed";
    this.notices.removeAllListeners();
    await this.ownUses.shutDown("this node is closing");
    this.unserves.close();
    for (const serve of this.ownServes.all())
      this.ownServes.drop(serve, "this node is closing");
    this.channels.destroy(new VnetError("closed", "this node is closing"));
    this.link.close();
  }

  private populate(): void {
    const { vnet, serves, uses } = this.current;
    const starts = !this.options.guest;
    for (const settings of serves) {
      const serve = this.ownServes.add(settings, "config");
      if (starts && settings.active && vnet.startserve) void serve.open();
    }
    for (const settings of uses) {
      const use = this.ownUses.add(settings, "config");
      if (
        starts &&
        settings.active &&
        vnet.startuse &&
        settings.serveid !== SERVEID.none
      )
        void this.ownUses.open(use);
    }
  }

  private connectSignals(): void {
    const { link, directory } = this;
    link.on("online", () => {
      for (const serve of this.ownServes.all()) serve.retry();
    });
    link.on("offline", (reason) => {
      this.lostHub(reason);
    });
    link.on("news", (news) => {
      this.heard(news);
    });
    directory.on("change", (news) => {
      for (const { vnetid } of news.nodesGone) this.channels.forget(vnetid);
      this.ownServes.heard(news);
      this.ownUses.heard(news);
      this.tell(news);
    });
    directory.on("stale", () => {
      this.ownUses.heard(null);
    });
  }

  private heard(news: HubNews): void {
    switch (news.type) {
      case "directory":
        this.directory.apply(news);
        return;
      case "offer":
        void this.channels.answerOffer(news);
        return;
      case "unserve-ask":
        void this.unserves.answer(news);
        return;
      case "unserve-withdraw":
        this.unserves.withdraw(news.serveid);
        return;
    }
  }

  private lostHub(reason: VnetError): void {
    for (const serve of this.ownServes.all()) serve.hubLost();
    // After silence the channels, which ran over the same hub, are as dead as the link but nobody would say so.
    if (reason.code === "timeout") this.channels.destroy(reason);
    const isNews = this.directory.isCurrent || !this.toldHubAbsent;
    this.directory.setStale();
    if (!isNews || this.state === "closed") return;
    this.toldHubAbsent = true;
    this.notify({
      level: "warn",
      text: `the hub ${this.link.hub} is ${this.wasOnline ? "lost" : "not reached"}: ${reason.message}; trying again`,
    });
  }

  private tell(news: DirectoryNews): void {
    if (news.afterReconnect) {
      this.toldHubAbsent = false;
      this.wasOnline = true;
      const nodes = this.knownNodes().length;
      const serves = this.knownServes().length;
      this.notify({
        level: "info",
        text: `connected to the hub ${this.link.hub} as vnet ${formatVnetid(this.link.vnetid)}: ${count(nodes, "node")}, ${count(serves, "serve")} in group ${this.current.vnet.group}`,
      });
      return;
    }
    const notices = describe(news, this.link.vnetid);
    if (notices.length <= MAX_NOTICES)
      for (const text of notices) this.notify({ level: "info", text });
    else
      this.notify({
        level: "info",
        text: `${count(notices.length, "change")} in the group: ${count(this.knownNodes().length, "node")}, ${count(this.knownServes().length, "serve")} now`,
      });
  }

  private toldHubAbsent = false;

  private notify(notice: Notice): void {
    this.notices.emit("notice", notice);
  }

  private requireDirectory(): void {
    if (!this.directory.isCurrent)
      throw new VnetError(
        "closed",
        `the hub ${this.link.hub} is not reached: ${this.link.error ?? "still connecting"}`,
      );
  }

  private freeUseLabel(serveid: number): string {
    const taken = new Set(this.ownUses.all().map((use) => use.label));
    const base = `unserve-${formatServeid(serveid)}`;
    let label = base;
    for (let n = 2; taken.has(label); n++) label = `${base}-${n}`;
    return label;
  }
}

type UnserveRequest = Extract<ToHub, { type: "unserve" }>;

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? "" : "s"}`;
}

function describe(news: DirectoryNews, self: number): string[] {
  const node = (verb: string) => (n: { vnetid: number; name: string }) =>
    `vnet ${formatVnetid(n.vnetid)} (${n.name}) ${verb}`;
  const serve = (verb: string) => (s: RemoteServe) =>
    `serve ${formatServeid(s.serveid)} (${s.name} of ${s.vnet}) ${verb}`;
  const others = <T extends { vnetid: number }>(entries: T[]) =>
    entries.filter((entry) => entry.vnetid !== self);
  return [
    ...others(news.nodesGone).map(node("left")),
    ...others(news.nodesCame).map(node("is here")),
    ...others(news.servesGone).map(serve("is gone")),
    ...others(news.servesCame).map(serve("is here")),
  ];
}
