// The configuration of a running node and its file: reads it at the start and for `reload`, and writes into it what was
// changed in the terminal, whole or not at all, and never what a reload would refuse. Owned by the node's program.

import { existsSync } from "node:fs";
import { access, constants, realpath } from "node:fs/promises";
import { resolve } from "node:path";
import type { NodeConfig } from "./config/config.js";
import { diffNodeConfig, formatChange } from "./config/diff.js";
import { iniText, readIniBytes } from "./config/file.js";
import { mergeSections } from "./config/flags.js";
import {
  editIni,
  type DiffLine,
  type IniEdit,
  type Pair,
} from "./config/ini-edit.js";
import { parseIni, type IniEntry, type IniSection } from "./config/ini.js";
import { parseNodeConfig } from "./config/node-config.js";
import { Problems } from "./config/problem.js";
import { planEdits, sectionOf, type EntryChange } from "./config/unsaved.js";
import { fileErrorCode, messageOf, VnetError } from "./errors.js";
import { createPrivateFile, writeSameFile } from "./files/whole-file.js";
import { refuseForeignLinks } from "./foreign-links.js";
import { isHanded, keyReader, programsWarnings } from "./given-keys.js";
import { filePathReason } from "./net/path-reason.js";
import type { NodeControl } from "./node/control.js";
import { openKeysWarning, orImport, readConfig } from "./program.js";
import type { SavePlan, Unsaved } from "./terminal/command.js";

export interface NodeFileOptions {
  /** null: the command line is enough */
  file: string | null;
  /** what the command line says, which wins over the file */
  flags: readonly IniSection[];
  /** keys from variables, weaker than the command line */
  keys: readonly IniSection[];
}

/** Sections of which there is one, in the order of a new file. */
const SINGLE = ["route", "log", "vnet"] as const;

export class NodeFile {
  /** warnings about who can read the keys in the file that was read last */
  openKeys: string[] = [];
  /** where this node has its key, which a new file is to name */
  stateFolder = "";
  #file: string | null;
  /** where a configuration was read from, by a part of it that is made anew each time; another than #file after `reload FILE` */
  readonly #files = new WeakMap<NodeConfig["route"], string | null>();
  readonly #flags: readonly IniSection[];

  constructor(private readonly options: NodeFileOptions) {
    this.#file = options.file;
    this.#flags = mergeSections(options.keys, options.flags);
  }

  /** Reads and parses a file; null: the one the node was started with. Throws VnetError. */
  async load(path: string | null): Promise<NodeConfig> {
    const file = path ?? this.#file;
    const { text, title } = await readConfig({ file });
    try {
      const config = this.#parse(file, text, title);
      this.openKeys = openKeysWarning(file, text);
      this.#files.set(config.route, file);
      return config;
    } catch (error) {
      throw await orImport(error, { file, text });
    }
  }

