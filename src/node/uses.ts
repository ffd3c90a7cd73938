// The uses of a node by label. Keeps each in line with the directory, tells the channels which nodes are in use,
// and lets the use of an unserve go when the unserve goes.

import { once } from "node:events";
import { setImmediate as turn } from "node:timers/promises";
import { formatUnserve, type UseSettings } from "../config/config.js";
import { isLink } from "../config/link.js";
import { formatWanted, parseTo, targetOf } from "../config/target.js";
import { VnetError } from "../errors.js";
import { textOf } from "../log.js";
import { formatAddress } from "../net/address.js";
import type { Listen } from "../net/listener.js";
import { quoted } from "../printable.js";
import type { DirectoryNode } from "../wire/fields.js";
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
import type { Directory } from "./directory.js";
import type { HubLink } from "./hub-link.js";
import { Loan } from "./loan.js";
import { Repetition } from "./repetition.js";
import { createSearch, searchLoan, type Found, type Search } from "./search.js";
import { Use } from "./use.js";
import { WaitNews } from "./wait-news.js";

/** A serve that a node said it has registered is seen by then. */
const SEEN_MS = 3_000;

export interface UsesOptions {
  link: HubLink;
  channels: Channels;
  directory: Directory;
  borrower: Borrower;
  listen: Listen;
  notify: (notice: Notice) => void;
  /** Is told each state of each use. Then no notice says that one stopped or failed. */
  onUse?: (use: UseView) => void;
  choice: ChoiceParts;
}

/** So much of a turn of the event loop goes to uses that look where their serves are. */
const SWEEP_MS = 5;

/** Whoever opens a use waits so long for its provider's answer. */
const ANSWER_MS = 3_000;

/** That keys cannot be remembered is told once in this time, however many uses meet it. */
const UNSAVED_AGAIN_MS = 3_600_000;

export class Uses {
  private readonly byLabel = new Map<string, Use>();
  /** the directory changed since a sweep began */
  private isStale = false;
  private sweeping: Promise<void> | undefined;
  private telling: Promise<void> | undefined;
  /** what was lent and nobody has mapped yet */
  private readonly lent = new Map<RemoteServe, Loan>();
  private readonly news = new WeakMap<Use, WaitNews>();
  private isStartOver = false;
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

