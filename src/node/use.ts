// One use of this node: a local port that listens exactly while a connection to its serve can succeed.
// Owns its local port and the streams of the connections that came in through it.

import type { Duplex } from "node:stream";
import type { Stream } from "../channel/stream.js";
import type { UseSettings } from "../config/config.js";
import { isLink } from "../config/link.js";
import { VnetError } from "../errors.js";
import type { Consent } from "../keys/known-nodes.js";
import type { LogEvent } from "../log.js";
import { formatAddress } from "../net/address.js";
import { HangUp } from "../net/hang-up.js";
import type { Listen } from "../net/listener.js";
import { formatPeer, type Peer } from "../net/peer.js";
import { reset } from "../net/reset.js";
import type { Channels } from "./channels.js";
import type { Choice } from "./choice.js";
import type { Origin, RemoteServe, UseView } from "./control.js";
import { LocalPort, type LocalPlace } from "./local-port.js";
import type { Provider, Search } from "./search.js";
import { Repetition } from "./repetition.js";
import { StreamOpener } from "./stream-opener.js";
import { Visitors } from "./visitors.js";

/** A port that could not be had is tried again this often. */
const PORT_RETRY_MS = 2_000;

/** The same refusal is told as a notice once in this time, however many connections meet it. */
const REFUSAL_NOTICE_MS = 10_000;

export interface UseOptions {
  settings: UseSettings;
  /** what it wants, as people read it */
  wanted: () => string;
  origin: Origin;
  channels: Channels;
  listen: Listen;
  /** Begins to look for what it wants, and remembers whom it found; the use closes both. */
  search: () => { search: Search; choice: Choice };
  /** Tells the person of a connection that was refused. */
  warn: (event: LogEvent) => void;
  /** It cannot listen, or does not want to. */
  onFault: (event: LogEvent) => void;
  /** It stopped listening, though nobody wanted that. */
  onStop: (why: string) => void;
  /** It still does not listen, perhaps for another reason. */
  onWait: (why: string) => void;
  /** It listens, and did not before. */
  onListen: () => void;
  /** Its view may be another one. */
  onSettled: () => void;
}

export class Use {
  private state: UseView["state"] = "inactive";
  private error: string | null = null;
  /** whom it reaches; several where they share, the latest first where that one takes over */
  private serves: readonly Provider[] = [];
  private search: Search | undefined;
  private choice: Choice | undefined;
  /** what was told of a provider that is refused */
  private refusal: string | null = null;
  private readonly opener: StreamOpener;
  private readonly local: LocalPort;
  private readonly streams = new Set<Stream>();
  private settling: Promise<void> | undefined;
  private unsettled = false;
  private isRetired = false;
  /** somebody waits for its opening, and is told by its state */
  private isAsked = false;
  private retryTimer: NodeJS.Timeout | undefined;
  private readonly refusals = new Repetition(REFUSAL_NOTICE_MS);
  private readonly visitors: Visitors;

  /** what a person wants of it at the next start; undefined: what its settings say */
  private activeNext: boolean | undefined;

  constructor(private options: UseOptions) {
    this.opener = new StreamOpener(options.channels, (...accepted) => {
      this.accepted(...accepted);
    });
    this.visitors = new Visitors(options.settings);
    this.local = new LocalPort(options.listen, {
      onConnection: (connection, peer) => {
        this.receive(connection, peer);
      },
      onError: (error) => {
        this.refused(error.message);
      },
    });
  }

  get settings(): UseSettings {
    return this.options.settings;
  }

  get label(): string {
    return this.settings.label;
  }

  get origin(): Origin {
    return this.options.origin;
  }

  /** As the next start is to have it. */
  get kept(): UseSettings {
    const { settings } = this;
    return { ...settings, active: this.activeNext ?? settings.active };
  }

  /** A person opened or closed it; undefined: that is as if it had not been. */
  keepActive(active: boolean | undefined): void {
    this.activeNext = active;
  }

