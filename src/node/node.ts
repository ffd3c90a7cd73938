// The node as it is driven (see control.ts): commands and snapshots, passed on to its parts.
// Opens nothing before start(), closes everything in close().

import {
  formatVnetid,
  type NodeConfig,
  type ServeSettings,
  type UseSettings,
} from "../config/config.js";
import type { ConfigChange } from "../config/diff.js";
import type { EntryChange } from "../config/unsaved.js";
import { targetOf } from "../config/target.js";
import { VnetError } from "../errors.js";
import type {
  LocalAddress,
  NodeControl,
  NodeView,
  Notice,
  Origin,
  PingResult,
  ListedServe,
  RemoteNode,
  RemoteServe,
  ServeView,
  Trust,
  UseView,
} from "./control.js";
import { assemble, type NodeOptions, type NodeParts } from "./parts.js";
import { untilOnline, untilReady } from "./online.js";
import { pingHub, pingNode } from "./ping.js";
import { applyReload, planReload, withOutcome } from "./reload.js";
import { settleChanges, unsavedChanges } from "./unsaved.js";

export class Node implements NodeControl {
  private current: NodeConfig;
  private state: "open" | "closed" = "open";
  private readonly parts: NodeParts;

  private constructor(private readonly options: NodeOptions) {
    this.current = options.config;
    this.parts = assemble(options, () => this.current.vnet);
  }

  /** Starts at once, hub or no hub: it is looked for until it is found. */
  static start(options: NodeOptions): Node {
    const node = new Node(options);
    node.populate();
    node.parts.link.start();
    return node;
  }

  get config(): NodeConfig {
    return this.current;
  }

  /**
   * Resolves when the hub is reached and its directory is whole; rejects with VnetError after `timeoutMs`, or at once
   * when the hub refuses this node or is not the one that is meant.
   */
  online(timeoutMs: number, signal?: AbortSignal): Promise<void> {
    return untilOnline(this.parts, timeoutMs, signal);
  }

  /** Resolves when it was online, and what it is to register and open has its first answer. */
  ready(): Promise<void> {
    return untilReady(this.parts);
  }

  /** Tells, as notices, which of its uses do not listen yet; from now on of those that come as well. */
  tellWaiting(): void {
    this.parts.uses.tellWaiting();
  }

  view(): NodeView {
    const { name, group } = this.current.vnet;
    const { streamsNow, streamsTotal, bytesIn, bytesOut } = this.parts.traffic;
    return {
      // Another node may have the name that is in the configuration.
      name: this.parts.link.name || name,
      guest: this.options.guest === true,
      group,
      vnetid: this.parts.link.state === "online" ? this.parts.link.vnetid : 0,
      fingerprint: this.parts.security.fingerprint,
      hub: this.parts.link.hub,
      hubFingerprint: this.parts.link.hubFingerprint,
      link: this.parts.link.state,
      linkError: this.parts.link.error,
      waitsFor:
        this.parts.link.state === "online" ? null : this.parts.link.waitsFor,
      rttMs: this.parts.link.rttMs,
      settings: this.current.vnet,
      route: this.current.route,
      streams: { now: streamsNow, total: streamsTotal, bytesIn, bytesOut },
      channels: this.parts.channels.counts,
    };
  }

  serves(): ServeView[] {
    const { serves, unserves } = this.parts;
    return [...serves.all().map((serve) => serve.view()), ...unserves.views()];
  }

  uses(): UseView[] {
    return this.parts.uses.all().map((use) => use.view());
  }

  remoteServes(): Iterable<ListedServe> {
    this.requireDirectory();
    return this.knownServes();
  }

  remoteNodes(): Iterable<RemoteNode> {
    this.requireDirectory();
    return this.knownNodes();
  }

  knownServes(): Iterable<ListedServe> {
    return this.parts.directory.serves((key) => this.trustOf(key));
  }

  knownNodes(): Iterable<RemoteNode> {
    const { directory, link } = this.parts;
    return directory.nodes(link.vnetid, (key) => this.trustOf(key));
  }

  knownNode(vnetid: number): Pick<RemoteNode, "vnetid" | "name"> | undefined {
    return this.parts.directory.node(vnetid);
  }

  async addServe(settings: ServeSettings): Promise<ServeView> {
    const { serves } = this.parts;
    const serve = serves.add(settings, "terminal");
    try {
      if (settings.active) await serve.open(true);
    } catch (error) {
      // A hub that is lost meanwhile is looked for, and the serve waits for it.
      if (error instanceof VnetError && error.code === "closed")
        return serve.view();
      serves.drop(serve, "it could not be registered");
      throw error;
    }
    return serve.view();
  }

  async openServe(label: string): Promise<ServeView> {
    const serve = this.parts.serves.get(label);
    serve.keepActive(true);
    await serve.open(true);
    return serve.view();
  }

  async closeServe(label: string): Promise<ServeView> {
    const revoked = this.parts.unserves.revoke(label);
    if (revoked !== undefined) return revoked;
    const serve = this.parts.serves.get(label);
    serve.keepActive(this.activeOfClosed(serve, this.current.vnet.startserve));
    serve.close("the serve was closed");
    return Promise.resolve(serve.view());
  }

  async deleteServe(label: string): Promise<void> {
    const { serves, unserves } = this.parts;
    if (unserves.revoke(label) === undefined)
      serves.drop(serves.get(label), "the serve was deleted");
    return Promise.resolve();
  }

