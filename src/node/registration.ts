// The registration of one serve at the hub: asked for when there is a hub, again after each loss of it, with the id
// that it had; refused, or taken over by a later serve, it waits for its turn. Knows no stream.

import {
  formatServeid,
  formatVnetid,
  SERVEID,
  type ServeSettings,
} from "../config/config.js";
import { describeLink, isLink } from "../config/link.js";
import { VnetError } from "../errors.js";
import { quoted } from "../printable.js";
import type { ServeParticulars } from "../wire/fields.js";
import type { ToHub } from "../wire/to-hub.js";
import type { Notice, ServeView } from "./control.js";
import type { Directory } from "./directory.js";
import type { HubLink } from "./hub-link.js";
import type { HubNews } from "./hub-messages.js";

/** The hub refused an id: asked again this often, besides at once when the id becomes free. */
const RETRY_MS = 15_000;

export type Displaced = Extract<HubNews, { type: "displaced" }>;

export interface RegistrationOptions {
  /** those of the moment */
  settings: () => ServeSettings;
  /** resolves when it is known for the first time whether the service is there */
  looked: () => Promise<void>;
  /** as far as is known */
  isServiceUp: () => boolean;
  link: HubLink;
  notify: (notice: Notice) => void;
}

export class Registration {
  private current: ServeView["state"] = "inactive";
  /** the id that the hub gave; kept while the hub is away, so that it can be asked for again */
  private given = SERVEID.none as number;
  private why: string | null = null;
  private retryTimer: NodeJS.Timeout | undefined;
  /** another node's serve took over its id or name, and while that one is there this one stands back */
  private isDisplaced = false;
  /** one question to the hub at a time: a serve closed and opened again at once must not be registered twice */
  private inTurn: Promise<void> = Promise.resolve();
  /** what was said of ids while the hub was being asked */
  private readonly overtaken = new Map<number, Displaced>();
  /** the hub was told, or is being told, of settings before these */
  private isOutdated = false;
  /** somebody waits for the answer, and is told by it */
  private isAsked = false;
  /** raised by whatever makes an answer of the hub that is still on its way meaningless */
  private epoch = 0;

  constructor(private readonly options: RegistrationOptions) {}

  get state(): ServeView["state"] {
    return this.current;
  }

  get error(): string | null {
    return this.why;
  }

  /** The id that it has, had, or wants. */
  get serveid(): number {
    return this.given === SERVEID.none ? this.settings.serveid : this.given;
  }

  /** The id under which the hub knows it now, or 0. */
  get registeredId(): number {
    return this.current === "registered" ? this.given : SERVEID.none;
  }

  get isOpen(): boolean {
    return this.current !== "inactive";
  }

  /** Resolves when what is under way with the hub about it is over, whatever came of it. */
  get settled(): Promise<void> {
    return this.inTurn;
  }

  /**
   * Registers it, now or as soon as there is a hub. Rejects with the hub's refusal; it is tried again all the same.
   * @param isAsked whoever asked is told by the outcome: no notice says the same
   */
  async open(isAsked = false): Promise<void> {
    if (this.isOpen) return;
    this.current = "waiting";
    this.isAsked = isAsked;
    try {
      await this.register();
    } finally {
      this.isAsked = false;
    }
  }

  /**
   * Unregisters it; it can be opened again. Idempotent.
   * @param whose afterwards id and name are anybody's, or kept for this node, which goes and comes back
   */
  close(whose: "anybody's" | "own" = "anybody's"): void {
    if (!this.isOpen) return;
    const keep = whose === "own";
    if (this.current === "registered")
      this.options.link.send({
        type: "unregister",
        serveid: this.given,
        keep,
      });
    this.epoch++;
    clearTimeout(this.retryTimer);
    this.current = "inactive";
    this.why = null;
    this.given = SERVEID.none;
    this.isDisplaced = false;
  }

  /** The hub is gone; streams that run are none of its business. */
  hubLost(): void {
    this.epoch++;
    clearTimeout(this.retryTimer);
    if (this.isOpen && !this.isDisplaced) this.current = "waiting";
  }

