// Which keys the providers of this node's uses have: remembered as ssh remembers hosts, one line each, in a file that
// `vnet trust` may change while the node runs. Decides nothing: see node/choice.ts.

import { stat } from "node:fs/promises";
import { VnetError } from "../errors.js";
import { isFingerprint } from "./fingerprint.js";
import { readKeyFile, writeKeyFile } from "./key-file.js";

/** What a use asks for: `700`, `mysql`, `mysql@home`, `home:22`; within its group. */
export interface Sought {
  group: string;
  wanted: string;
}

/**
 * Why a key is believed: it came under the group's secret, or on the hub's word alone, or a person accepted it.
 * `refused`: it is not; it is kept so that a person can accept it.
 */
export type Basis = (typeof BASES)[number];
const BASES = ["secret", "hub", "person", "refused"] as const;

/** Who else may take its place, as the provider itself said: nobody, whoever has the secret, or these keys. */
export type Consent = "alone" | "any" | readonly string[];

export interface KnownNode {
  fingerprint: string;
  basis: Basis;
  consent: Consent;
  /** how the node was called then; for people */
  node: string;
}

/** More are not remembered of what one use or port asks for: see bounded(). */
const MAX_FOR_ONE = 100;
/** What was asked for longest ago goes. */
const MAX_SOUGHT = 2_000;

export class KnownNodes {
  private bySought = new Map<string, readonly KnownNode[]>();
  /** what tells one writing of the file from the next; null: there is none */
  private version: string | null = null;
  private isSaved = true;
  private inTurn: Promise<unknown> = Promise.resolve();

  /** @param path null: remembered for this run only */
  constructor(readonly path: string | null) {}

  /** Rejects with VnetError `config` when the file can be read by others, cannot be read, or is damaged. */
  static async load(path: string): Promise<KnownNodes> {
    const known = new KnownNodes(path);
    await known.read();
    return known;
  }

  of(sought: Sought): readonly KnownNode[] {
    return this.bySought.get(keyOf(sought)) ?? [];
  }

  /** All that is remembered. */
  *all(): Iterable<[Sought, readonly KnownNode[]]> {
    for (const [key, nodes] of this.bySought) yield [soughtOf(key), nodes];
  }

  /** Reads the file again where it was changed by somebody else. Resolves with whether it was. Rejects with VnetError. */
  refresh(): Promise<boolean> {
    // What could not be written would be lost.
    return this.next(async () => this.isSaved && this.read());
  }

  /**
   * Changes what is remembered of one, in the file as it is now. It counts at once, also where it cannot be written:
   * then for this run, and this rejects with VnetError `config`; it is written with the next change that can be.
   * @param change may be called twice, the second time with what it gave
   */
  update(
    sought: Sought,
    change: (nodes: readonly KnownNode[]) => readonly KnownNode[],
  ): Promise<void> {
    this.put(sought, change(this.of(sought)));
    return this.next(async () => {
      // A damaged file is not written over.
      if (this.isSaved) await this.read();
      this.put(sought, change(this.of(sought)));
      await this.save();
    });
  }

  private next<T>(step: () => Promise<T>): Promise<T> {
    const turn = this.inTurn.then(step);
    this.inTurn = turn.catch(() => undefined);
    return turn;
  }

  private put(sought: Sought, nodes: readonly KnownNode[]): void {
    const key = keyOf(sought);
    this.bySought.delete(key);
    if (nodes.length > 0) this.bySought.set(key, bounded(nodes));
    const [oldest] = this.bySought.keys();
    if (this.bySought.size > MAX_SOUGHT && oldest !== undefined)
      this.bySought.delete(oldest);
  }

  private async read(): Promise<boolean> {
    if (this.path === null) return false;
    const version = await versionOf(this.path);
    if (version === this.version) return false;
    const text = (await readKeyFile(this.path))?.toString() ?? "";
    this.bySought = decode(text, this.path);
    this.version = version;
    return true;
  }

  private async save(): Promise<void> {
    if (this.path === null) return;
    this.isSaved = false;
    await writeKeyFile(this.path, Buffer.from(encode(this.all())));
    this.isSaved = true;
    this.version = await versionOf(this.path);
  }
}

/**
 * Whoever has the secret can have any number of keys, and come with them where others are let in: the latest go, never the
 * first one, and what a person did only where there is nothing else.
 */
function bounded(nodes: readonly KnownNode[]): readonly KnownNode[] {
  const kept = [...nodes];
  while (kept.length > MAX_FOR_ONE) {
    const latest = kept.findLastIndex(
      ({ basis }) => basis === "secret" || basis === "hub",
    );
    kept.splice(Math.max(1, latest), 1);
  }
  return kept;
}

async function versionOf(path: string): Promise<string | null> {
  try {
    const { ino, size, mtimeMs } = await stat(path);
    return `${ino} ${size} ${mtimeMs}`;
  } catch {
    // What is wrong with it is said when it is read.
    return null;
  }
}

/** Names have no line ends and no tabs: they are printable. */
const keyOf = ({ group, wanted }: Sought) => `${group}\t${wanted}`;

function soughtOf(key: string): Sought {
  const [group = "", wanted = ""] = key.split("\t");
  return { group, wanted };
}

const HEAD =
  "# Keys of the nodes that uses have reached: group, what is used, key, why it is believed, who may take its place, node.\n";

function encode(all: Iterable<[Sought, readonly KnownNode[]]>): string {
  const lines = [...all].flatMap(([sought, nodes]) =>
    nodes.map(({ fingerprint, basis, consent, node }) =>
      [
        keyOf(sought),
        fingerprint,
        basis,
        typeof consent === "string" ? consent : consent.join(","),
        node,
      ].join("\t"),
    ),
  );
  return `${HEAD}${lines.map((line) => `${line}\n`).join("")}`;
}

/** Throws VnetError `config` that names the line. */
function decode(text: string, path: string): Map<string, readonly KnownNode[]> {
  const all = new Map<string, KnownNode[]>();
  for (const [at, line] of text.split("\n").entries()) {
    if (line.trim() === "" || line.startsWith("#")) continue;
    const [group, wanted, fingerprint = "", word, told = "", node = ""] = line
      .trimEnd()
      .split("\t");
    const basis = BASES.find((each) => each === word);
    const consent = consentFrom(told);
    if (
      group === undefined ||
      wanted === undefined ||
      !isFingerprint(fingerprint) ||
      basis === undefined ||
      consent === null
    )
      throw new VnetError(
        "config",
        `${path}: line ${at + 1} is damaged; restore the file from a copy, or remove the line: the key is remembered anew at the next connection`,
      );
    const key = keyOf({ group, wanted });
    const nodes = all.get(key) ?? [];
    nodes.push({ fingerprint, basis, consent, node });
    all.set(key, nodes);
  }
  return all;
}

function consentFrom(text: string): Consent | null {
  if (text === "alone" || text === "any") return text;
  const keys = text.split(",");
  return keys.every(isFingerprint) ? keys : null;
}