  /**
   * Throws VnetError `usage` when the label is taken; also the address, of what a person types, as for two of one file.
   * @param loan what the use of an unserve has borrowed
   */
  add(settings: UseSettings, origin: Origin, loan?: Loan): Use {
    const { label } = settings;
    if (this.byLabel.has(label))
      throw new VnetError(
        "usage",
        `a use called ${label} is there already; delete it first or choose another name`,
      );
    if (origin !== "config") this.refuseTaken(settings);
    const { channels, listen, notify, onUse } = this.options;
    const use: Use = new Use({
      settings,
      wanted: () => formatWanted(nowOf(settings, loan)),
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
        const search = this.search(settings, { choice, loan }, onChange);
        return { choice, search };
      },
      warn: (event) => {
        notify({ level: "warn", ...event });
      },
      onFault: (event) => {
        if (onUse !== undefined) return;
        notify({ level: "warn", ...event });
        news.failed(event.why ?? "");
      },
      onSettled: () => {
        onUse?.(use.view());
      },
      onStop: (why) => {
        news.stops(why);
      },
      onWait: (why) => {
        news.waits(why);
      },
      onListen: () => {
        news.listens();
      },
    });
    const news = new WaitNews({
      view: () => use.view(),
      isTelling: () => onUse === undefined && this.canFind,
      tell: notify,
    });
    if (this.isStartOver) news.expect();
    this.news.set(use, news);
    this.byLabel.set(label, use);
    return use;
  }

  /**
   * Asks a node for a service; what it grants is mapped with mapUnserve or given back. Rejects with VnetError, `refused` with
   * the node's reason.
   */
  async borrow(
    node: DirectoryNode,
    target: { ip: string; port: number },
  ): Promise<RemoteServe> {
    const { directory, borrower } = this.options;
    const { key } = node;
    const loan: Loan = new Loan({
      lend: { ...target, keep: false },
      // Whoever lent it is meant, whatever it is called by now.
      lender: () =>
        directory.nodeOf(key) ??
        `vnet ${quoted(loan.lenderName)} is not in this group just now`,
      ...{ directory, borrower, once: true },
    });
    try {
      await loan.begin(node);
      const granted = await this.seen(loan);
      if (granted.unserve === undefined) loan.close();
      else this.lent.set(granted, loan);
      return granted;
    } catch (error) {
      loan.close();
      throw error;
    }
  }

  /** Gives back what was borrowed, unless it is mapped. */
  giveBack(granted: RemoteServe): void {
    this.lent.get(granted)?.close();
    this.lent.delete(granted);
  }

  /** Maps what borrow() brought. A registered serve may have been granted as well: then the use is one like any other. */
  async mapUnserve(
    granted: RemoteServe,
    local: LocalAddress,
  ): Promise<UseView> {
    const { serveid, unserve, ip, port } = granted;
    const nothing = { serve: "", to: "", fingerprint: "" };
    const base = { serveid, ...nothing, ...local, active: true };
    if (unserve === undefined) {
      const label = this.freeLabel(`unserve-${port}`);
      const use = this.add({ label, ...base }, "terminal");
      await this.openNew(use);
      return use.view();
    }
    const loan = this.lent.get(granted);
    const now = loan?.find() ?? "it was given back";
    if (now instanceof VnetError) throw now;
    if (typeof now === "string" || loan === undefined) {
      const why = typeof now === "string" ? `: ${now}` : "";
      const what = `unserve ${formatUnserve(unserve)} is gone already${why}`;
      throw new VnetError("closed", what);
    }
    const label = this.freeLabel(`unserve-${port}`);
    const to = `${loan.lenderName}:${formatAddress(ip, port)}`;
    const use = this.add({ label, ...base, to }, "unserve", loan);
    this.lent.delete(granted);
    loan.on("gone", (reason) => {
      this.unserveGone(use, unserve, reason);
    });
    await this.openNew(use);
    return use.view();
  }

  /** Tells which of them do not listen yet, and from now on of those that come. */
  tellWaiting(): void {
    this.isStartOver = true;
    for (const use of this.all()) this.news.get(use)?.starts();
  }

  async open(use: Use, isAsked = false): Promise<void> {
    const { inquiries } = this.options.choice;
    await (isAsked
      ? use.open(true, () => inquiries.settled(ANSWER_MS))
      : use.open());
    if (isAsked) this.news.get(use)?.answered();
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
    const news = this.news.get(use);
    // Whoever accepts it is answered how it goes.
    if (use.view().refusedKey !== null) news?.close();
    await use.trust();
    news?.answered();
    this.tellWanted();
  }

  /** What was found out about other nodes may change whom they reach. */
  lookAgain(): void {
    this.heard();
  }

  /** The use of an unserve gives the unserve back and goes altogether. */
  async close(use: Use, reason: string): Promise<void> {
    if (use.origin === "unserve") await this.drop(use, reason);
    else {
      this.news.get(use)?.close();
      await use.close(reason);
      this.tellWanted();
    }
  }

  /** Closes and removes it. */
  async drop(use: Use, reason: string): Promise<void> {
    if (this.byLabel.get(use.label) === use) this.byLabel.delete(use.label);
    this.news.get(use)?.close();
    await use.close(reason);
    this.tellWanted();
  }

  /**
   * The directory changed, or is not current any more. Many changes come in one turn of the event loop, and there may be many
   * uses: all are settled once for them, in portions.
   */
  heard(): void {
    this.isStale = true;
    this.sweeping ??= this.sweep();
  }

  private async sweep(): Promise<void> {
    while (this.isStale) {
      this.isStale = false;
      const settled: Promise<void>[] = [];
      let until = performance.now() + SWEEP_MS;
      for (const use of this.all()) {
        if (performance.now() >= until) {
          await turn();
          until = performance.now() + SWEEP_MS;
        }
        settled.push(use.settle());
      }
      void Promise.all(settled).then(() => {
        this.tellWanted();
      });
      // The next changes of this turn are one.
      await turn();
    }
    this.sweeping = undefined;
  }

  /** What was borrowed means nothing any more; what a file asks for is asked for again where this node is then. */
  async leave(reason: string): Promise<void> {
    for (const granted of [...this.lent.keys()]) this.giveBack(granted);
    for (const use of this.all()) {
      if (use.origin !== "unserve") continue;
      this.tellGone(use, use.view().remote?.unserve ?? 0, reason);
      await this.drop(use, reason);
    }
    await this.options.borrower.returned();
  }

  /** They stop listening for good; their streams go on. */
  async retire(): Promise<void> {
    await Promise.all(this.all().map((use) => use.retire()));
  }

  /** Closes them all; what they mapped is given back. */
  async shutDown(reason: string): Promise<void> {
    for (const granted of [...this.lent.keys()]) this.giveBack(granted);
    await Promise.all(this.all().map((use) => this.drop(use, reason)));
  }

  /** While the hub is away nothing can be found. */
  private search(
    settings: UseSettings,
    { choice, loan }: { choice: Choice; loan: Loan | undefined },
    onChange: () => void,
  ): Search {
    const { link } = this.options;
    const found =
      loan === undefined
        ? this.searchFor(settings, choice, onChange)
        : searchLoan(loan, onChange);
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
      // What was borrowed by hand is of one node, for this one time.
      remembers: origin !== "unserve",
      onChange,
      tell: (event) => {
        const { level, ...rest } = event;
        if (level !== "warn" || this.told.isNews(textOf(rest)))
          this.options.notify(event);
      },
    });
  }

  private searchFor(
    settings: UseSettings,
    choice: Choice,
    onChange: () => void,
  ): Search {
    const { directory, borrower, notify, onUse } = this.options;
    return createSearch(targetOf(settings), {
      directory,
      borrower,
      choice,
      onChange,
      onRefused: (reason) => {
        if (onUse !== undefined) return;
        notify({
          level: "warn",
          who: `use ${settings.label} (${formatWanted(settings)})`,
          what: "asks again",
          why: reason,
        });
      },
    });
  }

  private freeLabel(base: string): string {
    let label = base;
    for (let n = 2; this.byLabel.has(label); n++) label = `${base}-${n}`;
    return label;
  }

  /** As the directory has it, where it is a registered serve, which may be seen a moment later. */
  private async seen(loan: Loan): Promise<RemoteServe> {
    const { directory } = this.options;
    const signal = AbortSignal.timeout(SEEN_MS);
    for (;;) {
      const found = loan.find();
      if (found instanceof VnetError) throw found;
      if (typeof found !== "string") {
        const { key: _, ...serve } = found;
        return serve;
      }
      await once(directory, "change", { signal }).catch(() => {
        throw new VnetError("closed", "the unserve is gone already");
      });
    }
  }

  private unserveGone(use: Use, unserve: number, reason: string): void {
    if (this.byLabel.get(use.label) !== use) return;
    void this.drop(use, "the unserve is gone");
    this.tellGone(use, unserve, reason);
  }

  private tellGone(use: Use, unserve: number, why: string): void {
    this.options.notify({
      level: "info",
      who: `unserve ${formatUnserve(unserve)}`,
      what: `is gone, and use ${use.label} with it`,
      why,
    });
  }

  /** Once for all that settle in the same turn. */
  private tellWanted(): void {
    this.telling ??= turn().then(() => {
      this.telling = undefined;
      const wanted = new Set(this.all().flatMap((use) => use.providers));
      this.options.channels.setWanted(wanted);
    });
  }
}

/** What was borrowed by hand is of a node, which may be called otherwise by now. */
function nowOf(settings: UseSettings, loan: Loan | undefined): UseSettings {
  const address = parseTo(settings.to);
  if (loan === undefined || address === null) return settings;
  const { ip, port } = address;
  const to = `${loan.lenderName}:${formatAddress(ip, Number(port))}`;
  return { ...settings, to };
}

/** A serve that is a link has no port that the use could take. */
function refusePortless({ ip, port }: UseSettings, found: Found): Found {
  if (!Array.isArray(found) || isLink(ip) || port !== 0) return found;
  if (found[0]?.port !== 0) return found;
  return "what it reaches has no port of its own; give this use one (port=)";
}
