// A node's way to the hub: dials, says hello, comes back by itself after any loss, and matches answers to requests.
// Owns the control link of the moment. Knows what the link is for only by message types.

import { randomBytes } from "node:crypto";
import { EventEmitter } from "node:events";
import { performance } from "node:perf_hooks";
import type { Duplex } from "node:stream";
import { parseLink } from "../config/link.js";
import { VnetError } from "../errors.js";
import { addressKey, formatAddress } from "../net/address.js";
import type { ControlLink } from "../net/control-link.js";
import { ProgramLimit } from "../net/program-limit.js";
import { encodeLegPreamble } from "../wire/preamble.js";
import type { ToHub } from "../wire/to-hub.js";
import type { ToNode } from "../wire/to-node.js";
import { Backoff, DEFAULT_BACKOFF, type BackoffOptions } from "./backoff.js";
import type { LinkState } from "./control.js";
import { dialHub, HubDialler, type HubDiallerOptions } from "./hub-dialler.js";
import type {
  Asking,
  HubNews,
  Probe,
  Reply,
  Told,
  Unnumbered,
} from "./hub-messages.js";
import { Requests } from "./requests.js";

export interface HubLinkOptions extends HubDiallerOptions {
  backoff?: BackoffOptions;
  /** at the same time, where the way to the hub is a program */
  maxLegPrograms?: number;
}

const REPLY_TIMEOUT_MS = 10_000;

/** An attempt that takes longer is told of. */
const SLOW_MS = 3_000;

/** Each channel is a process then, and other nodes can have as many as they like. Below the TasksMax= of the unit. */
const MAX_LEG_PROGRAMS = 256;

/**
 * Events: `online` after each welcome; `offline` after each loss or failed attempt; `slow` when an attempt takes long, with
 * what it waits for; `news`; `contact` with a new hub;
 * `renamed` when another node has this one's name.
 */
