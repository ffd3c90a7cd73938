// Keys that the programs are given beside the configuration's text: in files, variables and systemd's credentials; and who
// else could read or change such a file. Uses `process` as the programs do.

import {
  closeSync,
  constants,
  existsSync,
  openSync,
  readSync,
  statSync,
  type Stats,
} from "node:fs";
import { isAbsolute, join, resolve } from "node:path";
import { sectionsFromFlags, type Flag } from "./config/flags.js";
import type { IniSection } from "./config/ini.js";
import type { ReadKey } from "./config/key-files.js";
import { isLink } from "./config/link.js";
import { SECRET } from "./config/value.js";
import type { NodeConfig } from "./config/config.js";
import { fileErrorCode, messageOf, VnetError } from "./errors.js";
import { openRegularFile } from "./files/regular-file.js";
import { filePathReason } from "./net/path-reason.js";
import { folderOf } from "./state-folder.js";
import { OTHER_ENCODINGS, strictText } from "./utf8.js";

const MAX_BYTES = 4_096;

/** What the shell hands over with `<(…)`, or as standard input: it can be read once only. */
const HANDED = /^\/(?:dev|proc\/self)\/(?:fd\/\d+|stdin)$/;
const handed = new Map<string, string>();

export function isHanded(path: string): boolean {
  return HANDED.test(path);
}

/** @param warnings gets a line for each file that others can read */
export function keyReader(file: string | null, warnings: string[]): ReadKey {
  return (path, line) => {
    if (isHanded(path)) {
      const text = handed.get(path) ?? readHanded(path);
      handed.set(path, text);
      return text;
    }
    // On the command line a path is the shell's.
    const place = resolve(line === 0 ? process.cwd() : folderOf(file), path);
    const { text, stats } = explained(place, () => readSmallFile(place));
    if (isOpen(stats, 0o077))
      warnings.push(
        `${place} holds a key and can be read by others; make it yours alone: chmod 600 ${place}`,
      );
    return text.trim();
  };
}

function explained<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    const { code = "" } = cause as NodeJS.ErrnoException;
    const why = filePathReason(path, code, "read");
    if (why === null) throw cause;
    throw new Error(`${why} (${code})`, { cause });
  }
}

function readSmallFile(path: string): { text: string; stats: Stats } {
  const { fd, stats } = openRegularFile(path, constants.O_RDONLY);
  try {
    return { text: readKey(fd), stats };
  } finally {
    closeSync(fd);
  }
}

function readHanded(path: string): string {
  const fd = openSync(path, "r");
  try {
    return readKey(fd).trim();
  } finally {
    closeSync(fd);
  }
}

/** No more than a key can have, whatever it comes from. */
function readKey(fd: number): string {
  const buffer = Buffer.alloc(MAX_BYTES + 1);
  let length = 0;
  for (let read = -1; read !== 0 && length <= MAX_BYTES; length += read)
    read = readSync(fd, buffer, length, buffer.length - length, null);
  if (length > MAX_BYTES) throw new Error("it is too large for a key");
  const text = strictText(buffer.subarray(0, length));
  if (text !== null) return text;
  throw new Error(
    `it is not text in UTF-8 (${OTHER_ENCODINGS}); save it as UTF-8`,
  );
}

/**
 * What the environment says of the keys, as sections; weaker than the command line, stronger than the file. The variables
 * are removed: programs of `exec:` need not know. Throws VnetError `config`.
 */
export function keysFromEnvironment(program: "route" | "vnet"): IniSection[] {
  const flags: Flag[] = [];
  const { CREDENTIALS_DIRECTORY: credentials = "" } = process.env;
  for (const [name, section, key] of [
    ["VNET_AUTHKEY", "route", "authkey"],
    ["VNET_SECRET", "vnet", "secret"],
  ] as const) {
    const value = process.env[name] ?? "";
    Reflect.deleteProperty(process.env, name);
    // The group's secret is not the hub's business.
    if (program === "route" && section === "vnet") continue;
    const path = join(credentials, key);
    if (value !== "") {
      if (SECRET.parse(value) === undefined)
        throw new VnetError(
          "config",
          `${name}: found something else, allowed ${SECRET.allowed}`,
        );
      flags.push({ name, target: { section, key }, value });
    } else if (isAbsolute(credentials) && existsSync(path))
      flags.push({
        name,
        target: { section, key: `${key}_file` },
        value: path,
      });
  }
  return sectionsFromFlags(flags);
}