  /** What `save` would write, and what it leaves out. */
  unsaved(control: NodeControl): Unsaved {
    const borrowed = control
      .uses()
      .filter(({ origin }) => origin === "unserve")
      .map(
        ({ label, wanted }) =>
          `use ${label} is borrowed for a while, and not saved: \`use run ${wanted}\` makes one that lasts`,
      );
    const file = this.#fileOf(control);
    const changes: EntryChange[] = [];
    const notes: string[] = [];
    for (const change of control.unsaved()) {
      const { kind, label } = sectionOf(change);
      if (file !== null && this.#isOfCommandLine(kind, label))
        notes.push(
          `${kind} ${label} comes from the command line (--${kind}), and not saved: change it there`,
        );
      else changes.push(change);
    }
    return { changes, notes: [...notes, ...borrowed], file };
  }

  /** @param path null: the file that was read last */
  prepare(control: NodeControl, path: string | null): Promise<SavePlan> {
    const file = this.#fileOf(control);
    if (file === null) {
      if (path !== null) return this.#planNew(control, path);
      throw new VnetError(
        "usage",
        "this node was started without a file: name a new one, `save FILE`",
      );
    }
    return this.#planOld(control, file, path);
  }

  async #planOld(
    control: NodeControl,
    file: string,
    path: string | null,
  ): Promise<SavePlan> {
    if (path !== null && !(await isSame(path, file)))
      throw new VnetError(
        "usage",
        `the file of this node is ${file}: \`save\` writes there; for another one, copy it`,
      );
    if (path === null && this.#file !== file)
      throw new VnetError(
        "usage",
        `the configuration was read from ${file} (\`reload\`), and the node was started with ${this.#file ?? "none"}: \`save ${file}\` writes there`,
      );
    const unsaved = this.unsaved(control);
    const bytes = await readIniBytes(file).catch(nothingWritten);
    const text = attempt(() => iniText(file, bytes), "nothing is written");
    const before = attempt(
      () => this.#parse(file, text, file),
      "nothing is written, as the file has a mistake",
    );
    const { edits, after } = planEdits(unsaved.changes, before);
    const sections = parseIni(text, new Problems(file));
    const edited = editIni(bytes, sections, edits);
    const changed = attempt(
      () => this.#parse(file, iniText(file, edited.bytes), file),
      "nothing is written, as with these lines the file would have a mistake",
    );
    const others = diffNodeConfig(after, changed);
    if (others.length > 0)
      throw new VnetError(
        "usage",
        `nothing is written, as the file would not say what runs: ${others.map(formatChange).join("; ")}`,
      );
    return this.#plan(control, unsaved, {
      file,
      diff: edited.diff,
      write: async () => {
        if (!(await readIniBytes(file)).equals(bytes))
          throw new VnetError(
            "obstacle",
            `nothing is written: ${file} was changed meanwhile; \`save\` again`,
          );
        await explained(file, async () => {
          // A file that may not be written is meant to stay as it is, though its folder lets it be replaced.
          await access(file, constants.W_OK);
          await writeSameFile(file, edited.bytes);
        });
        return undefined;
      },
    });
  }

  /** A file for a node that was started without: the command line, and what was made in the terminal. */
  async #planNew(control: NodeControl, path: string): Promise<SavePlan> {
    const file = resolve(path);
    if (existsSync(file)) throw alreadyThere(file);
    const unsaved = this.unsaved(control);
    const { serves, uses } = planEdits(unsaved.changes, control.config).after;
    const { sections, notes } = this.#sectionsOfCommandLine();
    const none = Buffer.alloc(0);
    const { edits } = planEdits(
      [
        ...serves.map((serve) => ({ kind: "serve-added" as const, serve })),
        ...uses.map((use) => ({ kind: "use-added" as const, use })),
      ],
      { ...control.config, serves: [], uses: [] },
    );
    const written = editIni(none, [], [...sections, ...edits]);
    const config = attempt(
      () =>
        this.#parse(file, written.bytes.toString(), file, this.options.keys),
      "nothing is written, as the file would have a mistake",
    );
    const others = diffNodeConfig({ ...config, serves, uses }, config);
    if (others.length > 0)
      throw new VnetError(
        "usage",
        `nothing is written, as the file would not say what runs: ${others.map(formatChange).join("; ")}`,
      );
    const all = { ...unsaved, notes: [...notes, ...unsaved.notes] };
    return this.#plan(control, all, {
      file,
      diff: written.diff,
      write: async () => {
        const isNew = await explained(file, () =>
          createPrivateFile(file, written.bytes),
        );
        if (!isNew) throw alreadyThere(file);
        this.#file = file;
        // As a reload has it, with the command line over it.
        const read = this.#parse(file, written.bytes.toString(), file);
        this.#files.set(read.route, file);
        return read;
      },
    });
  }

  #plan(
    control: NodeControl,
    { changes, notes }: Unsaved,
    {
      file,
      diff,
      write,
    }: {
      file: string;
      diff: DiffLine[];
      write: () => Promise<NodeConfig | undefined>;
    },
  ): SavePlan {
    // It says all that already: somebody has written it there by hand.
    if (diff.length === 0) control.saved(changes);
    return {
      ...{ file, diff, notes },
      write: async () => {
        if (
          JSON.stringify(this.unsaved(control).changes) !==
          JSON.stringify(changes)
        )
          throw new VnetError(
            "obstacle",
            "nothing is written: what runs was changed meanwhile; `save` again",
          );
        control.saved(changes, await write());
      },
    };
  }

  /** Of what runs. */
  #fileOf({ config }: NodeControl): string | null {
    return this.#files.get(config.route) ?? null;
  }

  #isOfCommandLine(kind: string, label: string): boolean {
    return this.options.flags.some(({ name }) => name === `${kind}.${label}`);
  }

  /** What the command line says beside serves and uses, as a file says it; keys that are in no file of their own are left out. */
  #sectionsOfCommandLine(): { sections: IniEdit[]; notes: string[] } {
    const notes = keyNotes(this.options);
    const sections = SINGLE.map((title) => {
      const given = this.options.flags.find(({ name }) => name === title);
      const pairs = [...(given?.entries.values() ?? [])].flatMap(pairOf);
      // Otherwise it would be another node, with a key of its own.
      if (title === "vnet") pairs.push(["state", this.stateFolder]);
      return { kind: "add" as const, section: title, pairs };
    });
    return {
      sections: sections.filter(({ pairs }) => pairs.length > 0),
      notes,
    };
  }

  #parse(
    file: string | null,
    text: string,
    title: string,
    flags = this.#flags,
  ): NodeConfig {
    const warnings: string[] = [];
    const readKey = keyReader(file, warnings);
    const config = parseNodeConfig(text, title, undefined, flags, readKey);
    refuseForeignLinks(title, config);
    warnings.push(...config.warnings, ...programsWarnings(file, config));
    return { ...config, warnings };
  }
}

