// The file of a listening Unix socket: a stale one is replaced, a live one and anything else is left alone, and at the
// end it goes only if it is still ours. Named pipes of Windows have no file; they go by themselves.

import { randomBytes } from "node:crypto";
import { lstatSync, renameSync, unlinkSync, type Stats } from "node:fs";
import type net from "node:net";
import { isNamedPipe } from "../config/link.js";
import { VnetError } from "../errors.js";
import { connectFile } from "./connect.js";

const PROBE_TIMEOUT_MS = 1_000;

export class SocketFile {
  private constructor(
    private readonly path: string,
    /** null: there is no file */
    private readonly made: Stats | null,
  ) {}

  /**
   * Calls `listen` once, or a second time after a stale file has been removed. Rejects with what `listen` rejects with,
   * or with VnetError `network` that says what stands in the way.
   */
  static async claim(
    path: string,
    listen: () => Promise<void>,
  ): Promise<SocketFile> {
    try {
      await listen();
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== "EADDRINUSE" || isNamedPipe(path)) throw error;
      await removeStale(path);
      await listen();
    }
    return new SocketFile(path, statOf(path));
  }

  /**
   * Closes the server. That removes whatever file is at its path (libuv does), so one that somebody else has put there
   * meanwhile is set aside for the moment.
   */
  closeServer(server: net.Server): void {
    const { path, made } = this;
    const now = statOf(path);
    if (now === null || made === null || isSame(now, made)) {
      server.close();
      return;
    }
    const aside = `${path}.${randomBytes(4).toString("hex")}`;
    try {
      renameSync(path, aside);
    } catch {
      // Where we may not rename we may not remove either.
      server.close();
      return;
    }
    server.close();
    renameSync(aside, path);
  }
}

async function removeStale(path: string): Promise<void> {
  const before = statOf(path);
  if (before === null) return;
  if (before.isDirectory())
    throw new VnetError("network", "that is a folder; name a file in it");
  if (!before.isSocket())
    throw new VnetError(
      "network",
      "that file is there already and is no socket; remove it, or take another path",
    );
  try {
    (await connectFile(path, PROBE_TIMEOUT_MS)).destroy();
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT") return;
    if (code !== "ECONNREFUSED") throw cause;
    // Somebody else may have been as quick.
    const now = statOf(path);
    if (now !== null && isSame(now, before)) remove(path);
    return;
  }
  throw new VnetError(
    "network",
    "another program listens there already; end it, or take another path",
  );
}

function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch (cause) {
    throw new VnetError(
      "network",
      "what listened there has ended and left its file, which the user who runs this may not remove; remove it, or take another path",
      { cause },
    );
  }
}

function statOf(path: string): Stats | null {
  if (isNamedPipe(path)) return null;
  return lstatSync(path, { throwIfNoEntry: false }) ?? null;
}

function isSame(a: Stats, b: Stats): boolean {
  return a.dev === b.dev && a.ino === b.ino;
}