/** Warnings about keys that stand on the command line; and `ps` shows them no longer. */
export function commandLineKeys(flags: readonly IniSection[]): string[] {
  const keys = flags.flatMap(({ entries }) =>
    ["authkey", "secret"].flatMap((key) => entries.get(key) ?? []),
  );
  if (keys.length === 0) return [];
  const values = keys.map(({ value }) => value ?? "");
  const hidden = [process.title, ...process.argv.slice(1)].map((word) =>
    values.reduce((text, value) => text.replace(value, "…"), word),
  );
  process.title = hidden.join(" ");
  return keys.map(
    ({ key }) =>
      `--${key} stands on the command line, where others can read it (ps, the shell's history); use --${key}-file FILE or the variable VNET_${key.toUpperCase()}`,
  );
}

/**
 * A file that names programs to run is a program itself. Throws VnetError `config` where everybody can change it; the
 * result are warnings about those who can.
 */
export function programsWarnings(
  file: string | null,
  { route, serves }: NodeConfig,
): string[] {
  const runs = [route, ...serves].some(
    ({ ip }) => isLink(ip) && ip.startsWith("exec:"),
  );
  if (file === null || !runs || process.platform === "win32") return [];
  // One that is still to be written will be this user's alone.
  const stats = statSync(file, { throwIfNoEntry: false });
  const folder = folderOf(file);
  const what = "has exec: in it, and so runs programs as this user";
  for (const [path, each] of [
    [file, stats],
    [folder, statSync(folder)],
  ] as const)
    if (each !== undefined && isOpen(each, 0o002))
      throw new VnetError(
        "config",
        `${file}: ${what}, but everybody can change ${path === file ? "it" : "the files in its folder"}: chmod o-w ${path}`,
      );
  if (stats === undefined) return [];
  const warnings: string[] = [];
  if (isOpen(stats, 0o020))
    warnings.push(
      `${file} ${what}, but its group can change it: chmod g-w ${file}`,
    );
  if (!isOurs(stats))
    warnings.push(
      `${file} ${what}, but belongs to another user (uid ${stats.uid}), who can change it`,
    );
  return warnings;
}

/** What a state folder holds. */
export const KEY_FILES = [
  ...["hub.key", "public.key", "authkey", "identity.key"],
  ...["known_hubs", "known-nodes"],
];

/** Throws VnetError `config` where another user could put a key of his own in place of one of these. */
export function checkKeyFiles(folder: string, names: readonly string[]): void {
  if (process.platform === "win32") return;
  const around = statsOf(folder);
  if (around === undefined) return;
  if (isOpen(around, 0o022))
    throw new VnetError(
      "config",
      `${folder}: others can put files into this folder of keys; make it yours alone: chmod go-w ${folder}`,
    );
  // Root runs with folders of others where they are mounted into a container.
  if (process.getuid?.() !== 0 && !isOurs(around))
    throw notOurs(folder, around, "this folder of keys");
  for (const name of names) {
    const path = join(folder, name);
    const stats = statsOf(path);
    if (stats !== undefined && !isOurs(stats))
      throw notOurs(path, stats, "this key file");
  }
}

/** Undefined: it is not there. Throws VnetError where that cannot be known. */
function statsOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (cause) {
    throw new VnetError(
      fileErrorCode(cause),
      `${path}: cannot see whose it is (${messageOf(cause)}); it must be of the user who runs this, or name another folder with --state`,
      { cause },
    );
  }
}

function notOurs(path: string, { uid }: Stats, what: string): VnetError {
  return new VnetError(
    "config",
    `${path}: ${what} belongs to another user (uid ${uid}), who can change it; chown it to the user who runs this, or name another folder with --state`,
  );
}

function isOurs({ uid }: Stats): boolean {
  return uid === 0 || uid === process.getuid?.();
}

/** Whether one of these bits is set. In a folder that is sticky, as /tmp, nobody can replace another's file. */
function isOpen(stats: Stats, bits: number): boolean {
  if (process.platform === "win32") return false;
  const isSticky = stats.isDirectory() && (stats.mode & 0o1000) !== 0;
  return !isSticky && (stats.mode & bits) !== 0;
}
