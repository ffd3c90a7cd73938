// The uses of a node by label. Keeps each in line with the directory, tells the channels which nodes are in use,
// and lets the use of an unserve go when the unserve goes.

import { formatServeid, type UseSettings } from "../config/config.js";
import { isLink } from "../config/link.js";
import { formatWanted, targetOf } from "../config/target.js";
import { VnetError } from "../errors.js";
import { textOf } from "../log.js";
import { formatAddress } from "../net/address.js";
import type { Listen } from "../net/listener.js";
import type { Borrower } from "./borrower.js";
import type { Channels } from "./channels.js";
import { Choice, type ChoiceParts } from "./choice.js";
import type {
  LocalAddress,
  Notice,
  Origin,
  RemoteServe,
  UseView,
} from "./control.js";
import type { Directory, DirectoryNews } from "./directory.js";
import type { HubLink } from "./hub-link.js";
import { Repetition } from "./repetition.js";
import { createSearch, type Found, type Search } from "./search.js";
import { Use } from "./use.js";

/** An unserve whose provider or hub was lost has this long to come back before its use goes too. */
const UNSERVE_RETURN_MS = 30_000;

export interface UsesOptions {
  link: HubLink;
  channels: Channels;
  directory: Directory;
  borrower: Borrower;
  listen: Listen;
  notify: (notice: Notice) => void;
  choice: ChoiceParts;
}

/** Whoever opens a use waits so long for its provider's answer. */
const ANSWER_MS = 3_000;

/** That keys cannot be remembered is told once in this time, however many uses meet it. */
const UNSAVED_AGAIN_MS = 3_600_000;

export class Uses {
  private readonly byLabel = new Map<string, Use>();
  /** what each use of an unserve has borrowed */
  private readonly lent = new Map<Use, RemoteServe>();
  private readonly returning = new Map<Use, NodeJS.Timeout>();
  private readonly told = new Repetition(UNSAVED_AGAIN_MS);

  constructor(private readonly options: UsesOptions) {}

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

  /** Throws VnetError `usage` when the label is taken; also the address, of what a person types, as for two of one file. */
  add(settings: UseSettings, origin: Origin): Use {
    const { label } = settings;
    if (this.byLabel.has(label))
      throw new VnetError(
        "usage",
        `a use called ${label} is there already; delete it first or choose another name`,
      );
    if (origin !== "config") this.refuseTaken(settings);
    const { channels, listen, notify } = this.options;
    const use: Use = new Use({
      settings,
      origin,
      channels,
      listen,
      search: () => {
        const onChange = () => {
          void use.settle().then(() => {
            this.tellWanted();
          });
        };
        const choice = this.choiceFor(use, onChange);
        return { choice, search: this.search(settings, choice, onChange) };
      },
      warn: (event) => {
        notify({ level: "warn", ...event });
      },
      onStop: (why) => {
        // That the hub is lost was said.
        if (!this.canFind) return;
        const at = `${formatWanted(settings)} at ${formatAddress(settings.ip, use.view().port)}`;
        const who = `use ${label} (${at})`;
        notify({ level: "warn", who, what: "does not listen any more", why });
      },
    });
    this.byLabel.set(label, use);
    return use;
  }

  /**
   * Maps what an unserve brought. A registered serve may have been granted as well: then the use is one like any other.
   */
  async mapUnserve(serveid: number, local: LocalAddress): Promise<UseView> {
    const serve = this.options.directory.serve(serveid);
    if (serve === undefined)
      throw new VnetError(
        "closed",
        `unserve ${formatServeid(serveid)} is gone already`,
      );
    const label = this.freeLabel(`unserve-${formatServeid(serveid)}`);
    const use = this.add(
      {
        ...{ label, serveid, serve: "", to: "", fingerprint: "" },
        ...{ ...local, active: true },
      },
      serve.temporary ? "unserve" : "terminal",
    );
    await this.openNew(use);
    if (use.origin === "unserve") this.lent.set(use, serve);
    return use.view();
  }

