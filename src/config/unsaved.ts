// What a node's terminal changed since its file was read → what is to be written into that file, which may be another one
// by now: what both changed alike is no change, what they changed differently is refused. Pure.

import {
  formatServeid,
  type NodeConfig,
  type ServeSettings,
  type UseSettings,
} from "./config.js";
import {
  changedKeys,
  fieldsOf,
  SERVE_KEYS,
  USE_KEYS,
  type ConfigChange,
  type KeyNames,
} from "./diff.js";
import type { IniEdit } from "./ini-edit.js";
import type { KeySpecs } from "./key-spec.js";
import { SECTIONS } from "./schema.js";
import { VnetError } from "../errors.js";

/** Of serves and uses only: a terminal changes nothing else. */
export type EntryChange = Extract<
  ConfigChange,
  { kind: `${"serve" | "use"}-${string}` }
>;

export interface Plan {
  edits: IniEdit[];
  /** what the file says with them */
  after: NodeConfig;
}

/** Throws VnetError `usage` where the file was changed meanwhile in what is to be changed. */
export function planEdits(
  changes: readonly EntryChange[],
  file: NodeConfig,
): Plan {
  const serves = new Merge(SERVES, file.serves);
  const uses = new Merge(USES, file.uses);
  for (const change of changes) {
    if (change.kind === "serve-added") serves.add(change.serve);
    if (change.kind === "serve-removed") serves.remove(change.serve);
    if (change.kind === "serve-changed") serves.change(change);
    if (change.kind === "use-added") uses.add(change.use);
    if (change.kind === "use-removed") uses.remove(change.use);
    if (change.kind === "use-changed") uses.change(change);
  }
  return {
    edits: [...serves.edits, ...uses.edits],
    after: { ...file, serves: serves.entries, uses: uses.entries },
  };
}

/** What `change` is about. */
export function sectionOf(change: EntryChange): {
  kind: "serve" | "use";
  label: string;
} {
  const kind = change.kind.startsWith("serve") ? "serve" : "use";
  if ("serve" in change) return { kind, label: change.serve.label };
  const { label } = "use" in change ? change.use : change.after;
  return { kind, label };
}

/** How the settings of one kind of section are written. */
interface Form<T extends { label: string }> {
  kind: "serve" | "use";
  names: KeyNames<T>;
  specs: KeySpecs;
}

const SERVES: Form<ServeSettings> = {
  kind: "serve",
  names: SERVE_KEYS,
  specs: SECTIONS.serve.keys,
};

const USES: Form<UseSettings> = {
  kind: "use",
  names: USE_KEYS,
  specs: SECTIONS.use.keys,
};

/** The entries of a file, to which changes are added one by one. */
class Merge<T extends { label: string }> {
  readonly edits: IniEdit[] = [];
  entries: T[];

  constructor(
    private readonly form: Form<T>,
    file: readonly T[],
  ) {
    this.entries = [...file];
  }

  add(entry: T): void {
    const there = this.find(entry.label);
    if (there !== undefined) {
      const keys = changedKeys(this.form.names, there, entry);
      if (keys.length === 0) return;
      throw this.clash(
        entry.label,
        `is in the file by now, and differs in ${keys.join(", ")}; delete it here or there`,
      );
    }
    // There is no way to write one in the name of a section.
    if (entry.label.includes("]"))
      throw this.clash(
        entry.label,
        "cannot be a section of a file, for the ] in its name; delete it, and make it with another one",
      );
    this.entries.push(entry);
    const pairs = this.pairs(entry).flatMap(([key, value]) =>
      value === null ? [] : [[key, value] as const],
    );
    this.edits.push({ kind: "add", section: this.section(entry), pairs });
  }

  remove(entry: T): void {
    const there = this.find(entry.label);
    if (there === undefined) return;
    const keys = changedKeys(this.form.names, there, entry);
    if (keys.length > 0)
      throw this.clash(
        entry.label,
        `is to be deleted, but was changed in the file meanwhile (${keys.join(", ")}); \`reload\` takes what the file says`,
      );
    this.entries = this.entries.filter((each) => each !== there);
    this.edits.push({ kind: "remove", section: this.section(entry) });
  }

  change({
    before,
    after,
    changed,
  }: {
    before: T;
    after: T;
    changed: string[];
  }): void {
    const there = this.find(after.label);
    if (there === undefined)
      throw this.clash(
        after.label,
        "is not in the file any more; `reload` removes it here, too",
      );
    const open = changedKeys(this.form.names, there, after).filter((key) =>
      changed.includes(key),
    );
    const lost = changedKeys(this.form.names, there, before).filter((key) =>
      open.includes(key),
    );
    if (lost.length > 0)
      throw this.clash(
        after.label,
        `was changed in the file meanwhile, too (${lost.join(", ")}); \`reload\` takes what the file says`,
      );
    const merged = { ...there };
    for (const [field, key] of fieldsOf(this.form.names))
      if (open.includes(key)) merged[field] = after[field];
    this.entries = this.entries.map((each) => (each === there ? merged : each));
    const section = this.section(after);
    for (const [key, value] of this.pairs(after))
      if (open.includes(key))
        this.edits.push({
          kind: "set",
          section,
          key,
          value: key === "active" ? String(after["active" as keyof T]) : value,
        });
  }

  private find(label: string): T | undefined {
    return this.entries.find((each) => each.label === label);
  }

  private section({ label }: T): string {
    return `${this.form.kind}.${label}`;
  }

  private clash(label: string, text: string): VnetError {
    return new VnetError(
      "usage",
      `nothing is written: ${this.form.kind} ${label} ${text}`,
    );
  }

  /** All keys in their usual order, as text; null: it is what counts without the key. */
  private pairs(entry: T): [key: string, value: string | null][] {
    const names = fieldsOf(this.form.names);
    return Object.entries(this.form.specs).flatMap(([key, { fallback }]) => {
      const field = names.find((each) => each[1] === key)?.[0];
      if (field === undefined) return [];
      const value = entry[field];
      const isUsual =
        value === undefined ||
        value === fallback ||
        (key === "name" && value === entry.label);
      return [[key, isUsual ? null : textOf(key, value)]];
    });
  }
}

function textOf(key: string, value: unknown): string {
  return key === "serveid" ? formatServeid(Number(value)) : String(value);
}
