// Which of the nodes that offer what a use wants it may reach: the one whose key it remembers, else those that have
// shown the secret, else the first one it meets; never one that failed to show it. Remembers the key of whom it reached,
// as ssh does, and refuses another one until a person accepts it.

import { VnetError } from "../errors.js";
import { fingerprintOf } from "../keys/fingerprint.js";
import type { Consent, KnownNode, KnownNodes } from "../keys/known-nodes.js";
import type { LogEvent } from "../log.js";
import { quoted, quoteWord } from "../printable.js";
import type { DirectoryNode } from "../wire/fields.js";
import { mismatchOf } from "./channel-security.js";
import type { Directory } from "./directory.js";
import type { Inquiries } from "./inquiries.js";
import type { Standings } from "./standings.js";

/** A refused use looks this often whether the key was accepted elsewhere (`vnet trust`). */
const LOOK_AGAIN_MS = 2_000;

/** So many keys are named in one line. */
const MAX_NAMED = 3;

/** Who offers something. */
export interface Candidate {
  readonly vnetid: number;
}

/** One that may be reached, with its node's public identity key, base64. */
export type Chosen<T> = T & { readonly key: string };

/** What the choices of all uses of a node share. */
export interface ChoiceParts {
  directory: Directory;
  standings: Standings;
  inquiries: Inquiries;
  knownNodes: KnownNodes;
  settings: () => {
    group: string;
    secret: string;
    encrypt: boolean;
    /** a person can type commands */
    terminal: boolean;
  };
  /** what a person calls, beside this process, to accept the key of what is wanted */
  trustCall: (wanted: string) => string;
}

export interface ChoiceOptions extends ChoiceParts {
  label: string;
  /** as written; what the key is remembered for */
  wanted: string;
  /** of `fingerprint=`, with a space between; empty: the key is remembered */
  fingerprint: string;
  /** false: what was borrowed by hand, which nobody asks for again */
  remembers: boolean;
  onChange: () => void;
  /** Tells the person. */
  tell: (event: LogEvent & { level: "info" | "warn" }) => void;
}

interface Key {
  /** public identity key, base64 */
  key: string;
  fingerprint: string;
}

interface Entry<T> extends Key {
  candidate: T;
  node: DirectoryNode;
}

export class Choice {
  private state: "open" | "closed" = "open";
  private refused: { key: string; known: KnownNode } | undefined;
  private lookTimer: NodeJS.Timeout | undefined;

  constructor(private readonly options: ChoiceOptions) {}

  /** The key that was met in place of the remembered one; null: none. */
  get refusedKey(): string | null {
    return this.refused?.known.fingerprint ?? null;
  }

  /** Only certain keys may be reached. */
  get isBound(): boolean {
    return this.options.fingerprint !== "" || this.binding.length > 0;
  }

  /**
   * Those that may be reached, the best first; empty where nobody offers it who may. A text: why not yet. VnetError
   * `refused`: it is offered by another key than the remembered one; the text says how to accept it.
   */
  pick<T extends Candidate>(
    candidates: readonly T[],
  ): Chosen<T>[] | string | VnetError {
    const all = candidates.flatMap((candidate) => this.entryOf(candidate));
    const able = all.filter(({ node }) => !this.isNobody(node.vnetid));
    const picked = this.pickOf(able, all);
    if (picked instanceof VnetError) return picked;
    this.forgetRefused();
    return typeof picked === "string" ? picked : picked.map(chosen);
  }

  /** Whether that key may still be reached, now that what it lets others do is known. */
  admits(key: string): boolean {
    if (!this.options.settings().encrypt || !this.isBound) return true;
    return this.isAdmitted({ key, fingerprint: printOf(key) }) === true;
  }

  /** It failed to show the secret, or does not encrypt as this node does: nothing of it counts. */
  isNobody(vnetid: number): boolean {
    const { directory, standings, settings } = this.options;
    const node = directory.node(vnetid);
    if (node?.encrypt !== settings().encrypt) return true;
    return standings.of(node.key) === "untrusted";
  }

