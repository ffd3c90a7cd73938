// How this program was called, so that what it tells people to type is what works where they are: `./vnet`, `vnet`,
// `node vnet`, `npx vnet`, a path to another folder.

import { existsSync, realpathSync } from "node:fs";
import {
  basename,
  delimiter,
  dirname,
  join,
  relative,
  resolve,
  sep,
} from "node:path";

export interface Call {
  /** the absolute path of what runs */
  script: string;
  cwd: string;
  /** PATH */
  path: string;
  /** its launcher was not run by sh, but read by Node: `node vnet` */
  byNode: boolean;
  /** on Windows: a `vnet.cmd` lies beside it, which a name without an ending runs */
  hasCmd: boolean;
}

/** As a shell takes it. `program`: the one that runs, or its sister, which lies beside it. */
export function callOf(program: "vnet" | "route", call: Call): string {
  const { script, cwd, path, byNode, hasCmd } = call;
  const own = basename(script);
  const name = ["vnet", "route"].includes(own) ? program : own;
  const folder = dirname(script);
  if (folder.endsWith(join("node_modules", ".bin"))) return `npx ${name}`;
  const near = nearPath(join(folder, name), cwd);
  const isOnPath = path
    .split(delimiter)
    .some((each) => each !== "" && isSame(resolve(cwd, each), folder));
  // For cmd and for PowerShell, which want another thing each in front of a path between quotes.
  if (hasCmd && quote(near) !== near) return `node "${near}"`;
  if (byNode && !hasCmd) return `node ${quote(near.replace(/^\.[\\/]/, ""))}`;
  return isOnPath ? quote(name) : quote(near);
}

/** `callOf` of this process. */
export function called(program: "vnet" | "route"): string {
  const { argv, execArgv, env, platform } = process;
  const script = argv[1] ?? program;
  return callOf(program, {
    script,
    hasCmd: platform === "win32" && existsSync(`${script}.cmd`),
    cwd: process.cwd(),
    path: env.PATH ?? "",
    byNode: !execArgv.some((each) => each.startsWith("--max-semi-space-size")),
  });
}

/** What accepts a key beside this process: `… trust NAME`, with the file or the folder of the keys that it runs with. */
export function trustCall(
  program: string,
  { file, state }: { file: string | null; state: string | null },
  folder: string,
): (name: string) => string {
  const words = [
    ...(file === null || file === "config.ini" ? [] : [file]),
    ...(state === null && file !== null ? [] : ["--state", state ?? folder]),
  ];
  return (name) => [program, "trust", ...[name, ...words].map(word)].join(" ");
}

/** For cmd and PowerShell between quotes that both know. */
function word(text: string): string {
  const isWindows = process.platform === "win32";
  return isWindows && quote(text) !== text ? `"${text}"` : quote(text);
}

/** Relative where that is short: down from here, or from the folder above, if neither is the root. */
function nearPath(file: string, cwd: string): string {
  const above = dirname(cwd);
  const isRoot = (folder: string) => folder === dirname(folder);
  if (isBelow(file, cwd) && !isRoot(cwd))
    return `.${sep}${relative(cwd, file)}`;
  const isNear = isBelow(file, above) && !isRoot(above);
  return isNear ? relative(cwd, file) : file;
}

function isBelow(file: string, folder: string): boolean {
  return file.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}

function isSame(one: string, other: string): boolean {
  if (one === other) return true;
  try {
    return existsSync(one) && realpathSync(one) === realpathSync(other);
  } catch {
    return false;
  }
}

function quote(path: string): string {
  return /^[\w@%+:,./\\-]+$/.test(path)
    ? path
    : `'${path.replaceAll("'", "'\\''")}'`;
}