  async addUse(settings: UseSettings): Promise<UseView> {
    const use = this.parts.uses.add(settings, "terminal");
    if (settings.active) await this.parts.uses.openNew(use);
    return use.view();
  }

  async openUse(label: string): Promise<UseView> {
    const use = this.parts.uses.get(label);
    if (targetOf(use.settings).kind === "none")
      throw new VnetError(
        "usage",
        `use ${label} has no serveid; set one in the file, or \`use run SERVEID\``,
      );
    use.keepActive(true);
    await this.parts.uses.open(use, true);
    return use.view();
  }

  async closeUse(label: string): Promise<UseView> {
    const use = this.parts.uses.get(label);
    use.keepActive(this.activeOfClosed(use, this.current.vnet.startuse));
    await this.parts.uses.close(use, "the use was closed");
    return use.view();
  }

  async trustUse(label: string): Promise<UseView> {
    const use = this.parts.uses.get(label);
    await this.parts.uses.trust(use);
    return use.view();
  }

  async deleteUse(label: string): Promise<void> {
    const { uses } = this.parts;
    await uses.drop(uses.get(label), "the use was deleted");
  }

  async requestUnserve({
    vnetid,
    ...target
  }: {
    vnetid: number;
    ip: string;
    port: number;
  }): Promise<RemoteServe> {
    this.requireDirectory();
    const node = this.parts.directory.node(vnetid);
    if (node === undefined) throw new VnetError("refused", noSuchNode(vnetid));
    return this.parts.uses.borrow(node, target);
  }

  mapUnserve(granted: RemoteServe, local: LocalAddress): Promise<UseView> {
    return this.parts.uses.mapUnserve(granted, local);
  }

  withdrawUnserve(granted: RemoteServe): void {
    this.parts.uses.giveBack(granted);
  }

  ping(vnetid: number | null, probes: number): Promise<PingResult> {
    if (vnetid === null) return pingHub(this.parts.link, probes);
    if (this.parts.directory.node(vnetid) === undefined && !this.options.guest)
      return Promise.reject(new VnetError("usage", noSuchNode(vnetid)));
    return pingNode(this.parts.link, this.parts.channels.pool(vnetid), probes);
  }

  async reload(config: NodeConfig): Promise<ConfigChange[]> {
    const changes = planReload(this.parts, this.current, config);
    this.current = config;
    await applyReload(this.parts, config, changes);
    return changes.map((change) => withOutcome(this.parts, change));
  }

  unsaved(): EntryChange[] {
    return unsavedChanges(this.parts, this.current);
  }

  saved(changes: readonly EntryChange[], read?: NodeConfig): void {
    const settled = settleChanges(this.parts, this.current, changes);
    this.current = read ?? settled;
  }

  onNotice(listener: (notice: Notice) => void): () => void {
    return this.parts.notices.listen(listener);
  }

  /** Streams that run. */
  get running(): number {
    return this.parts.traffic.streamsNow;
  }

  /** Its uses stop listening and its serves are withdrawn; streams that run go on. Idempotent. */
  retire(): Promise<void> {
    this.parts.serves.retire();
    this.parts.unserves.retire();
    return this.parts.uses.retire();
  }

  async close(): Promise<void> {
    if (this.state === "closed") return;
    this.state = "closed";
    this.parts.notices.close();
    await this.parts.uses.shutDown("this node is closing");
    this.parts.inquiries.close();
    await this.parts.borrower.returned();
    this.parts.unserves.close();
    // It may come back: the hub is to keep ids and names for it.
    this.parts.serves.retire();
    for (const serve of this.parts.serves.all())
      this.parts.serves.drop(serve, "this node is closing");
    this.parts.channels.destroy(
      new VnetError("closed", "this node is closing"),
    );
    this.parts.link.close();
  }

  private populate(): void {
    const { vnet, serves, uses } = this.current;
    const starts = !this.options.guest;
    for (const settings of serves) {
      const serve = this.parts.serves.add(settings, "config");
      // A refusal by the hub is told as a notice and in `show serve`.
      if (starts && settings.active && vnet.startserve)
        serve.open().catch(() => undefined);
    }
    for (const settings of uses) {
      const use = this.parts.uses.add(settings, "config");
      if (
        starts &&
        settings.active &&
        vnet.startuse &&
        targetOf(settings).kind !== "none"
      )
        void this.parts.uses.open(use);
    }
  }

  /** Where nothing of the file opens by itself, one that is closed again is as the start leaves it. */
  private activeOfClosed(
    { origin }: { origin: Origin },
    opensAtStart: boolean,
  ): boolean | undefined {
    return origin === "config" && !opensAtStart ? undefined : false;
  }

  private trustOf(key: string): Trust {
    const { security } = this.parts;
    if (security.isTrusted(key)) return "yes";
    return security.standings.of(key) === "untrusted" ? "no" : "unknown";
  }

  private requireDirectory(): void {
    if (!this.parts.directory.isCurrent)
      throw new VnetError(
        "closed",
        `the hub ${this.parts.link.hub} is not reached: ${this.parts.link.error ?? "still connecting"}`,
      );
  }
}

function noSuchNode(vnetid: number): string {
  return `no node ${formatVnetid(vnetid)} in this group; \`show vnets\` lists them`;
}
