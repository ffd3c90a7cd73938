// One serve of this node: its registration at the hub, the service behind it, and the streams that other nodes have
// on it.

import { performance } from "node:perf_hooks";
import type { Duplex } from "node:stream";
import type { Stream } from "../channel/stream.js";
import {
  DEFAULT_MAX_PROCESSES,
  isPeer,
  type ServeSettings,
} from "../config/config.js";
import { VnetError } from "../errors.js";
import type { Consent } from "../keys/known-nodes.js";
import { ProgramLimit } from "../net/program-limit.js";
import { quoted } from "../printable.js";
import type { DirectoryNode } from "../wire/fields.js";
import type { Caller } from "./channels.js";
import type { Notice, Origin, RemoteServe, ServeView } from "./control.js";
import type { Directory } from "./directory.js";
import type { HubLink } from "./hub-link.js";
import { Registration } from "./registration.js";
import { ServedStreams } from "./served-streams.js";
import { Service } from "./service.js";
import { ServiceWatch } from "./service-watch.js";

/** A name that it had until now still comes from users to whom the new one is on its way. */
const RENAME_GRACE_MS = 10_000;

/** Others with its name whose keys are kept in mind. */
const MAX_RIVALS = 200;

export interface ServeOptions {
  settings: ServeSettings;
  origin: Origin;
  link: HubLink;
  directory: Directory;
  /** Whether it has shown the secret; one of which that is not known is asked. */
  isMet: (node: DirectoryNode) => boolean;
  notify: (notice: Notice) => void;
  /** where it leads, or to whom it is open, changed */
  onChange: () => void;
}

export class Serve {
  readonly registration: Registration;
  private service: Service;
  /** those of an earlier state of it count, too */
  private readonly programs = new ProgramLimit(DEFAULT_MAX_PROCESSES);
  private watch: ServiceWatch;
  private looked: Promise<void> = Promise.resolve();
  private readonly streams = new ServedStreams();
  private formerName: { name: string; since: number } | undefined;
  /** what a person wants of it at the next start; undefined: what its settings say */
  private activeNext: boolean | undefined;
  /** keys of others that share its id or name, which were told */
  private readonly rivals = new Set<string>();

  constructor(private options: ServeOptions) {
    const { link, directory, isMet, notify } = options;
    this.registration = new Registration({
      settings: () => this.settings,
      looked: () => this.looked,
      isServiceUp: () => this.watch.problem === null,
      link,
      directory,
      isMet,
      notify,
    });
    this.service = this.createService();
    this.watch = this.createWatch();
  }

  get settings(): ServeSettings {
    return this.options.settings;
  }

  get label(): string {
    return this.options.settings.label;
  }

  get origin(): Origin {
    return this.options.origin;
  }