  /** Whether it is a node that it knows by its key, whatever its name is now. */
  knows(vnetid: number): boolean {
    const node = this.options.directory.node(vnetid);
    if (node === undefined || !this.isBound) return false;
    const { key } = node;
    const fingerprint = printOfNode(node);
    return this.options.fingerprint === ""
      ? this.binding.some((known) => known.fingerprint === fingerprint)
      : this.isAdmitted({ key, fingerprint }) === true;
  }

  /** A stream was accepted there. `consent`: whom it lets take its place, as it said itself. */
  reached(node: { key: string; name: string; consent: Consent }): void {
    const { secret, encrypt } = this.options.settings();
    if (!encrypt || !this.remembers) return;
    const { consent } = node;
    const basis = secret === "" ? "hub" : "secret";
    const fingerprint = printOf(node.key);
    const known = this.known;
    const before = known.find((each) => each.fingerprint === fingerprint);
    const after: KnownNode = {
      fingerprint,
      basis:
        before === undefined || before.basis === "hub" ? basis : before.basis,
      consent,
      node: node.name,
    };
    // What the hub alone had said is over once somebody has shown the secret; so is what was refused meanwhile.
    const isOver = (each: KnownNode) =>
      each.basis === "refused" ||
      each.fingerprint === fingerprint ||
      (each.basis === "hub" && basis === "secret");
    const all = this.options.knownNodes.of(this.sought);
    const others = all.filter((each) => each !== before && isOver(each));
    if (before !== undefined && isSame(before, after) && others.length === 0)
      return;
    if (before === undefined && known.length > 0) this.tellNew(after);
    this.update((nodes) => {
      // Who was first stays so.
      const kept = nodes.filter(
        (each) => each.fingerprint === fingerprint || !isOver(each),
      );
      const at = kept.findIndex((each) => each.fingerprint === fingerprint);
      return at < 0 ? [...kept, after] : kept.with(at, after);
    });
  }

  /** A person accepts the refused key. Throws VnetError `usage` where none is. */
  async trust(): Promise<void> {
    const { refused } = this;
    if (refused === undefined)
      throw new VnetError(
        "usage",
        `use ${this.options.label} refuses no key: there is nothing to accept`,
      );
    const { knownNodes } = this.options;
    this.forgetRefused();
    try {
      await knownNodes.update(this.sought, (nodes) =>
        accepted(nodes, refused.known),
      );
    } catch (error) {
      if (!(error instanceof VnetError)) throw error;
      this.tellUnsaved(error);
    }
  }

  /** Idempotent. */
  close(): void {
    this.state = "closed";
    this.forgetRefused();
  }

  // ----------------------------------------------------------------------------------------------------------------

  private get sought() {
    const { settings, wanted } = this.options;
    return { group: settings().group, wanted };
  }

  private get remembers(): boolean {
    return this.options.remembers && this.options.fingerprint === "";
  }

  /** What was remembered and counts: the hub's word does not, once there is a secret. */
  private get known(): readonly KnownNode[] {
    if (!this.remembers) return [];
    const nodes = this.options.knownNodes.of(this.sought);
    return nodes.filter(({ basis }) => basis !== "refused");
  }

  private get binding(): readonly KnownNode[] {
    const { secret } = this.options.settings();
    return this.known.filter(({ basis }) => secret === "" || basis !== "hub");
  }

  private entryOf<T extends Candidate>(candidate: T): Entry<T>[] {
    const node = this.options.directory.node(candidate.vnetid);
    if (node === undefined) return [];
    const { key } = node;
    return [{ candidate, node, key, fingerprint: printOfNode(node) }];
  }

  private pickOf<T>(
    able: Entry<T>[],
    all: Entry<T>[],
  ): Entry<T>[] | string | VnetError {
    const { encrypt } = this.options.settings();
    if (able.length === 0) return this.whyNone(all);
    if (!encrypt) {
      const { fingerprint } = this.options;
      if (fingerprint === "") return this.pickMet(able);
      const pinned = able.filter((entry) => this.isAdmitted(entry) === true);
      const [other] = able;
      return pinned.length > 0 || other === undefined
        ? this.pickMet(pinned)
        : this.refuse(other);
    }
    return this.isBound ? this.pickKnown(able) : this.pickMet(able);
  }

