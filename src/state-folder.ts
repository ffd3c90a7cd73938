// Where this machine keeps what belongs to one configuration: keys, the hubs it knows. Each configuration has a folder of
// its own, found by where its file really is and by how it was called, so that neither a move of a link nor another name
// makes it another node.

import {
  existsSync,
  lstatSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { homedir, userInfo } from "node:os";
import { basename, dirname, isAbsolute, join, parse, resolve } from "node:path";
import { fileErrorCode, messageOf, VnetError } from "./errors.js";
import { makeFolders } from "./files/folders.js";
import { readRegularFile } from "./files/regular-file.js";
import { createPrivateFile, isTemporary } from "./files/whole-file.js";
import { digest, type ProgramArguments } from "./program-arguments.js";
import { oneName } from "./one-name.js";
import { holderOf } from "./run-lock.js";

export type StateArguments = Pick<ProgramArguments, "file" | "name" | "state">;

/**
 * Of this configuration, as it was made before or as it is to be.
 * @param setting `state=` of the file; empty: none
 * Throws VnetError `config` where there is no place for it.
 */
export function stateFolder(args: StateArguments, setting: string): string {
  if (args.state !== null) return resolve(args.state);
  if (setting !== "") return resolve(folderOf(args.file), setting);
  return usualFolder(args);
}

/**
 * Makes the folder. One that the file names with `state=` gets the keys that this configuration has had so far: the folder
 * they came from is the result, else null. Throws VnetError `obstacle` while a process still holds the `lock` there.
 */
export async function prepareStateFolder(
  args: StateArguments,
  setting: string,
  lock: string,
): Promise<{ folder: string; adopted: string | null }> {
  const folder = stateFolder(args, setting);
  makeFolder(folder);
  if (args.state !== null) return { folder, adopted: null };
  if (setting === "") {
    linkNames(args, folder);
    return { folder, adopted: null };
  }
  if (hasKeys(folder)) return { folder, adopted: null };
  const former = formerFolder(args);
  if (former === null || former === realpathOf(folder))
    return { folder, adopted: null };
  try {
    await adopt(former, folder, lock);
  } catch (cause) {
    if (cause instanceof VnetError) throw cause;
    throw new VnetError(
      fileErrorCode(cause),
      `${folder}: cannot take over the keys that this configuration has in ${former} (${messageOf(cause)})`,
      { cause },
    );
  }
  return { folder, adopted: former };
}

/** Where this fails, the first key that is to be written says why. */
export function makeFolder(folder: string): void {
  attempt(() => makeFolders(folder, 0o700));
}

function stateHome(): string {
  const home = stateHomeOrNull();
  if (home !== null) return home;
  throw new VnetError(
    "config",
    "there is no folder for the keys, as this user has no home folder; name one with --state FOLDER, or with the variable VNET_STATE",
  );
}

/** Of the terminal, one for all nodes of this user; where there is no such place, in the node's own folder. */
export function historyFile(folder: string): string {
  return join(stateHomeOrNull() ?? folder, "history");
}

function stateHomeOrNull(): string | null {
  const { env } = process;
  // systemd lists several with colons between. An empty variable is an unset one.
  const [systemd = ""] = (env.STATE_DIRECTORY ?? "").split(":");
  if (env.VNET_STATE !== undefined && env.VNET_STATE !== "")
    return resolve(env.VNET_STATE);
  if (isAbsolute(systemd)) return systemd;
  // The XDG specification has a relative one ignored. No variable that is not ours leads into the current folder.
  const base = [env.XDG_STATE_HOME, env.LOCALAPPDATA].find(
    (path) => path !== undefined && isAbsolute(path),
  );
  if (base !== undefined) return join(base, "vnet");
  const home = homeFolder();
  return home === null ? null : join(home, ".local", "state", "vnet");
}

/** Null: this user has none, or `/`, which is none. */
function homeFolder(): string | null {
  for (const ask of [homedir, () => userInfo().homedir]) {
    const home = attempt(ask) ?? "";
    if (!isAbsolute(home)) continue;
    // What has been kept there is not given up.
    const isRoot = home === parse(home).root;
    if (!isRoot || existsSync(join(home, ".local", "state", "vnet")))
      return home;
  }
  return null;
}

/** Under the state home: the one made before under any of the names that lead to this file, or that of its real place. */
function usualFolder(args: StateArguments): string {
  const folders = foldersOf(args);
  return folders.find(isFolder) ?? folders.at(-1) ?? "";
}

/** In the order in which they count. */
function foldersOf({ file, name }: StateArguments): string[] {
  const home = stateHome();
  if (file === null) return [join(home, name)];
  return namesOf(file).map((path) =>
    join(home, `${basename(path)}-${digest(path)}`),
  );
}

/** As it was called, the same with the links of the shell's folder, and its real place, however that is spelled. */
function namesOf(file: string): string[] {
  const named = resolve(file);
  const logical = resolve(shellFolder(), file);
  const real = realpathOf(named);
  return [...new Set([named, logical, real, oneName(real)])];
}

/** The other names lead to this folder from now on, wherever the links on their way will lead. */
function linkNames(args: StateArguments, chosen: string): void {
  for (const folder of foldersOf(args)) {
    if (folder === chosen || isFolder(folder)) continue;
    // A link of ours whose folder was removed.
    if (attempt(() => lstatSync(folder).isSymbolicLink()) === true)
      attempt(() => rmSync(folder));
    const isWindows = process.platform === "win32";
    const target = isWindows ? realpathOf(chosen) : basename(chosen);
    attempt(() => symlinkSync(target, folder, "junction"));
  }
}

/** What sh calls the current folder, links included; without sh, its real path. */
function shellFolder(): string {
  const { PWD = "" } = process.env;
  const [shell, here] = [PWD, "."].map((path) =>
    attempt(() => statSync(path, { bigint: true })),
  );
  const isHere =
    isAbsolute(PWD) &&
    shell !== undefined &&
    shell.ino === here?.ino &&
    shell.dev === here.dev;
  return isHere ? PWD : process.cwd();
}

/** The folder in which the file really is; without a file, the current one. */
export function folderOf(file: string | null): string {
  return file === null ? process.cwd() : dirname(realpathOf(resolve(file)));
}

/** Where the keys were before there was a `state=`, if there are any. */
function formerFolder(args: StateArguments): string | null {
  if (stateHomeOrNull() === null) return null;
  const folder = usualFolder(args);
  return hasKeys(folder) ? realpathOf(folder) : null;
}

/** A copy of each file; what is there already stays, also when two do this at once. */
async function adopt(
  former: string,
  folder: string,
  lock: string,
): Promise<void> {
  const names = readdirSync(former).filter(
    (name) =>
      !isTemporary(name) &&
      statSync(join(former, name), { throwIfNoEntry: false })?.isFile(),
  );
  const pid = holderOf(join(former, lock));
  if (pid !== null)
    throw new VnetError(
      "obstacle",
      `this configuration still runs with its keys in ${former} (pid ${pid}); end that one first`,
    );
  // The keys last: as long as they are missing, all of this is done again.
  const isKey = (name: string) => (KEYS.includes(name) ? 1 : 0);
  names.sort((a, b) => isKey(a) - isKey(b));
  for (const name of names)
    await createPrivateFile(
      join(folder, name),
      readRegularFile(join(former, name)),
    );
}

const KEYS = ["hub.key", "identity.key"];

function hasKeys(folder: string): boolean {
  return KEYS.some((name) => existsSync(join(folder, name)));
}

function isFolder(path: string): boolean {
  // What may not be looked at counts as not there: the first key that is to be read there says why.
  return attempt(() => statSync(path).isDirectory()) === true;
}

function realpathOf(path: string): string {
  return attempt(() => realpathSync(path)) ?? path;
}

function attempt<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch {
    return undefined;
  }
}