  /** As the next start is to have it. */
  get kept(): ServeSettings {
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

  /** The id under which the hub knows it now, or 0. */
  get registeredId(): number {
    return this.registration.registeredId;
  }

  view(): ServeView {
    const { settings, origin } = this.options;
    const { serveid, isOpen, state, error } = this.registration;
    return {
      ...settings,
      serveid,
      active: isOpen,
      state,
      error: error ?? this.watch.problem,
      origin,
      streams: this.streams.count,
    };
  }

  /** See Registration.open. */
  open(isAsked = false): Promise<void> {
    this.looked = this.watch.start();
    const opened = this.registration.open(isAsked);
    this.options.onChange();
    return opened;
  }

  /**
   * Unregisters it and ends its streams; it can be opened again. Idempotent.
   * @param whose see Registration.close
   */
  close(reason: string, whose?: "own"): void {
    this.registration.close(whose);
    this.watch.stop();
    this.streams.reset(reason);
  }

  /** Whether that node may open streams: who is in `allow`, or anybody where that is empty. */
  isFor(caller: Caller): boolean {
    const { settings } = this.options;
    if (settings.allow === "") return true;
    return settings.allow.split(" ").includes(caller.fingerprint);
  }

  /** Whether a stream that names it so means it: the hub may have mixed ids up. An empty name is not said. */
  isCalled(name: string): boolean {
    if (name === "" || name === this.settings.name) return true;
    const { name: former, since = 0 } = this.formerName ?? {};
    return name === former && performance.now() - since < RENAME_GRACE_MS;
  }

  get isShared(): boolean {
    return this.settings.share !== "exclusive";
  }

  /** Whether it is another one of this id or name, and both say that they share it. */
  isBeside({ share, name, serveid }: RemoteServe): boolean {
    return (
      this.isShared &&
      share === this.settings.share &&
      (name === this.settings.name || serveid === this.registeredId)
    );
  }

  /** Another node has a serve beside this one: told once for each key. */
  joined(by: RemoteServe, fingerprint: string): void {
    const { share, label } = this.settings;
    if (this.rivals.has(fingerprint) || this.rivals.size >= MAX_RIVALS) return;
    this.rivals.add(fingerprint);
    const isListed = isPeer(this.settings, fingerprint);
    this.options.notify({
      level: isListed ? "info" : "warn",
      who: `serve ${label}`,
      what: `has another node beside it (share=${share}): vnet ${quoted(by.vnet)}, ${fingerprint}`,
      ...(!isListed && {
        why: "it is not among peers=, so that users of this one do not go there",
      }),
    });
  }

  /** New particulars for the same id, told to the group; cuts only the streams of nodes that are not allowed any more. */
  update(settings: ServeSettings): void {
    const { name } = this.settings;
    if (name !== settings.name)
      this.formerName = { name, since: performance.now() };
    this.options = { ...this.options, settings };
    // Streams that run keep the way that they came.
    this.service = this.createService();
    this.watch.stop();
    this.watch = this.createWatch();
    if (this.registration.isOpen) this.looked = this.watch.start();
    this.streams.reset("not allowed any more", (who) => !this.isFor(who));
    this.options.onChange();
    void this.looked.then(() => {
      this.registration.update();
    });
  }

  /** Somebody's stream: the service is dialled now, not at the first byte; by an HTTP front with the first request. */
  serve(stream: Stream, caller: Caller): Promise<void> {
    return this.streams.add(stream, caller, {
      connect: (from) => this.connect(from),
      consent: () => this.consent,
    });
  }

  private async connect(from: string): Promise<Duplex> {
    try {
      const socket = await this.service.connect(from);
      this.watch.met(true);
      return socket;
    } catch (error) {
      if (error instanceof VnetError) this.watch.met(false);
      throw error;
    }
  }

  /** Who else may have its id or name. */
  private get consent(): Consent {
    const { share, peers } = this.settings;
    if (share === "exclusive") return "alone";
    return peers === "" ? "any" : peers.split(" ");
  }

  private createWatch(): ServiceWatch {
    const watch: ServiceWatch = new ServiceWatch({
      target: this.settings,
      onChange: () => {
        this.serviceChanged(watch);
      },
    });
    return watch;
  }

  /** The group is told, so that uses listen only while a connection can succeed; and the person here, who can mend it. */
  private serviceChanged(watch: ServiceWatch): void {
    if (watch !== this.watch) return;
    const { problem } = watch;
    const who = `serve ${this.label}`;
    this.options.notify(
      problem === null
        ? { level: "info", who, what: "has its service again" }
        : {
            ...{
              level: "warn",
              who,
              what: "has no service, and its uses wait",
            },
            why: problem,
          },
    );
    this.registration.update();
  }

  private createService(): Service {
    const { settings, notify, link } = this.options;
    const { programs } = this;
    programs.max = settings.maxProcesses ?? DEFAULT_MAX_PROCESSES;
    const onLine = (text: string) => {
      const who = `serve ${this.label}`;
      notify({ level: "info", who, what: "says", why: text });
    };
    const hubHost = () => link.hubHost;
    return new Service({ settings, hubHost, onLine, programs });
  }
}
