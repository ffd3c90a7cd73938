// The registration of one serve at the hub: asked for when there is a hub, again after each loss of it, with the id
// that it had; refused, it waits for its turn. Says when a later serve has taken over. Knows no stream.

import {
  formatServeid,
  formatVnetid,
  isPeer,
  SERVEID,
  type ServeSettings,
} from "../config/config.js";
import { describeLink, isLink } from "../config/link.js";
import { VnetError } from "../errors.js";
import { fingerprintOf } from "../keys/fingerprint.js";
import { quoted } from "../printable.js";
import type { DirectoryNode, ServeParticulars } from "../wire/fields.js";
import type { ToHub } from "../wire/to-hub.js";
import type { Notice, RemoteServe, ServeView } from "./control.js";
import { latestFirst, type Directory } from "./directory.js";
import type { HubLink } from "./hub-link.js";
import type { Reply } from "./hub-messages.js";

/** The hub refused an id: asked again this often, besides at once when the id becomes free. */
const RETRY_MS = 15_000;

type Registered = Extract<Reply, { type: "registered" }>;

export interface RegistrationOptions {
  /** those of the moment */
  settings: () => ServeSettings;
  /** resolves when it is known for the first time whether the service is there */
  looked: () => Promise<void>;
  /** as far as is known */
  isServiceUp: () => boolean;
  link: HubLink;
  directory: Directory;
  /** Whether it has shown the secret; one of which that is not known is asked. */
  isMet: (node: DirectoryNode) => boolean;
  notify: (notice: Notice) => void;
}

export class Registration {
  private current: ServeView["state"] = "inactive";
  /** the id that the hub gave; kept while the hub is away, so that it can be asked for again */
  private given = SERVEID.none as number;
  /** since when the hub has it (share=takeover); kept likewise, so that a broken link makes it no later */
  private since: number | undefined;
  private why: string | null = null;
  /** what was told of a later one */
  private toldLater = "";
  private retryTimer: NodeJS.Timeout | undefined;
  /** one question to the hub at a time: a serve closed and opened again at once must not be registered twice */
  private inTurn: Promise<void> = Promise.resolve();
  /** the hub was told, or is being told, of settings before these */
  private isOutdated = false;
  /** somebody waits for the answer, and is told by it */
  private isAsked = false;
  /** closed by a node that goes and comes back */
  private isKept = false;
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
    this.isKept = keep;
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
    this.since = undefined;
    this.toldLater = "";
  }

  /** The hub is gone; streams that run are none of its business. */
  hubLost(): void {
    this.epoch++;
    clearTimeout(this.retryTimer);
    // What another one took over is seen anew; why it was refused is no news then.
    if (this.current === "registered") this.why = null;
    if (this.isOpen) this.current = "waiting";
  }

  /**
   * The group's serves changed, or what is known of their nodes: a later one may have taken over, or be gone again. It is
   * told once.
   */
  lookForLater(): void {
    if (this.current !== "registered") return;
    const later = this.later;
    this.why = null;
    if (later === undefined) return;
    const { vnetid, vnet, since } = later;
    this.why = `vnet ${formatVnetid(vnetid)} (${quoted(vnet)}) has taken it over (share=takeover)`;
    const news = `${vnet} ${since ?? 0}`;
    if (this.toldLater === news) return;
    this.toldLater = news;
    this.options.notify({
      level: "warn",
      who: `serve ${this.settings.label} (${formatServeid(this.given)})`,
      what: "gets new connections only of users that keep the other one out",
      why: this.why,
    });
  }

  /** The hub has ended it; it is asked for again as after a refusal. */
  ended(reason: string): void {
    this.epoch++;
    this.refused(new VnetError("refused", reason));
  }

  /** The group's serves changed: what stood in the way of this one may be gone. */
  settle(): void {
    if (this.current !== "refused") return;
    if (this.options.directory.serve(this.serveid) === undefined) this.retry();
  }

  /** The hub is (back) there, or an id that was refused has become free. */
  retry(): void {
    if (this.current !== "waiting" && this.current !== "refused") return;
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

  /** The latest of those to which users of this one go instead, unless they are bound to another key. */
  private get later(): RemoteServe | undefined {
    const { directory } = this.options;
    const { share, name } = this.settings;
    if (share !== "takeover") return undefined;
    const isLater = (serve: RemoteServe) =>
      serve.share === share &&
      serve.service !== "down" &&
      (serve.since ?? 0) > (this.since ?? 0) &&
      this.isLetIn(serve);
    return [
      ...directory.servesWithId(this.given),
      ...directory.servesNamed(name),
    ]
      .filter(isLater)
      .sort(latestFirst)[0];
  }

  private isLetIn({ vnetid }: RemoteServe): boolean {
    const { directory, isMet } = this.options;
    const node = directory.node(vnetid);
    if (node === undefined) return false;
    const fingerprint = fingerprintOf(Buffer.from(node.key, "base64"));
    return isPeer(this.settings, fingerprint) && isMet(node);
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
    this.isOutdated = false;
    try {
      const reply = await link.request<Extract<ToHub, { type: "register" }>>({
        type: "register",
        serveid: wanted,
        serve: this.particulars,
        ...(this.since !== undefined && { since: this.since }),
      });
      if (reply.type === "registered") this.registered(reply, epoch);
    } catch (error) {
      if (!(error instanceof VnetError)) throw error;
      if (epoch === this.epoch) this.refused(error);
      throw error;
    }
  }

  private registered({ serveid, since }: Registered, epoch: number): void {
    const { link, notify } = this.options;
    if (epoch !== this.epoch) {
      // Closed meanwhile, and perhaps opened again, which waits for its turn: the hub's answer crossed with that.
      const keep = this.isKept || this.isOpen;
      link.send({ type: "unregister", serveid, keep });
      return;
    }
    const before = this.serveid;
    this.current = "registered";
    this.why = null;
    this.given = serveid;
    this.since = since;
    if (before !== SERVEID.none && before !== serveid && !this.isAsked)
      notify({
        level: "warn",
        who: `serve ${this.settings.label}`,
        what: `got serveid ${formatServeid(serveid)}`,
        why: `${formatServeid(before)} is taken`,
      });
    if (this.isOutdated) this.update();
    // The later one may have been heard of before the hub's answer was read.
    this.lookForLater();
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