/** A path means what it meant on the command line; what can be read once only, or is a key itself, is nothing to write. */
function pairOf({ key, value }: IniEntry): Pair[] {
  if (value === null || KEYS.includes(key)) return [];
  if (FILES.includes(key))
    return isHanded(value) ? [] : [[key, resolve(value)]];
  return [[key, value]];
}

const KEYS = ["authkey", "secret"];
const FILES = ["authkey_file", "secret_file", "file"];

/** One line for each key that does not go into a new file. */
function keyNotes({ flags, keys }: NodeFileOptions): string[] {
  const entriesOf = (sections: readonly IniSection[]) =>
    sections.flatMap(({ entries }) => [...entries.values()]);
  const left: string[] = [];
  for (const { key, value } of entriesOf(flags))
    if (KEYS.includes(key) || isHanded(value ?? ""))
      left.push(`${key.replace("_file", "")} of the command line`);
  for (const { key } of entriesOf(keys)) {
    const name = key.replace("_file", "");
    left.push(
      key === name
        ? `${name} of the variable VNET_${name.toUpperCase()}`
        : `${name} of systemd's credentials`,
    );
  }
  return left.map(
    (what) =>
      `the ${what} is left out: give it to the next start as well, or write ${what.startsWith("secret") ? "secret_file" : "authkey_file"}=FILE into the file`,
  );
}

function alreadyThere(file: string): VnetError {
  return new VnetError(
    "usage",
    `${file} is there already, and stays as it is: name a new file`,
  );
}

/** Whether both lead to one file. */
async function isSame(a: string, b: string): Promise<boolean> {
  const real = (path: string) => realpath(path).catch(() => resolve(path));
  return (await real(a)) === (await real(b));
}

/** @param what stands before what is wrong with a file */
function attempt<T>(act: () => T, what: string): T {
  try {
    return act();
  } catch (cause) {
    if (!(cause instanceof VnetError)) throw cause;
    throw new VnetError(cause.code, `${what}: ${cause.message}`, { cause });
  }
}

function nothingWritten(cause: unknown): never {
  return attempt(() => {
    throw cause;
  }, "nothing is written");
}

async function explained<T>(file: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (cause) {
    if (cause instanceof VnetError) throw cause;
    const { code = "" } = cause as NodeJS.ErrnoException;
    const why = filePathReason(file, code, "write") ?? messageOf(cause);
    throw new VnetError(
      fileErrorCode(cause),
      `${file} cannot be written, and is as it was: ${why}`,
      { cause },
    );
  }
}