  /** The file has it from now on, as it is kept. */
  saved(): void {
    this.options = { ...this.options, settings: this.kept, origin: "config" };
    this.activeNext = undefined;
  }

  get isOpen(): boolean {
    return this.state !== "inactive";
  }

  /** The nodes whose serves it reaches now. */
  get providers(): number[] {
    return this.serves.map(({ vnetid }) => vnetid);
  }

  view(): UseView {
    const { settings, origin } = this.options;
    const { label, ip } = settings;
    const remote = remoteOf(this.serves);
    return {
      label,
      ip,
      serveid: settings.serveid || (remote?.serveid ?? 0),
      ...(remote?.unserve !== undefined && { unserve: remote.unserve }),
      wanted: this.options.wanted(),
      port: this.local.port ?? this.wantedPort(remote),
      active: this.isOpen,
      state: this.state,
      error: this.error,
      remote,
      providers: this.serves.length,
      refusedKey: this.choice?.refusedKey ?? null,
      origin,
      streams: this.streams.size,
    };
  }

  /**
   * Resolves when it listens, waits, or failed to listen; see the state.
   * @param isAsked whoever asked looks at the state: no notice says the same
   * @param met resolves when its provider has been met, or the patience of whoever asked is over
   */
  async open(isAsked = false, met?: () => Promise<void>): Promise<void> {
    if (!this.isOpen) {
      this.state = "waiting";
      ({ search: this.search, choice: this.choice } = this.options.search());
    }
    this.isAsked = isAsked;
    try {
      await this.settle();
      if (this.state === "waiting" && met !== undefined) {
        await met();
        await this.settle();
      }
    } finally {
      this.isAsked = false;
    }
  }

  /** A person accepts the key that it refuses. Rejects with VnetError `usage` where it refuses none. */
  async trust(): Promise<void> {
    if (this.choice === undefined)
      throw new VnetError("usage", `use ${this.label} is not open`);
    await this.choice.trust();
    await this.settle();
  }

  /** Stops listening, for good; its streams go on, and what it borrowed for them stays. Idempotent. */
  retire(): Promise<void> {
    this.isRetired = true;
    return this.settle();
  }

  /** Stops listening and ends its streams; it can be opened again. Idempotent. */
  async close(reason: string): Promise<void> {
    this.state = "inactive";
    this.error = null;
    this.serves = [];
    this.refusal = null;
    this.search?.close();
    this.search = undefined;
    this.choice?.close();
    this.choice = undefined;
    for (const stream of [...this.streams]) stream.reset(reason);
    await this.settle();
  }

  /** Brings the listener in line with the state and the directory; called after each change of either. */
  settle(): Promise<void> {
    this.unsettled = true;
    this.settling ??= this.settleAll();
    return this.settling;
  }

  private async settleAll(): Promise<void> {
    // What changes while a port is being opened is looked at in the next round.
    while (this.unsettled) {
      this.unsettled = false;
      clearTimeout(this.retryTimer);
      const mayListen = this.isOpen && !this.isRetired;
      const target = mayListen ? this.target() : null;
      if (target === null) await this.local.close();
      else await this.listen(target);
    }
    // At once and not in a later step: what changes between the two would be looked at by nobody.
    this.settling = undefined;
    this.options.onSettled();
  }

  /** Where to listen now, or null. */
  private target(): LocalPlace | null {
    const { settings } = this.options;
    const found = this.search?.find() ?? [];
    this.serves = Array.isArray(found) ? found : [];
    this.opener.settle(this.serves);
    const [first] = this.serves;
    if (first !== undefined) {
      this.refusal = null;
      return { ip: settings.ip, port: this.wantedPort(first) };
    }
    if (found instanceof VnetError) this.refuse(found.message);
    else this.wait(typeof found === "string" ? found : "nobody offers it");
    return null;
  }

  private wait(why: string): void {
    const stops = this.state === "listening";
    this.refusal = null;
    this.state = "waiting";
    this.error = why;
    if (stops) this.options.onStop(why);
    else this.options.onWait(why);
  }

