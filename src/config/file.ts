// A configuration file on disk → its text. Owned by whoever starts or reloads
// a program; reads regular files only, so that it never waits on a pipe.

import { open } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { constants } from "node:fs";
import { fileErrorCode, messageOf, VnetError } from "../errors.js";
import { CONFIG_BYTES_MAX } from "./ini.js";

/** The whole text, at most 1 MiB. Throws VnetError `config`, one line that begins with the path. */
export async function readConfigFile(path: string): Promise<string> {
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
    throw error instanceof VnetError ? error : unreadable(path, error);
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
  if (bytes.length > CONFIG_BYTES_MAX)
    throw failure(path, "is larger than 1 MiB; is it a configuration file?");
  const [first, second] = bytes;
  if (
    (first === 0xff && second === 0xfe) ||
    (first === 0xfe && second === 0xff)
  )
    throw failure(path, "is UTF-16 text; save it as UTF-8");
  // UTF-16 without its mark decodes as UTF-8 full of NULs.
  if (bytes.includes(0))
    throw failure(path, "is not text in UTF-8; save it as UTF-8");
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    const text = `is not text in UTF-8 (line ${badLine(bytes)}; GBK perhaps?); save it as UTF-8`;
    throw failure(path, text, cause);
  }
}

/** The first line that is not UTF-8. A line end is never part of another character in UTF-8. */
function badLine(bytes: Buffer): number {
  let start = 0;
  for (let line = 1; ; line += 1) {
    const end = bytes.indexOf(0x0a, start);
    try {
      const part = bytes.subarray(start, end < 0 ? bytes.length : end);
      new TextDecoder("utf-8", { fatal: true }).decode(part);
    } catch {
      return line;
    }
    if (end < 0) return line;
    start = end + 1;
  }
}

function unreadable(path: string, error: unknown): VnetError {
  const code =
    error instanceof Error && "code" in error ? error.code : undefined;
  switch (code) {
    case "ENOENT":
    case "ENOTDIR":
      return failure(
        path,
        "no such file; name one, write one with init, or do without by --route (vnet) or --port (route)",
        error,
      );
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
