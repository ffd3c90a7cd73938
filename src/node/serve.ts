// One serve of this node: its registration at the hub, and the streams that other nodes have on it.
// Registers again after each loss of the hub, with the id it had.

import type { Stream } from "../channel/stream.js";
import {
  formatServeid,
  SERVEID,
  type ServeSettings,
} from "../config/config.js";
import { VnetError } from "../errors.js";
import { dial } from "../net/dial.js";
import type { ServeParticulars } from "../wire/fields.js";
import type { ToHub } from "../wire/to-hub.js";
import type { Caller } from "./channels.js";
import type { Notice, Origin, ServeView } from "./control.js";
import type { HubLink } from "./hub-link.js";

/** A service has this long to take a connection. */
const SERVICE_TIMEOUT_MS = 10_000;

/** The hub refused an id: asked again this often, besides at once when the id becomes free. */
const RETRY_MS = 15_000;

export interface ServeOptions {
  settings: ServeSettings;
  origin: Origin;
  /** an unserve: who alone may use it */
  only: Caller | null;
  link: HubLink;
  notify: (notice: Notice) => void;
}

export class Serve {
  private state: ServeView["state"] = "inactive";
  /** the id that the hub gave; kept while the hub is away, so that it can be asked for again */
  private given = SERVEID.none as number;
  private error: string | null = null;
  private readonly streams = new Map<Stream, Caller>();
  private retryTimer: NodeJS.Timeout | undefined;
  /** one question to the hub at a time: a serve closed and opened again at once must not be registered twice */
  private inTurn: Promise<void> = Promise.resolve();
  /** raised by whatever makes an answer of the hub that is still on its way meaningless */
  private epoch = 0;
  /** called when the number of streams changes */
  onStreams: (count: number) => void = () => undefined;

  constructor(private options: ServeOptions) {}

  get settings(): ServeSettings {
    return this.options.settings;
  }

  get label(): string {
    return this.options.settings.label;
  }

  get origin(): Origin {
    return this.options.origin;
  }

  get only(): ServeOptions["only"] {
    return this.options.only;
  }

  /** The id under which the hub knows it now, or 0. */
  get registeredId(): number {
    return this.state === "registered" ? this.given : SERVEID.none;
  }

  get isOpen(): boolean {
    return this.state !== "inactive";
  }

  view(): ServeView {
    const { settings, origin } = this.options;
    return {
      ...settings,
      serveid: this.given === SERVEID.none ? settings.serveid : this.given,
      active: this.isOpen,
      state: this.state,
      error: this.error,
      origin,
      streams: this.streams.size,
    };
  }

  /** Registers it, now or as soon as there is a hub. Rejects with the hub's refusal; it is tried again all the same. */
  async open(): Promise<void> {
    if (this.isOpen) return;
    this.state = "waiting";
    await this.register();
  }

  /** Unregisters it and ends its streams; it can be opened again. Idempotent. */
  close(reason: string): void {
    if (!this.isOpen) return;
    if (this.state === "registered")
      this.options.link.send({ type: "unregister", serveid: this.given });
    this.epoch++;
    clearTimeout(this.retryTimer);
    this.state = "inactive";
    this.error = null;
    this.given = SERVEID.none;
    for (const stream of [...this.streams.keys()]) stream.reset(reason);
  }

  /** Whether that node may open streams: an unserve's requester, or who is in `allow`, or anybody where that is empty. */
  isFor(caller: Caller): boolean {
    const { only, settings } = this.options;
    if (only !== null)
      return (
        only.vnetid === caller.vnetid && only.fingerprint === caller.fingerprint
      );
    if (settings.allow === "") return true;
    return settings.allow.split(" ").includes(caller.fingerprint);
  }

  /** The hub is gone; streams that run are none of its business. */
  hubLost(): void {
    this.epoch++;
    clearTimeout(this.retryTimer);
    if (this.isOpen) this.state = "waiting";
  }

  /** The hub is (back) there, or an id that was refused has become free. */
  retry(): void {
    if (this.state !== "waiting" && this.state !== "refused") return;
    this.register().catch(() => undefined);
  }

  /** New particulars for the same id, told to the group; cuts only the streams of nodes that are not allowed any more. */
  update(settings: ServeSettings): void {
    this.options = { ...this.options, settings };
    for (const [stream, caller] of [...this.streams])
      if (!this.isFor(caller)) stream.reset("not allowed any more");
    if (this.state === "registered")
      this.options.link.send({
        type: "update",
        serveid: this.given,
        serve: this.particulars,
      });
  }

  /** Somebody's stream: the service is dialled now, not at the first byte. */
  async serve(stream: Stream, caller: Caller): Promise<void> {
    const { ip, port } = this.settings;
    this.streams.set(stream, caller);
    this.onStreams(this.streams.size);
    stream.on("end", () => {
      this.streams.delete(stream);
      this.onStreams(this.streams.size);
    });
    try {
      const service = await dial({
        host: ip,
        port,
        timeoutMs: SERVICE_TIMEOUT_MS,
      });
      stream.accept(service);
    } catch (error) {
      if (!(error instanceof VnetError)) throw error;
      stream.refuse(error.message);
    }
  }

  private get particulars(): ServeParticulars {
    const { name, type, ip, port, info } = this.settings;
    return { name, type, ip, port, info };
  }

  private register(): Promise<void> {
    const turn = this.inTurn.then(() => this.ask());
    this.inTurn = turn.catch(() => undefined);
    return turn;
  }

  private async ask(): Promise<void> {
    const { link, only, settings } = this.options;
    const wants = this.state === "waiting" || this.state === "refused";
    if (!wants || link.state !== "online") return;
    const epoch = ++this.epoch;
    clearTimeout(this.retryTimer);
    const wanted = this.given === SERVEID.none ? settings.serveid : this.given;
    try {
      const reply = await link.request<Extract<ToHub, { type: "register" }>>({
        type: "register",
        serveid: wanted,
        serve: this.particulars,
        only: only?.vnetid ?? 0,
      });
      if (reply.type === "registered") this.registered(reply.serveid, epoch);
    } catch (error) {
      if (!(error instanceof VnetError)) throw error;
      if (epoch === this.epoch) this.refused(error);
      throw error;
    }
  }

  private registered(serveid: number, epoch: number): void {
    const { link, settings, notify } = this.options;
    if (epoch !== this.epoch) {
      // Closed meanwhile: the hub's answer crossed with that.
      if (!this.isOpen) link.send({ type: "unregister", serveid });
      return;
    }
    const before = this.given === SERVEID.none ? settings.serveid : this.given;
    this.state = "registered";
    this.error = null;
    this.given = serveid;
    if (before !== SERVEID.none && before !== serveid)
      notify({
        level: "warn",
        text: `serve ${this.label}: serveid ${formatServeid(before)} is taken, the hub gave ${formatServeid(serveid)}`,
      });
  }

  private refused(reason: VnetError): void {
    if (reason.code === "closed") return;
    const isNews = this.error !== reason.message;
    this.state = "refused";
    this.error = reason.message;
    this.retryTimer = setTimeout(() => {
      this.retry();
    }, RETRY_MS);
    if (isNews)
      this.options.notify({
        level: "warn",
        text: `serve ${this.label} is not registered: ${reason.message}`,
      });
  }
}