  /** It is offered, but by somebody else than the one that it knows. */
  private refuse(why: string): void {
    this.state = "error";
    this.error = why;
    if (this.refusal === why) return;
    this.refusal = why;
    this.options.onFault({
      who: `use ${this.label} (${this.options.wanted()})`,
      what: "is closed",
      why,
    });
  }

  /** The serve's own unless another one is set; a socket file has none. */
  private wantedPort(remote: RemoteServe | null): number {
    const { ip, port } = this.settings;
    return isLink(ip) ? 0 : port || (remote?.port ?? 0);
  }

  private async listen(target: LocalPlace): Promise<void> {
    try {
      await this.local.listen(target);
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
    this.options.onListen();
  }

  private failed(error: VnetError): void {
    if (!this.isOpen) return;
    if (this.error !== error.message && !this.isAsked)
      this.options.onFault({
        who: `use ${this.label}`,
        what: "is tried again",
        why: error.message,
      });
    this.state = "error";
    this.error = error.message;
    this.retryTimer = setTimeout(() => {
      void this.settle();
    }, PORT_RETRY_MS);
  }

  private receive(socket: Duplex, peer: Peer): void {
    try {
      const leave = this.visitors.admit(peer);
      void this.connect(socket, peer, leave);
    } catch (error) {
      if (!(error instanceof VnetError)) throw error;
      socket.on("error", () => undefined);
      reset(socket);
      this.warnRefused(error.message);
    }
  }

  /** A user's connection. */
  private async connect(
    socket: Duplex,
    peer: Peer,
    leave: () => void,
  ): Promise<void> {
    // Nobody listens to the socket until a stream takes it over; a user that leaves by then is no news.
    const hangUp = new HangUp(socket);
    try {
      if (this.state !== "listening")
        throw new VnetError("closed", this.error ?? "the use is closed");
      const stream = await this.opener.open(() => this.serves, {
        from: peer.port === 0 ? "" : formatPeer(peer),
        gone: hangUp.signal,
      });
      if (!this.isOpen) {
        stream.reset("the use was closed");
        throw new VnetError("closed", "the use was closed");
      }
      // One that was broken already tells of its end no more; the user's connection is reset as it is attached.
      if (stream.isOver) leave();
      else {
        this.follow(stream);
        this.visitors.watch(stream);
        stream.on("end", leave);
      }
      stream.attach(socket);
    } catch (error) {
      if (!(error instanceof VnetError)) throw error;
      leave();
      reset(socket);
      if (!hangUp.signal.aborted) this.refused(error.message);
    }
    hangUp.ignore();
  }

  /** A stream of this use was accepted: whoever took it is known from now on. */
  private accepted(
    { key, vnet }: Provider,
    stream: Stream,
    consent: Consent,
  ): void {
    // Where several were met for the first time at once, the others may not be among those that the first lets in.
    if (this.choice?.admits(key) === false) {
      stream.reset("the node that was met first does not let this one in");
      return;
    }
    this.choice?.reached({ key, name: vnet, consent });
    this.refusals.forget();
    if (this.state === "listening") this.error = null;
  }

  private follow(stream: Stream): void {
    this.streams.add(stream);
    stream.on("end", (reason) => {
      this.streams.delete(stream);
      if (reason?.code === "refused") this.refused(reason.message);
    });
  }

  /** A connection could not be brought through: shown in `show use` until one succeeds, and told once in a while. */
  private refused(reason: string): void {
    if (!this.isOpen) return;
    this.error = reason;
    this.warnRefused(reason);
  }

  private warnRefused(reason: string): void {
    if (!this.refusals.isNews(reason)) return;
    const at = this.view();
    this.options.warn({
      who: `use ${this.label} (${formatAddress(at.ip, at.port)} to ${at.wanted})`,
      what: "refused a connection",
      why: reason,
    });
  }
}

/** The first of them, as lists show it. */
function remoteOf([first]: readonly Provider[]): RemoteServe | null {
  if (first === undefined) return null;
  const { key: _, ...remote } = first;
  return remote;
}
