// The provider's side of unserve: answers requests for services that nobody registered, as its settings allow,
// and takes each back when it was not used in time. The serves themselves live among the node's other serves.

import { formatServeid, type VnetSettings } from "../config/config.js";
import { HOST } from "../config/value.js";
import { messageOf, VnetError } from "../errors.js";
import { isLoopback } from "../net/address.js";
import { dial } from "../net/dial.js";
import { clipReason } from "../wire/fields.js";
import type { Notice } from "./control.js";
import { callerOf, type Caller } from "./channels.js";
import type { Directory, DirectoryNews } from "./directory.js";
import type { HubLink } from "./hub-link.js";
import type { HubNews } from "./hub-messages.js";
import type { Serve } from "./serve.js";
import type { Serves } from "./serves.js";

type Ask = Extract<HubNews, { type: "unserve-ask" }>;

/** That something listens is found out within this time, shorter than the hub's patience. */
const PROBE_TIMEOUT_MS = 4_000;

export interface UnservesOptions {
  link: HubLink;
  directory: Directory;
  serves: Serves;
  settings: () => VnetSettings;
  notify: (notice: Notice) => void;
}

interface Granted {
  serve: Serve;
  /** its requester keeps it, used or not; its time runs only while that node is away */
  keep: boolean;
  timer: NodeJS.Timeout | undefined;
}

export class Unserves {
  private readonly granted = new Set<Granted>();
  /** places taken by requests that are being looked into, so that two at once cannot share the last one */
  private reserved = 0;
  private next = 1;

  constructor(private readonly options: UnservesOptions) {}

  async answer(ask: Ask): Promise<void> {
    let serveid = 0;
    let reason = "";
    try {
      serveid = await this.grant(ask);
    } catch (error) {
      if (!(error instanceof VnetError)) throw error;
      reason = clipReason(error.message);
    }
    this.options.link.send({
      type: "unserve-answer",
      request: ask.request,
      serveid,
      reason,
    });
  }

  /** Its requester does not want it (any more), or its answer came too late. */
  withdraw(serveid: number): void {
    for (const granted of this.granted)
      if (serveid !== 0 && granted.serve.registeredId === serveid)
        this.remove(granted, "it was given back");
  }

  /** The person at this node takes it back. */
  revoke(serve: Serve): void {
    for (const granted of this.granted)
      if (granted.serve === serve) this.remove(granted, "it was taken back");
  }

  /** The requester of one that is kept left, or came back. */
  heard({ nodesCame, nodesGone }: DirectoryNews): void {
    const isAmong = (nodes: DirectoryNews["nodesCame"], { serve }: Granted) =>
      nodes.some((node) => serve.isFor(callerOf(node)));
    for (const granted of this.granted) {
      if (!granted.keep) continue;
      if (isAmong(nodesGone, granted))
        this.startClock(granted, this.options.settings().unserveTtlSeconds);
      if (isAmong(nodesCame, granted)) clearTimeout(granted.timer);
    }
  }

  /** The numbers of those to whom they were granted mean nothing any more. */
  revokeAll(): void {
    for (const granted of this.granted)
      this.remove(granted, "this node went elsewhere");
  }

  /** Takes all of them back, without a word. */
  close(): void {
    for (const granted of this.granted) clearTimeout(granted.timer);
    this.granted.clear();
  }

