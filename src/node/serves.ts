// The serves of a node by label: what is in the file, and what was made in the terminal.
// Guards that labels and wanted ids are unique in the node.

import type { Stream } from "../channel/stream.js";
import {
  formatServeid,
  SERVEID,
  type ServeSettings,
} from "../config/config.js";
import { VnetError } from "../errors.js";
import type { LogEvent } from "../log.js";
import { quoted } from "../printable.js";
import type { DirectoryNode } from "../wire/fields.js";
import type { WantedServe } from "../wire/open.js";
import { callerOf, type Caller } from "./channels.js";
import type { Notice, Origin, RemoteServe } from "./control.js";
import type { Directory, DirectoryNews } from "./directory.js";
import type { HubLink } from "./hub-link.js";
import { Serve } from "./serve.js";

export interface ServesOptions {
  link: HubLink;
  directory: Directory;
  /** Whether it has shown the secret; one of which that is not known is asked. */
  isMet: (node: DirectoryNode) => boolean;
  notify: (notice: Notice) => void;
  /** where one of them leads, or to whom it is open, changed */
  onChange: () => void;
  /** who was let in or kept out by `allow=`, for the log alone */
  audit: (event: LogEvent) => void;
}

export class Serves {
  private state: "open" | "retired" = "open";
  private readonly byLabel = new Map<string, Serve>();

  constructor(private readonly options: ServesOptions) {}

  all(): Serve[] {
    return [...this.byLabel.values()];
  }

  /** Throws VnetError `usage`. */
  get(label: string): Serve {
    const serve = this.byLabel.get(label);
    if (serve === undefined)
      throw new VnetError(
        "usage",
        `no serve is called ${label}; \`show serve\` lists them`,
      );
    return serve;
  }

  /** Throws VnetError `usage` when the label or the wanted static id is taken in this node, as for two of one file. */
  add(settings: ServeSettings, origin: Origin): Serve {
    this.refuseClash(settings);
    const serve = new Serve({ ...this.options, settings, origin });
    this.byLabel.set(settings.label, serve);
    return serve;
  }

  /**
   * Closes and removes it.
   * @param whose see Registration.close
   */
  drop(serve: Serve, reason: string, whose?: "own"): void {
    serve.close(reason, whose);
    if (this.byLabel.get(serve.label) === serve)
      this.byLabel.delete(serve.label);
  }

  /** Those that are open at the hub, or are to be. */
  open(): Serve[] {
    return this.all().filter((serve) => serve.registration.isOpen);
  }

  /** No new streams; those that run go on. What the group sees is withdrawn. */
  retire(): void {
    this.state = "retired";
    for (const serve of this.all()) serve.registration.close("own");
  }

  /** Another node opened a stream to that serve. */
  async answer(
    stream: Stream,
    { serveid, name = "" }: WantedServe,
    from: Caller,
  ): Promise<void> {
    if (this.state === "retired") {
      stream.refuse("this node is closing");
      return;
    }
    const serve = this.all().find(
      (candidate) =>
        serveid !== SERVEID.none && candidate.registeredId === serveid,
    );
    if (serve === undefined)
      stream.refuse(`this node has no serve ${formatServeid(serveid)}`);
    else if (!serve.isFor(from)) {
      this.audit(serve, from, stream, "refused: it is not in allow=");
      stream.refuse(
        `vnet ${quoted(from.name)} is not among those that may use ${serve.label} (allow=)`,
      );
    } else if (!serve.isCalled(name)) {
      stream.refuse(
        `serve ${formatServeid(serveid)} of this node is ${quoted(serve.settings.name)}, not ${quoted(name)}: the list of the hub is old, or wrong`,
      );
    } else {
      if (serve.settings.allow !== "")
        this.audit(serve, from, stream, "opened");
      await serve.serve(stream, from);
    }
  }

  /** Ids that became free may be the ones that were refused; others may have taken over. */
  heard(news: DirectoryNews): void {
    const sharing = this.all().filter((serve) => serve.isShared);
    if (sharing.length > 0)
      for (const remote of news.servesCame) this.seen(remote, sharing);
    const areFreed = news.servesGone.length > 0 || news.afterReconnect;
    this.lookForLater();
    if (!areFreed) return;
    for (const { registration } of this.byLabel.values()) registration.settle();
  }

  /** The hub gave that id back to the one whose it is. */
  unregistered(serveid: number, reason: string): void {
    for (const { registration } of this.byLabel.values())
      if (registration.registeredId === serveid) registration.ended(reason);
  }

  /** What was found out about other nodes may change whether they take something over. */
  lookForLater(): void {
    for (const { registration } of this.byLabel.values())
      registration.lookForLater();
  }

  /** A name proves nothing, so the line has the fingerprint. */
  audit(serve: Serve, caller: Caller, { from }: Stream, verdict: string): void {
    const user = from === "" ? "" : ` for ${from}`;
    this.options.audit({
      who: `serve ${serve.label} (${formatServeid(serve.registeredId)})`,
      what: `stream of vnet ${quoted(caller.name)} (${caller.fingerprint})${user} ${verdict}`,
    });
  }

  private seen(remote: RemoteServe, sharing: readonly Serve[]): void {
    const { directory, link } = this.options;
    if (remote.share === "exclusive" || remote.vnetid === link.vnetid) return;
    const beside = sharing.filter((serve) => serve.isBeside(remote));
    const node = directory.node(remote.vnetid);
    if (beside.length === 0 || node === undefined) return;
    const { fingerprint } = callerOf(node);
    for (const serve of beside) serve.joined(remote, fingerprint);
  }

  private refuseClash({ label, serveid }: ServeSettings): void {
    if (this.byLabel.has(label))
      throw new VnetError(
        "usage",
        `a serve called ${label} is there already; delete it first or choose another name`,
      );
    const holder = this.all().find(
      (serve) =>
        serveid >= SERVEID.staticMin && serve.settings.serveid === serveid,
    );
    if (holder !== undefined)
      throw new VnetError(
        "usage",
        `serveid ${formatServeid(serveid)} is serve ${holder.label}'s already; choose another one`,
      );
  }
}