export class HubLink extends EventEmitter<{
  online: [];
  offline: [VnetError];
  slow: [string];
  news: [HubNews];
  contact: [string];
  renamed: [string];
}> {
  private current: LinkState = "offline";
  private link: ControlLink<ToNode, ToHub> | undefined;
  private attempt = 0;
  private onlineAt = 0;
  private backoff: Backoff;
  private readonly dialler = new HubDialler();
  /** of the hub that was reached last; empty: none yet */
  hubFingerprint = "";
  /** until the next attempt, or until the hub must have answered the hello */
  private timer: NodeJS.Timeout | undefined;
  private slowTimer: NodeJS.Timeout | undefined;
  /** this attempt takes longer than a hub with little to do needs */
  private isSlow = false;
  private readonly requests = new Requests<Reply>(REPLY_TIMEOUT_MS);
  /** tells the hub that it is this same process that comes back */
  private readonly session = randomBytes(16).toString("hex");
  private goodbye: Extract<ToNode, { type: "goodbye" }> | undefined;
  private readonly legPrograms: ProgramLimit;
  vnetid = 0;
  /** what the hub calls this node; empty: it has not said yet */
  name = "";
  error: string | null = null;

  constructor(private options: HubLinkOptions) {
    super();
    this.backoff = backoffOf(options);
    this.legPrograms = new ProgramLimit(
      options.maxLegPrograms ?? MAX_LEG_PROGRAMS,
      "the way to the hub is a program, one for each channel",
    );
  }

  get state(): LinkState {
    return this.current;
  }

  get hub(): string {
    const { ip, port } = this.options.route;
    return formatAddress(ip, port);
  }

  /** As the configuration names it. */
  get hubHost(): string {
    return this.options.route.ip;
  }

  private get hubKey(): string {
    const { ip, port } = this.options.route;
    return addressKey(ip, port);
  }

  /** How often there is to be a sign of life on a connection to the hub. */
  get beatMs(): number {
    return this.options.route.heartbeatIntervalMs;
  }

  /** What stands between this node and the hub just now; one line. */
  get waitsFor(): string {
    if (this.current !== "connecting") return this.error ?? "not connected";
    if (!this.dialler.isTaken && this.link === undefined) return "connecting";
    const why = this.isSlow
      ? "; it has much to do, or makes this address wait because wrong keys came from it"
      : "";
    return `it has taken the connection and does not answer yet${why}`;
  }

  get rttMs(): number | null {
    return this.current === "online" ? (this.link?.rttMs ?? null) : null;
  }

  /** Begins to connect, and goes on until close(). */
  start(): void {
    if (this.current === "offline") void this.connect();
  }

  /** Leaves the hub and joins again under the new settings. */
  rejoin(
    settings: Pick<HubLinkOptions, "route" | "name" | "group" | "encrypt">,
  ): void {
    const before = this.hubKey;
    this.options = { ...this.options, ...settings };
    if (this.current === "closed") return;
    // A number that another hub gave means nothing here.
    if (this.hubKey !== before) this.vnetid = 0;
    this.name = "";
    this.backoff = backoffOf(this.options);
    this.onlineAt = 0;
    this.lose(new VnetError("closed", "the settings changed"));
  }

  /** Sends, or does nothing while there is no hub. */
  send(message: Exclude<ToHub, Probe | Asking | { type: "hello" }>): void {
    if (this.current === "online") this.link?.send(message);
  }

  /** Asks and waits for the answer. Rejects with VnetError: `refused` with the hub's reason, `timeout`, `closed`. */
  request<M extends Asking>(message: Unnumbered<M>): Promise<Reply> {
    const { link } = this;
    if (this.current !== "online" || link === undefined)
      return Promise.reject(notReached());
    return this.requests.ask((request) => {
      link.send({ ...message, request });
    });
  }

  ping(timeoutMs: number): Promise<number> {
    if (this.current !== "online" || this.link === undefined)
      return Promise.reject(notReached());
    return this.link.ping(timeoutMs);
  }

  /** How many there may be; Infinity: this node sets no bound. */
  get maxLegs(): number {
    const scheme = parseLink(this.options.route.ip)?.scheme;
    const isProgram = scheme === "exec" || scheme === "vsock";
    return isProgram ? this.legPrograms.max : Infinity;
  }

  /** Throws VnetError `refused` while each leg is a program and as many run as may. */
  refuseLegAtLimit(): void {
    if (this.legPrograms.isReached) throw this.legPrograms.error;
  }

  /** This node's half of a channel: connected, its ticket on the way. */
  openLeg(ticket: string): Promise<Duplex> {
    return this.dialLeg(ticket, this.legPrograms);
  }

  /** A leg that ends at once, only so that the other node need not wait: there is always a program left for it. */
  openLastLeg(ticket: string): Promise<Duplex> {
    return this.dialLeg(ticket);
  }

  private async dialLeg(
    ticket: string,
    programs?: ProgramLimit,
  ): Promise<Duplex> {
    const leg = await dialHub(this.options, programs);
    leg.write(encodeLegPreamble(ticket));
    return leg;
  }

  /** Says nothing more and connects no more. Idempotent. */
  close(): void {
    if (this.current === "closed") return;
    this.lose(new VnetError("closed", "this node is closing"), "closed");
  }

  private async connect(): Promise<void> {
    const attempt = ++this.attempt;
    this.current = "connecting";
    this.isSlow = false;
    this.slowTimer = setTimeout(() => {
      this.isSlow = true;
      this.emit("slow", this.waitsFor);
    }, SLOW_MS);
    try {
      const { vnetid, session } = this;
      const reached = await this.dialler.reach(this.options, {
        vnetid,
        session,
      });
      const { link, fingerprint, isFirstContact } = reached;
      // Closed or sent elsewhere meanwhile.
      if (attempt !== this.attempt)
        link.close(new VnetError("closed", "not wanted any more"));
      else {
        this.hubFingerprint = fingerprint;
        if (isFirstContact) this.emit("contact", fingerprint);
        this.follow(link);
      }
    } catch (error) {
      if (!(error instanceof VnetError)) throw error;
      if (attempt === this.attempt) this.lose(error);
    }
  }

  /** The hello is on its way; what comes next is the hub's answer. */
  private follow(link: ControlLink<ToNode, ToHub>): void {
    this.link = link;
    this.goodbye = undefined;
    link.on("message", (message) => {
      if (link === this.link) this.receive(message);
    });
    link.on("close", (reason) => {
      if (link !== this.link) return;
      this.lose(
        this.goodbye === undefined
          ? reason
          : new VnetError("refused", this.goodbye.reason, { cause: reason }),
      );
    });
    this.timer = setTimeout(() => {
      this.lose(new VnetError("timeout", "the hub did not answer the hello"));
    }, REPLY_TIMEOUT_MS);
  }

  private receive(message: Told): void {
    switch (message.type) {
      case "proof":
        this.lose(new VnetError("protocol", "the hub proved itself twice"));
        return;
      case "welcome":
        this.welcome(message);
        return;
      case "goodbye":
        this.goodbye = message;
        return;
      case "registered":
      case "refused":
      case "leg":
        this.answer(message);
        return;
      default:
        this.emit("news", message);
    }
  }

  private welcome({
    vnetid,
    name,
  }: Extract<ToNode, { type: "welcome" }>): void {
    if (this.current !== "connecting") return;
    clearTimeout(this.timer);
    clearTimeout(this.slowTimer);
    this.current = "online";
    this.vnetid = vnetid;
    const isNews = this.name !== name;
    this.name = name;
    this.error = null;
    this.onlineAt = performance.now();
    this.emit("online");
    // A guest is seen by nobody.
    if (isNews && name !== this.options.name && !this.options.guest)
      this.emit("renamed", name);
  }

  private answer(reply: Reply): void {
    if (reply.type === "refused")
      this.requests.refuse(
        reply.request,
        new VnetError("refused", reply.reason),
      );
    else if (!this.requests.answer(reply) && reply.type === "registered")
      // It came too late: who asked has given up, and will ask again.
      this.send({ type: "unregister", serveid: reply.serveid });
  }

  /** The link of the moment, or the attempt at one, is over. */
  private lose(
    reason: VnetError,
    next: "offline" | "closed" = "offline",
  ): void {
    const { link } = this;
    const livedMs = this.onlineAt > 0 ? performance.now() - this.onlineAt : 0;
    this.attempt++;
    this.link = undefined;
    this.onlineAt = 0;
    this.current = next;
    this.error = reason.message;
    clearTimeout(this.timer);
    clearTimeout(this.slowTimer);
    this.dialler.giveUp();
    link?.close(reason);
    this.requests.drop(new VnetError("closed", "the hub was lost"));
    const hopeless = this.goodbye?.code === "version";
    this.goodbye = undefined;
    if (next === "offline")
      this.timer = setTimeout(
        () => {
          void this.connect();
        },
        this.backoff.next(livedMs, hopeless),
      );
    this.emit("offline", reason);
  }
}

/** `retry_interval`: the same time between all attempts, but for the jitter. */
function backoffOf({ route, backoff = DEFAULT_BACKOFF }: HubLinkOptions) {
  const { retryIntervalMs } = route;
  if (retryIntervalMs === 0) return new Backoff(backoff);
  const [firstMs, maxMs] = [retryIntervalMs, retryIntervalMs];
  return new Backoff({ ...backoff, firstMs, maxMs });
}

function notReached(): VnetError {
  return new VnetError("closed", "the hub is not reached just now");
}
