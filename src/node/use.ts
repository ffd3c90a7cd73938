// One use of this node: a local port that listens exactly while a connection to its serve can succeed.
// Owns its listener and the streams of the connections that came in through it.

import type net from "node:net";
import type { Stream } from "../channel/stream.js";
import { formatServeid, SERVEID, type UseSettings } from "../config/config.js";
import { VnetError } from "../errors.js";
import { formatAddress } from "../net/address.js";
import { Listener } from "../net/listener.js";
import { reset } from "../net/reset.js";
import type { Channels } from "./channels.js";
import { Meaning } from "./meaning.js";
import type { Notice, Origin, RemoteServe, UseView } from "./control.js";

/** A port that could not be had is tried again this often. */
const PORT_RETRY_MS = 2_000;

/** The same refusal is told as a notice once in this time, however many connections meet it. */
const REFUSAL_NOTICE_MS = 10_000;

/** What the hub says of a serveid just now: the serve, or why there is none. */
export type Lookup = (serveid: number) => RemoteServe | string;

export interface UseOptions {
  settings: UseSettings;
  origin: Origin;
  channels: Channels;
  lookup: Lookup;
  notify: (notice: Notice) => void;
}

export class Use {
  private state: UseView["state"] = "inactive";
  private error: string | null = null;
  private remote: RemoteServe | null = null;
  private readonly meaning = new Meaning();
  private listener: Listener | undefined;
  private readonly streams = new Set<Stream>();
  private settling: Promise<void> | undefined;
  private unsettled = false;
  private retryTimer: NodeJS.Timeout | undefined;
  private refusalToldAt = -Infinity;

  constructor(private readonly options: UseOptions) {}

  get settings(): UseSettings {
    return this.options.settings;
  }

  get label(): string {
    return this.options.settings.label;
  }

  get origin(): Origin {
    return this.options.origin;
  }

  get isOpen(): boolean {
    return this.state !== "inactive";
  }

  /** The node whose serve it reaches now, or 0. */
  get provider(): number {
    return this.isOpen ? (this.remote?.vnetid ?? 0) : 0;
  }

  view(): UseView {
    const { settings, origin } = this.options;
    return {
      ...settings,
      port: this.listener?.port ?? (settings.port || (this.remote?.port ?? 0)),
      active: this.isOpen,
      state: this.state,
      error: this.error,
      remote: this.remote,
      origin,
      streams: this.streams.size,
    };
  }

  /** Resolves when it listens, waits, or failed to listen; see the state. */
  open(): Promise<void> {
    if (!this.isOpen) {
      this.state = "waiting";
      this.meaning.forget();
    }
    return this.settle();
  }

  /** Stops listening and ends its streams; it can be opened again. Idempotent. */
  async close(reason: string): Promise<void> {
    this.state = "inactive";
    this.error = null;
    this.remote = null;
    for (const stream of [...this.streams]) stream.reset(reason);
    await this.settle();
  }

  /** Brings the listener in line with the state and the directory; called after each change of either. */
  settle(): Promise<void> {
    this.unsettled = true;
    this.settling ??= this.settleAll().finally(() => {
      this.settling = undefined;
    });
    return this.settling;
  }

  private async settleAll(): Promise<void> {
    // What changes while a port is being opened is looked at in the next round.
    while (this.unsettled) {
      this.unsettled = false;
      clearTimeout(this.retryTimer);
      const target = this.isOpen ? this.target() : null;
      if (target === null) await this.stopListening();
      else await this.listen(target);
    }
  }

  /** Where to listen now, or null. */
  private target(): { ip: string; port: number } | null {
    const { settings, lookup } = this.options;
    const found =
      settings.serveid === SERVEID.none
        ? "no serveid is set"
        : lookup(settings.serveid);
    const meant = typeof found === "string" ? found : this.meaning.check(found);
    if (typeof meant === "string") {
      this.state = "waiting";
      this.error = meant;
      this.remote = null;
      this.meaning.interrupt();
      return null;
    }
    this.remote = meant;
    return { ip: settings.ip, port: settings.port || meant.port };
  }

  private async listen(target: { ip: string; port: number }): Promise<void> {
    const { listener } = this;
    if (listener?.host === target.ip && listener.port === target.port) {
      this.setListening();
      return;
    }
    await this.stopListening();
    try {
      this.listener = await Listener.start({
        host: target.ip,
        port: target.port,
        onConnection: (socket) => {
          void this.connect(socket);
        },
        onError: (error) => {
          this.refused(error.message);
        },
      });
      if (!this.unsettled) this.setListening();
    } catch (error) {
      if (!(error instanceof VnetError)) throw error;
      this.failed(error);
    }
  }

  private setListening(): void {
    if (this.state === "listening") return;
    this.state = "listening";
    this.error = null;
  }

  private failed(error: VnetError): void {
    if (!this.isOpen) return;
    if (this.error !== error.message)
      this.options.notify({
        level: "warn",
        text: `use ${this.label}: ${error.message}; it is tried again`,
      });
    this.state = "error";
    this.error = error.message;
    this.retryTimer = setTimeout(() => {
      void this.settle();
    }, PORT_RETRY_MS);
  }

  private async stopListening(): Promise<void> {
    const { listener } = this;
    this.listener = undefined;
    await listener?.close();
  }

  /** A user's connection. */
  private async connect(socket: net.Socket): Promise<void> {
    const { remote } = this;
    // Nobody listens to the socket until a stream takes it over; a user that leaves by then is no news.
    const early = () => undefined;
    socket.on("error", early);
    try {
      if (remote === null || this.state !== "listening")
        throw new VnetError("closed", this.error ?? "the use is closed");
      const pool = this.options.channels.pool(remote.vnetid);
      const channel = await pool.acquire();
      if (!this.isOpen) {
        pool.release(channel);
        throw new VnetError("closed", "the use was closed");
      }
      const stream = channel.open(remote.serveid);
      this.follow(stream);
      stream.attach(socket);
      socket.off("error", early);
    } catch (error) {
      if (!(error instanceof VnetError)) throw error;
      reset(socket);
      this.refused(error.message);
    }
  }

  private follow(stream: Stream): void {
    this.streams.add(stream);
    stream.on("accept", () => {
      if (this.state === "listening") this.error = null;
    });
    stream.on("end", (reason) => {
      this.streams.delete(stream);
      if (reason?.code === "refused") this.refused(reason.message);
    });
  }

  /** A connection could not be brought through: shown in `show use` until one succeeds, and told once in a while. */
  private refused(reason: string): void {
    if (!this.isOpen) return;
    const at = this.view();
    const isNews =
      this.error !== reason ||
      Date.now() - this.refusalToldAt > REFUSAL_NOTICE_MS;
    this.error = reason;
    if (!isNews) return;
    this.refusalToldAt = Date.now();
    this.options.notify({
      level: "warn",
      text: `use ${this.label} (${formatAddress(at.ip, at.port)} to ${formatServeid(at.serveid)}): a connection was refused: ${reason}`,
    });
  }
}
