// A configuration file on disk → its text. Owned by whoever starts or reloads
// a program; reads regular files only, so that it never waits on a pipe.

import { open } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { constants } from "node:fs";
import { resolve } from "node:path";
import { fileErrorCode, messageOf, VnetError } from "../errors.js";
import { isUtf16, OTHER_ENCODINGS, REPLACEMENT, strictText } from "../utf8.js";
import { CONFIG_BYTES_MAX, NOT_UTF8 } from "./ini.js";

/** What the programs read where no file is named. */
const USUAL_FILE = "config.ini";
const NO_USUAL_FILE =
  "; name one, write one with init, or do without by --route (vnet) or --port (route)";

/** The whole text, at most 1 MiB, all of it UTF-8. Throws VnetError `config`, one line that begins with the path. */
export function readConfigFile(path: string): Promise<string> {
  return readFile(path, decode);
}

/** The same for parseIni, which decides where other bytes may stand: they are NOT_UTF8 in the text. */
export function readIniFile(path: string): Promise<string> {
  return readFile(path, decodeIni, path === USUAL_FILE ? NO_USUAL_FILE : "");
}

/** The bytes themselves, which iniText makes a text of. */
export function readIniBytes(path: string): Promise<Buffer> {
  return readFile(path, (_path, bytes) => bytes);
}

/** What readIniFile makes of these bytes. Throws as it does. */
export function iniText(path: string, bytes: Buffer): string {
  return decodeIni(resolve(path), bytes);
}

async function readFile<T>(
  given: string,
  decode: (path: string, bytes: Buffer) => T,
  absent = "",
): Promise<T> {
  // A message about the whole file says where that was looked for.
  const path = resolve(given);
  let file: FileHandle | undefined;
  try {
    // Without O_NONBLOCK opening a named pipe that nobody writes to never returns.
    // (Windows knows neither the flag nor such pipes.)
    const nonBlocking = constants.O_NONBLOCK as number | undefined;
    file = await open(path, constants.O_RDONLY | (nonBlocking ?? 0));
    const stats = await file.stat();
    if (stats.isDirectory())
      throw failure(path, "is a directory; name the file inside it");
    if (!stats.isFile())
      throw failure(path, "is not a regular file; name a file of text");
    return decode(path, await readUpTo(file, CONFIG_BYTES_MAX + 1));
  } catch (error) {
    throw error instanceof VnetError ? error : unreadable(path, error, absent);
  } finally {
    await file?.close();
  }
}

async function readUpTo(file: FileHandle, bytes: number): Promise<Buffer> {
  const buffer = Buffer.alloc(bytes);
  let length = 0;
  while (length < bytes) {
    const { bytesRead } = await file.read(buffer, length, bytes - length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return buffer.subarray(0, length);
}

function decode(path: string, bytes: Buffer): string {
  refuseBinary(path, bytes, /\0/);
  const text = strictText(bytes);
  if (text !== null) return text;
  throw failure(
    path,
    `is not text in UTF-8 (line ${badLine(bytes)}; ${OTHER_ENCODINGS}); save it as UTF-8`,
  );
}

function decodeIni(path: string, bytes: Buffer): string {
  // Comments may hold any bytes.
  refuseBinary(path, bytes, /^[^;#\r\n]*\0/m);
  const text = strictText(bytes);
  if (text !== null) return text;
  const lines: string[] = [];
  for (const line of linesOf(bytes))
    lines.push(
      strictText(line) ??
        new TextDecoder().decode(line).replaceAll(REPLACEMENT, NOT_UTF8),
    );
  return lines.join("\n");
}

/** @param binary what a text in bytes does not have; also what UTF-16 without its mark has */
function refuseBinary(path: string, bytes: Buffer, binary: RegExp): void {
  if (bytes.length > CONFIG_BYTES_MAX)
    throw failure(path, "is larger than 1 MiB; is it a configuration file?");
  if (isUtf16(bytes)) throw failure(path, "is UTF-16 text; save it as UTF-8");
  if (binary.test(bytes.toString("latin1")))
    throw failure(path, "is not text in UTF-8; save it as UTF-8");
}

/** A line end is never part of another character: not in UTF-8, and not in GBK, Big5 or CP949. */
function* linesOf(bytes: Buffer): Generator<Buffer> {
  for (let start = 0; ;) {
    const end = bytes.indexOf(0x0a, start);
    yield bytes.subarray(start, end < 0 ? bytes.length : end);
    if (end < 0) return;
    start = end + 1;
  }
}

/** The first line that is not UTF-8. */
function badLine(bytes: Buffer): number {
  let line = 0;
  for (const part of linesOf(bytes)) {
    line += 1;
    if (strictText(part) === null) break;
  }
  return line;
}

/** @param absent what to do where it is not there */
function unreadable(path: string, error: unknown, absent: string): VnetError {
  const code =
    error instanceof Error && "code" in error ? error.code : undefined;
  switch (code) {
    case "ENOENT":
    case "ENOTDIR":
      return failure(path, `no such file${absent}`, error);
    case "EISDIR":
      return failure(path, "is a directory; name the file inside it", error);
    case "EACCES":
    case "EPERM":
      return failure(
        path,
        "may not be read by this user; change its permissions",
        error,
      );
    default:
      return new VnetError(
        fileErrorCode(error),
        `${path}: cannot be read: ${messageOf(error)}`,
        { cause: error },
      );
  }
}

function failure(path: string, text: string, cause?: unknown): VnetError {
  return new VnetError("config", `${path}: ${text}`, { cause });
}