  /** A later one of the group took over what may be this one's; streams that run go on. */
  displaced(by: Displaced): void {
    // It may come in the same read as the answer that this one is registered, before that answer's turn.
    this.overtaken.set(by.serveid, by);
    if (this.registeredId !== by.serveid) return;
    this.isDisplaced = true;
    this.current = "refused";
    this.why = `vnet ${formatVnetid(by.vnetid)} (${quoted(by.name)}) has taken it over (share=takeover)`;
    this.options.notify({
      level: "warn",
      who: `serve ${this.settings.label} (${formatServeid(this.given)})`,
      what: "waits until the other one is gone",
      why: this.why,
    });
  }

  /** The group's serves changed: what stood in the way of this one may be gone. */
  settle(directory: Directory): void {
    if (this.current !== "refused") return;
    const own = this.serveid;
    const { name } = this.settings;
    const inTheWay = directory.find(
      (serve) =>
        serve.serveid === own || (this.isDisplaced && serve.name === name),
    );
    if (inTheWay.length > 0) return;
    this.isDisplaced = false;
    this.retry();
  }

  /** The hub is (back) there, or an id that was refused has become free. */
  retry(): void {
    if (this.current !== "waiting" && this.current !== "refused") return;
    if (this.isDisplaced) return;
    this.register().catch(() => undefined);
  }

  /** Tells the group what has changed, now or as soon as the hub knows it. */
  update(): void {
    this.isOutdated = true;
    if (this.current !== "registered") return;
    this.isOutdated = false;
    this.options.link.send({
      type: "update",
      serveid: this.given,
      serve: this.particulars,
    });
  }

  private get settings(): ServeSettings {
    return this.options.settings();
  }

  private get particulars(): ServeParticulars {
    const { name, type, ip, port, info, share } = this.settings;
    // Arguments of a program may hold secrets; a link has no port.
    const told = { ip: describeLink(ip), port: isLink(ip) ? 0 : port };
    const service = this.options.isServiceUp() ? "up" : "down";
    return { name, type, ...told, info, share, service };
  }

  private register(): Promise<void> {
    const turn = this.inTurn
      .then(() => this.options.looked())
      .then(() => this.ask());
    this.inTurn = turn.catch(() => undefined);
    return turn;
  }

  private async ask(): Promise<void> {
    const { link } = this.options;
    const wants = this.current === "waiting" || this.current === "refused";
    if (!wants || link.state !== "online") return;
    const epoch = ++this.epoch;
    clearTimeout(this.retryTimer);
    const wanted = this.serveid;
    this.overtaken.clear();
    this.isOutdated = false;
    try {
      const reply = await link.request<Extract<ToHub, { type: "register" }>>({
        type: "register",
        serveid: wanted,
        serve: this.particulars,
      });
      if (reply.type === "registered") this.registered(reply.serveid, epoch);
    } catch (error) {
      if (!(error instanceof VnetError)) throw error;
      if (epoch === this.epoch) this.refused(error);
      throw error;
    }
  }

  private registered(serveid: number, epoch: number): void {
    const { link, notify } = this.options;
    if (epoch !== this.epoch) {
      // Closed meanwhile, and perhaps opened again, which waits for its turn: the hub's answer crossed with that.
      link.send({ type: "unregister", serveid });
      return;
    }
    const before = this.serveid;
    this.current = "registered";
    this.why = null;
    this.given = serveid;
    if (before !== SERVEID.none && before !== serveid && !this.isAsked)
      notify({
        level: "warn",
        who: `serve ${this.settings.label}`,
        what: `got serveid ${formatServeid(serveid)}`,
        why: `${formatServeid(before)} is taken`,
      });
    if (this.isOutdated) this.update();
    const by = this.overtaken.get(serveid);
    if (by !== undefined) this.displaced(by);
  }

  private refused(reason: VnetError): void {
    if (reason.code === "closed") return;
    const isNews = this.why !== reason.message;
    this.current = "refused";
    this.why = reason.message;
    this.retryTimer = setTimeout(() => {
      this.retry();
    }, RETRY_MS);
    if (isNews && !this.isAsked)
      this.options.notify({
        level: "warn",
        who: `serve ${this.settings.label}`,
        what: "is not registered",
        why: reason.message,
      });
  }
}
