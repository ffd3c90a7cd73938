// The uses of a node by label. Keeps each in line with the directory, tells the channels which nodes are in use,
// and lets the use of an unserve go when the unserve goes.

import { formatServeid, type UseSettings } from "../config/config.js";
import { VnetError } from "../errors.js";
import type { Channels } from "./channels.js";
import type { Notice, Origin } from "./control.js";
import type { Directory, DirectoryNews } from "./directory.js";
import type { HubLink } from "./hub-link.js";
import { Use, type Lookup } from "./use.js";

/** An unserve whose provider or hub was lost has this long to come back before its use goes too. */
const UNSERVE_RETURN_MS = 30_000;

export interface UsesOptions {
  link: HubLink;
  channels: Channels;
  directory: Directory;
  notify: (notice: Notice) => void;
}

export class Uses {
  private readonly byLabel = new Map<string, Use>();
  private readonly returning = new Map<Use, NodeJS.Timeout>();
  private readonly lookup: Lookup;

  constructor(private readonly options: UsesOptions) {
    const { link, directory } = options;
    this.lookup = (serveid) => {
      if (link.state !== "online" || !directory.isCurrent)
        return `the hub is not reached: ${link.error ?? "connecting"}`;
      return (
        directory.serve(serveid) ??
        `nobody offers ${formatServeid(serveid)} just now`
      );
    };
  }

  all(): Use[] {
    return [...this.byLabel.values()];
  }

  /** Throws VnetError `usage`. */
  get(label: string): Use {
    const use = this.byLabel.get(label);
    if (use === undefined)
      throw new VnetError(
        "usage",
        `no use is called ${label}; \`show use\` lists them`,
      );
    return use;
  }

  /** Throws VnetError `usage` when the label is taken. */
  add(settings: UseSettings, origin: Origin): Use {
    const { label } = settings;
    if (this.byLabel.has(label))
      throw new VnetError(
        "usage",
        `a use called ${label} is there already; delete it first or choose another name`,
      );
    const { channels, notify } = this.options;
    const use = new Use({
      settings,
      origin,
      channels,
      lookup: this.lookup,
      notify,
    });
    this.byLabel.set(label, use);
    return use;
  }

  async open(use: Use): Promise<void> {
    await use.open();
    this.tellWanted();
  }

  /** The use of an unserve gives the unserve back and goes altogether. */
  async close(use: Use, reason: string): Promise<void> {
    if (use.origin === "unserve") await this.drop(use, reason);
    else {
      await use.close(reason);
      this.tellWanted();
    }
  }

  /** Closes and removes it. */
  async drop(use: Use, reason: string): Promise<void> {
    clearTimeout(this.returning.get(use));
    this.returning.delete(use);
    if (this.byLabel.get(use.label) === use) this.byLabel.delete(use.label);
    if (use.origin === "unserve")
      this.options.link.send({
        type: "unserve-return",
        serveid: use.settings.serveid,
      });
    await use.close(reason);
    this.tellWanted();
  }

  /** The directory changed, or is not current any more. */
  heard(news: DirectoryNews | null): void {
    void Promise.all(this.all().map((use) => use.settle())).then(() => {
      this.tellWanted();
    });
    for (const use of this.all())
      if (use.origin === "unserve") this.followUnserve(use, news);
  }

  /** Closes them all; what they mapped is given back. */
  async shutDown(reason: string): Promise<void> {
    await Promise.all(this.all().map((use) => this.drop(use, reason)));
  }

  private followUnserve(use: Use, news: DirectoryNews | null): void {
    const { directory } = this.options;
    const { serveid } = use.settings;
    if (directory.isCurrent && directory.serve(serveid) !== undefined) {
      clearTimeout(this.returning.get(use));
      this.returning.delete(use);
      return;
    }
    const gone = news?.servesGone.find((serve) => serve.serveid === serveid);
    // Its node is still there: it was taken back, and does not return. Right after a reconnection that proves nothing:
    // the node may be back and its serves still on their way.
    const wasTakenBack =
      news?.afterReconnect === false &&
      gone !== undefined &&
      directory.node(gone.vnetid) !== undefined;
    if (wasTakenBack) this.unserveGone(use);
    else if (!this.returning.has(use))
      this.returning.set(
        use,
        setTimeout(() => {
          this.unserveGone(use);
        }, UNSERVE_RETURN_MS),
      );
  }

  private unserveGone(use: Use): void {
    void this.drop(use, "the unserve is gone");
    this.options.notify({
      level: "info",
      text: `unserve ${formatServeid(use.settings.serveid)} is gone, and use ${use.label} with it`,
    });
  }

  private tellWanted(): void {
    const wanted = new Set(this.all().map((use) => use.provider));
    wanted.delete(0);
    this.options.channels.setWanted(wanted);
  }
}