  private pickKnown<T>(able: Entry<T>[]): Entry<T>[] | string | VnetError {
    const admitted = able.filter((entry) => this.isAdmitted(entry) === true);
    const unknown = able.filter(
      (entry) => this.isAdmitted(entry) !== true && !this.isMet(entry),
    );
    if (admitted.length > 0) {
      for (const entry of unknown)
        if (this.isAdmitted(entry) === "once trusted") this.ask(entry);
      return this.pickMet(admitted);
    }
    if (unknown.length > 0) return this.askAll(unknown);
    const [other] = able;
    return other === undefined ? [] : this.refuse(other);
  }

  /**
   * Those to whom a channel could be made, and under the secret where there is one: a use listens only while a connection
   * can succeed. The others are asked for one.
   */
  private pickMet<T>(able: Entry<T>[]): Entry<T>[] | string {
    const met = able.filter((entry) => this.isMet(entry));
    const unknown = able.filter((entry) => !this.isMet(entry));
    if (met.length === 0 && unknown.length > 0) return this.askAll(unknown);
    for (const entry of unknown) this.ask(entry);
    return this.bestFirst(met);
  }

  private isMet({ key }: Key): boolean {
    const { standings, settings } = this.options;
    return standings.isMet(key, settings());
  }

  /** `once trusted`: it is let in by another one as soon as it has shown the secret. */
  private isAdmitted(one: Key): boolean | "once trusted" {
    const { fingerprint } = one;
    const { fingerprint: pinned } = this.options;
    if (pinned !== "") return pinned.split(" ").includes(fingerprint);
    const { binding } = this;
    const isListed = binding.some(
      (known) =>
        known.fingerprint === fingerprint ||
        (typeof known.consent !== "string" &&
          known.consent.includes(fingerprint)),
    );
    if (isListed) return true;
    if (!binding.some(({ consent }) => consent === "any")) return false;
    return this.isMet(one) || "once trusted";
  }

  private bestFirst<T>(entries: Entry<T>[]): Entry<T>[] {
    const known = new Set(this.known.map(({ fingerprint }) => fingerprint));
    const rank = ({ fingerprint }: Entry<T>) =>
      known.has(fingerprint) ? 0 : 1;
    return [...entries].sort((a, b) => rank(a) - rank(b));
  }

  private ask<T>({ node }: Entry<T>): void {
    this.options.inquiries.ask(node);
  }

  /** Why none of them may be reached yet. */
  private askAll<T>(entries: Entry<T>[]): string {
    for (const entry of entries) this.ask(entry);
    const [first] = entries;
    const { inquiries, settings } = this.options;
    const error = inquiries.errorOf(first?.key ?? "");
    if (error !== null) return error;
    const { secret, encrypt } = settings();
    const why =
      secret === "" || !encrypt ? "is there" : "has the secret of this group";
    return `asking vnet ${quoted(first?.node.name ?? "?")} whether it ${why}`;
  }

  /** Those that offer it failed to show the secret, or do not encrypt as this node does. */
  private whyNone<T>(all: Entry<T>[]): Entry<T>[] | string {
    const { standings, settings } = this.options;
    // Others than the known ones are as good as nobody.
    const own = this.isBound
      ? all.filter((entry) => this.isAdmitted(entry) === true)
      : all;
    for (const entry of own)
      if (entry.node.encrypt === settings().encrypt) this.ask(entry);
    const [first] = own;
    if (first === undefined) return [];
    return (
      standings.whyNot(first.key) ?? mismatchOf(first.node, settings().encrypt)
    );
  }