  async open(use: Use, isAsked = false): Promise<void> {
    const { inquiries } = this.options.choice;
    await (isAsked
      ? use.open(true, () => inquiries.settled(ANSWER_MS))
      : use.open());
    this.tellWanted();
  }

  /** One that was added just now. Rejects with VnetError `network` when it cannot listen, and then it is gone again. */
  async openNew(use: Use): Promise<void> {
    await this.open(use, true);
    const { state, error, refusedKey } = use.view();
    // One that refuses a key stays: a person may accept it.
    if (state !== "error" || refusedKey !== null) return;
    await this.drop(use, "it could not listen");
    throw new VnetError(
      "network",
      `${error ?? "cannot listen"}; no use is made, try another port`,
    );
  }

  /** A person accepts the key that it refuses. */
  async trust(use: Use): Promise<void> {
    await use.trust();
    this.tellWanted();
  }

  /** What was found out about other nodes may change whom they reach. */
  lookAgain(): void {
    this.heard(null);
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
    const lent = this.lent.get(use);
    this.lent.delete(use);
    if (lent !== undefined) this.options.borrower.giveBack(lent);
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

  /** They stop listening for good; their streams go on. */
  async retire(): Promise<void> {
    await Promise.all(this.all().map((use) => use.retire()));
  }

  /** Closes them all; what they mapped is given back. */
  async shutDown(reason: string): Promise<void> {
    await Promise.all(this.all().map((use) => this.drop(use, reason)));
  }

  /** While the hub is away nothing can be found. */
  private search(
    settings: UseSettings,
    choice: Choice,
    onChange: () => void,
  ): Search {
    const { link, directory, borrower, notify } = this.options;
    const found = createSearch(targetOf(settings), {
      directory,
      borrower,
      choice,
      onChange,
      onRefused: (reason) => {
        notify({
          level: "warn",
          who: `use ${settings.label} (${formatWanted(settings)})`,
          what: "asks again",
          why: reason,
        });
      },
    });
    return {
      find: () => {
        if (this.canFind) return refusePortless(settings, found.find());
        found.interrupt();
        return `the hub is not reached: ${link.error ?? "connecting"}`;
      },
      interrupt: () => {
        found.interrupt();
      },
      close: () => {
        found.close();
      },
    };
  }

  private refuseTaken({ ip, port }: UseSettings): void {
    if (port === 0) return;
    const holder = this.all().find(
      ({ settings }) =>
        settings.port === port &&
        settings.ip.toLowerCase() === ip.toLowerCase(),
    );
    if (holder !== undefined)
      throw new VnetError(
        "usage",
        `use ${holder.label} has ${ip} port ${port} already; choose another port`,
      );
  }

  private get canFind(): boolean {
    const { link, directory } = this.options;
    return link.state === "online" && directory.isCurrent;
  }

  private choiceFor({ settings, origin }: Use, onChange: () => void): Choice {
    const { label, fingerprint } = settings;
    return new Choice({
      ...this.options.choice,
      label,
      wanted: formatWanted(settings),
      fingerprint,
      // What was borrowed by hand has an id for this one time.
      remembers: origin !== "unserve",
      onChange,
      tell: (event) => {
        const { level, ...rest } = event;
        if (level !== "warn" || this.told.isNews(textOf(rest)))
          this.options.notify(event);
      },
    });
  }

  private freeLabel(base: string): string {
    let label = base;
    for (let n = 2; this.byLabel.has(label); n++) label = `${base}-${n}`;
    return label;
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
      who: `unserve ${formatServeid(use.settings.serveid)}`,
      what: `is gone, and use ${use.label} with it`,
    });
  }

  private tellWanted(): void {
    const wanted = new Set(this.all().flatMap((use) => use.providers));
    this.options.channels.setWanted(wanted);
  }
}

/** A serve that is a link has no port that the use could take. */
function refusePortless({ ip, port }: UseSettings, found: Found): Found {
  if (!Array.isArray(found) || isLink(ip) || port !== 0) return found;
  if (found[0]?.port !== 0) return found;
  return "what it reaches has no port of its own; give this use one (port=)";
}