  /** The id under which the requester reaches the service. Throws VnetError with the reason that it is told. */
  private async grant(ask: Ask): Promise<number> {
    // Another node wrote this: a link would let it start programs here and open this machine's sockets.
    if (HOST.parse(ask.ip) === undefined)
      throw new VnetError(
        "refused",
        "an unserve is for an IP address or a host name only, nothing else",
      );
    // After a reconnection it may be asked for before it is registered again.
    await Promise.all(
      [...this.granted].map(({ serve }) => serve.registration.settled),
    );
    const { allowUnserve, unserveRemote, unserveNum } = this.options.settings();
    const registered = this.options.serves.findTarget(
      ask.ip,
      ask.port,
      callerOf(ask),
    );
    if (registered !== undefined) {
      if (ask.keep) this.keep(registered);
      return registered.registeredId;
    }
    if (!allowUnserve)
      throw new VnetError(
        "refused",
        "that node does not allow unserve (allow_unserve=false)",
      );
    if (!unserveRemote && !isLoopback(ask.ip))
      throw new VnetError(
        "refused",
        `that node allows unserve for its own loopback addresses only, not ${ask.ip} (unserve_remote=false)`,
      );
    this.removeFormer(callerOf(ask));
    if (this.granted.size + this.reserved >= unserveNum)
      throw new VnetError(
        "refused",
        `that node allows ${unserveNum} unserves at the same time and has them (unserve_num)`,
      );
    this.reserved++;
    try {
      await this.probe(ask);
      return await this.register(ask);
    } finally {
      this.reserved--;
    }
  }

  /** What that node had under a number that is not its own any more: it has another name now, say. */
  private removeFormer({ vnetid, fingerprint }: Caller): void {
    for (const granted of this.granted) {
      const { only } = granted.serve;
      if (only?.fingerprint !== fingerprint || only.vnetid === vnetid) continue;
      const holder = this.options.directory.node(only.vnetid);
      if (holder === undefined || !granted.serve.isFor(callerOf(holder)))
        this.remove(granted, "its node has another number now");
    }
  }

  private async probe({ ip, port }: Ask): Promise<void> {
    const socket = await dial({ host: ip, port, timeoutMs: PROBE_TIMEOUT_MS });
    socket.on("error", () => undefined);
    socket.destroy();
  }

  private async register(ask: Ask): Promise<number> {
    const serve = this.options.serves.addUnserve(
      {
        label: `unserve-${this.next++}`,
        serveid: 0,
        type: "tcp",
        ip: ask.ip,
        port: ask.port,
        name: `unserve-${ask.port}`,
        info: `for ${ask.name}`,
        active: true,
        allow: "",
        share: "exclusive",
        peers: "",
        host: "",
        hosts: "",
        trustForwarded: false,
        check: false,
      },
      callerOf(ask),
    );
    try {
      await serve.open();
    } catch (error) {
      this.options.serves.drop(serve, "it could not be registered");
      throw error;
    }
    const serveid = serve.registeredId;
    if (serveid === 0) {
      this.options.serves.drop(serve, "the hub was lost");
      throw new VnetError("closed", "the hub was lost");
    }
    const granted: Granted = { serve, keep: ask.keep, timer: undefined };
    this.granted.add(granted);
    if (!ask.keep)
      this.startClock(granted, this.options.settings().unserveTtlSeconds);
    serve.onStreams = (count) => {
      if (granted.keep) return;
      clearTimeout(granted.timer);
      if (count === 0)
        this.startClock(granted, this.options.settings().unserveLingerSeconds);
    };
    this.options.notify({
      level: "info",
      who: `unserve ${formatServeid(serveid)}`,
      what: `opens ${ask.ip}:${ask.port} to vnet ${ask.name} for ${ask.keep ? "as long as it wants" : "a while"}`,
    });
    return serveid;
  }

  /** What was borrowed for a while is wanted for good. */
  private keep(serve: Serve): void {
    for (const granted of this.granted) {
      if (granted.serve !== serve) continue;
      granted.keep = true;
      clearTimeout(granted.timer);
    }
  }

  private startClock(granted: Granted, seconds: number): void {
    clearTimeout(granted.timer);
    granted.timer = setTimeout(() => {
      // One that is kept may have streams while its requester is away.
      if (granted.serve.view().streams > 0) this.startClock(granted, seconds);
      else this.remove(granted, "it was not used any more");
    }, seconds * 1000);
  }

  private remove(granted: Granted, why: string): void {
    if (!this.granted.delete(granted)) return;
    clearTimeout(granted.timer);
    granted.serve.onStreams = () => undefined;
    const serveid = granted.serve.view().serveid;
    this.options.serves.drop(granted.serve, messageOf(why));
    this.options.notify({
      level: "info",
      who: `unserve ${formatServeid(serveid)}`,
      what: "is gone",
      why,
    });
  }
}
