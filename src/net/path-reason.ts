// Why a socket's path cannot be listened on or dialled, a file opened, or a program at a path run: the system's code names
// no part of the path, and libuv reports a missing folder as "not permitted". So the path is looked at, part by part.

import {
  accessSync,
  constants,
  lstatSync,
  statSync,
  type Stats,
} from "node:fs";
import { dirname } from "node:path";
import { isNamedPipe } from "../config/link.js";

/** What is meant by the codes of a socket file where the path itself shows nothing. */
const WORDS: Record<string, string> = {
  ENOENT: "there is no such file or folder",
  ENOTDIR: "a part of its path is no folder",
  ELOOP: "its path has links that lead in a circle",
  EACCES: "not permitted (see the owner and mode of the file and its folder)",
  EPERM: "not permitted",
  EROFS: "the file system is read-only",
  EADDRINUSE: "that file is there already",
  EAGAIN: "too many connections wait there already",
  EPROTOTYPE: "the file is a socket of another kind",
  EINVAL: "its path is not one that a socket can have",
};

/** And of a named pipe of Windows, which is no file. */
const PIPE_WORDS: Record<string, string> = {
  ...WORDS,
  ENOENT:
    "there is no such pipe; what makes it does not run, or calls it otherwise",
  EACCES: "not permitted (whoever made the pipe says who may use it)",
  EADDRINUSE:
    "another program has that pipe already; end it, or take another name",
};

/** Codes that are about the path, and not about who listens there. */
const OF_PATH = new Set(["ENOENT", "ENOTDIR", "EACCES", "EPERM", "ELOOP"]);

interface Failure {
  code: string;
  /** `listen`, `connect` */
  syscall: string;
}

/** Undefined: nothing about the path is known. */
export function socketPathReason(
  path: string,
  { code, syscall }: Failure,
): string | undefined {
  if (isNamedPipe(path)) return PIPE_WORDS[code];
  const isListening = syscall === "listen" || syscall === "bind";
  const seen = isListening
    ? listenObstacle(path, code)
    : dialObstacle(path, code);
  return seen ?? WORDS[code];
}

/** Null: nothing is seen. */
export function programPathReason(path: string, code: string): string | null {
  if (!OF_PATH.has(code)) return null;
  const obstacle = folderObstacle(path);
  if (obstacle !== null) return obstacle;
  const there = lookAt(path);
  if (there === null) return null;
  if (there.isDirectory()) return `${path} is a folder`;
  if (code === "ENOENT")
    return `${path} is there, but not what its first line (#!) or its format needs to run it`;
  return may(path, constants.X_OK)
    ? null
    : `the user who runs this may not run ${path} (chmod +x)`;
}

/** Why a plain file cannot be opened. Null: nothing is seen. */
export function filePathReason(
  path: string,
  code: string,
  use: "read" | "write",
): string | null {
  if (!OF_PATH.has(code) && code !== "EISDIR") return null;
  const folder = dirname(path);
  const isWriting = use === "write";
  const obstacle = folderObstacle(
    path,
    isWriting ? `; make ${folder} first` : "",
  );
  if (obstacle !== null) return obstacle;
  const there = lookAt(path);
  if (there?.isDirectory() === true) return "it is a folder and no file";
  if (there !== null)
    return code === "EACCES"
      ? `the user who runs this may not ${use} it`
      : null;
  if (isLinkFile(path)) return "it is a link to something that is not there";
  if (!isWriting) return "there is no such file";
  return may(folder, constants.W_OK)
    ? null
    : `the user who runs this may not write to folder ${folder}`;
}

function listenObstacle(path: string, code: string): string | null {
  if (!OF_PATH.has(code)) return null;
  const folder = dirname(path);
  return (
    folderObstacle(path, `; make ${folder} first`) ??
    (may(folder, constants.W_OK)
      ? `no socket can be made in folder ${folder}; take another one`
      : `the user who runs this may not write to folder ${folder}`)
  );
}

function dialObstacle(path: string, code: string): string | null {
  if (!OF_PATH.has(code) && code !== "ECONNREFUSED") return null;
  const obstacle = folderObstacle(path);
  if (obstacle !== null) return obstacle;
  const there = lookAt(path);
  if (there === null)
    return isLinkFile(path)
      ? "it is a link to something that is not there"
      : "there is no such file; the service that makes it does not run, or has another path";
  if (there.isDirectory()) return "it is a folder and no socket";
  if (!there.isSocket()) return "it is a file and no socket";
  if (code === "EACCES" && !may(path, constants.W_OK))
    return "the user who runs this may not use it; whoever connects must have the right to write to it";
  return null;
}

/** The first of the path's folders that leads no further; null: each of them does. */
function folderObstacle(path: string, remedy = ""): string | null {
  for (const folder of foldersOf(path)) {
    const there = lookAt(folder);
    if (there === null)
      return isLinkFile(folder)
        ? `folder ${folder} is a link to something that is not there`
        : `there is no folder ${folder}${remedy}`;
    if (!there.isDirectory()) return `${folder} is a file and no folder`;
    if (!may(folder, constants.X_OK))
      return `the user who runs this may not enter folder ${folder}`;
  }
  return null;
}

/** From the root down. */
function foldersOf(path: string): string[] {
  const folder = dirname(path);
  return folder === path ? [folder] : [...foldersOf(folder), folder];
}

/** Null: it is not there, or cannot be looked at. */
function lookAt(path: string): Stats | null {
  try {
    return statSync(path);
  } catch {
    return null;
  }
}

function isLinkFile(path: string): boolean {
  try {
    return lstatSync(path).isSymbolicLink();
  } catch {
    return false;
  }
}

function may(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}