  private refuse<T>({ node, key, fingerprint }: Entry<T>): VnetError {
    const { label, wanted, fingerprint: pinned, trustCall } = this.options;
    if (pinned !== "")
      return new VnetError(
        "refused",
        `vnet ${quoted(node.name)} has the key ${fingerprint}, fingerprint= says ${pinned.replaceAll(" ", " or ")}: ask its owner, then correct the line`,
      );
    const known: KnownNode = {
      fingerprint,
      basis: "refused",
      consent: "alone",
      node: node.name,
    };
    if (this.refused?.key !== key) {
      this.refused = { key, known };
      // So that it can be accepted by a program beside this one.
      this.update((nodes) => [
        ...nodes.filter(({ basis }) => basis !== "refused"),
        known,
      ]);
    }
    this.lookLater();
    const { terminal } = this.options.settings();
    const command = terminal ? `\`use trust ${quoteWord(label)}\` or ` : "";
    const before = someOf(this.binding, "or");
    return new VnetError(
      "refused",
      `the key of what it reaches has CHANGED: vnet ${quoted(node.name)} has ${fingerprint}, it was ${before}: somebody may have taken its place, or its node was set up anew; ask its owner, then accept it with ${command}\`${trustCall(wanted)}\``,
    );
  }

  private forgetRefused(): void {
    clearTimeout(this.lookTimer);
    this.lookTimer = undefined;
    this.refused = undefined;
  }

  private lookLater(): void {
    if (this.lookTimer !== undefined || this.state === "closed") return;
    this.lookTimer = setTimeout(() => {
      void this.look();
    }, LOOK_AGAIN_MS);
  }

  private async look(): Promise<void> {
    const { knownNodes, onChange } = this.options;
    try {
      await knownNodes.refresh();
    } catch (error) {
      if (!(error instanceof VnetError)) throw error;
      this.tellUnsaved(error);
    }
    this.lookTimer = undefined;
    if (this.refused !== undefined) onChange();
  }

  private update(
    change: (nodes: readonly KnownNode[]) => readonly KnownNode[],
  ): void {
    this.options.knownNodes
      .update(this.sought, change)
      .catch((error: unknown) => {
        if (!(error instanceof VnetError)) throw error;
        this.tellUnsaved(error);
      });
  }

  private tellUnsaved(error: VnetError): void {
    this.options.tell({
      level: "warn",
      who: "the keys of nodes",
      what: "are remembered until this program ends only",
      why: error.message,
    });
  }

  private tellNew({ node, fingerprint }: KnownNode): void {
    const known = someOf(this.known, "and");
    const isLetIn = this.binding.length > 0;
    this.options.tell({
      level: isLetIn ? "info" : "warn",
      who: `use ${this.options.label} (${this.options.wanted})`,
      what: `is served by a new key: vnet ${quoted(node)}, ${fingerprint}`,
      why: isLetIn
        ? `besides ${known}, which lets others in`
        : `it has the secret; without one it was ${known}`,
    });
  }
}

/** What is remembered once a person has accepted the refused key: in place of one that stands alone, else beside it. */
export function accepted(
  nodes: readonly KnownNode[],
  refused: KnownNode,
): KnownNode[] {
  const shared = nodes.filter(
    ({ basis, consent }) => basis !== "refused" && consent !== "alone",
  );
  const others = shared.filter(
    ({ fingerprint }) => fingerprint !== refused.fingerprint,
  );
  return [...others, { ...refused, basis: "person" }];
}

function isSame(a: KnownNode, b: KnownNode): boolean {
  return (
    a.basis === b.basis &&
    String(a.consent) === String(b.consent) &&
    a.node === b.node
  );
}

function chosen<T>({ candidate, key }: Entry<T>): Chosen<T> {
  return { ...candidate, key };
}

/** The first of them, as there may be a hundred. */
function someOf(nodes: readonly KnownNode[], word: "and" | "or"): string {
  const named = nodes.slice(0, MAX_NAMED).map((each) => each.fingerprint);
  const more = nodes.length - named.length;
  return [...named, ...(more > 0 ? [`${more} more`] : [])].join(` ${word} `);
}

/** A node is looked at by many uses, and again after each change. */
const prints = new WeakMap<DirectoryNode, string>();

function printOfNode(node: DirectoryNode): string {
  const known = prints.get(node);
  if (known !== undefined) return known;
  const print = printOf(node.key);
  prints.set(node, print);
  return print;
}

function printOf(key: string): string {
  return fingerprintOf(Buffer.from(key, "base64"));
}
