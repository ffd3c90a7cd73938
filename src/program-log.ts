// Where the programs' log goes: standard error, or the end of a file. A log that cannot be written never stops the program.

import { closeSync, constants, fstatSync, openSync, statSync } from "node:fs";
import { resolve } from "node:path";
import type { pino } from "pino";
import type { LogSettings } from "./config/config.js";
import { formatPlace } from "./config/problem.js";
import { count } from "./count.js";
import { fileErrorCode, messageOf, VnetError } from "./errors.js";
import { createLog, type Log } from "./log.js";
import { BoundedLog } from "./net/bounded-log.js";
import { filePathReason } from "./net/path-reason.js";

/** The options for it. */
export const LOG_FLAGS = {
  "log-level": { section: "log", key: "level" },
  "log-format": { section: "log", key: "format" },
  "log-file": { section: "log", key: "file" },
} as const;

/** What a full disk, or a reader of standard error who does not read, holds up; beyond that lines are lost. */
const MAX_HELD_BYTES = 1024 * 1024;

export interface ProgramLog extends Log {
  /** Looks whether its file is still the one of that name, and opens that anew. */
  reopen(): void;
}

/**
 * Lines are written before the call returns, so that the last one before a crash is there, but for a standard error that is a pipe: that
 * one holds nobody up. A file is opened to append, so it can be cut while it is written; one that was renamed or removed
 * is opened anew with the next line.
 * @param title of the configuration, for messages
 */
export async function openLog(
  settings: LogSettings,
  title: string,
): Promise<ProgramLog> {
  if (settings.file === "")
    return {
      ...(await logToStandardError(settings)),
      reopen: () => undefined,
    };
  const file = await LogFile.open(settings.file, title);
  return {
    ...(await createLog(settings, file)),
    reopen: () => {
      file.follow();
    },
  };
}

/** For a node's notices: others can make things happen as often as they like. */
export function boundNotices(log: Log): Log {
  return new BoundedLog({
    ...{ log, perSecond: 10, burst: 2_000 },
    sum: (n) => `${count(n, "more event")} left out`,
  });
}

async function logToStandardError(settings: LogSettings): Promise<Log> {
  const { stderr } = process;
  let lost = 0;
  const log = await createLog(settings, {
    write: (line) => {
      if (stderr.writableLength >= MAX_HELD_BYTES) {
        lost++;
        return;
      }
      const before = lost;
      lost = 0;
      if (before > 0)
        log.warn(
          `${count(before, "line")} of this log lost, as nobody read them`,
        );
      stderr.write(line);
    },
  });
  return log;
}

/** The end of a file, wherever that one of this name is. */
class LogFile {
  private constructor(
    private readonly path: string,
    private readonly file: ReturnType<typeof pino.destination>,
  ) {
    file.on("error", (error) => {
      if (!this.isLost) this.complain(`written: ${messageOf(error)}`);
      this.isLost = true;
    });
    file.on("drain", () => {
      this.isLost = false;
    });
  }

  /** That it cannot be written, or opened anew, was said. */
  private isLost = false;
  private isAstray = false;

  /** Throws VnetError `config` where it cannot be opened, `obstacle` where that may pass. */
  static async open(path: string, title: string): Promise<LogFile> {
    const { pino } = await import("pino");
    try {
      tryToOpen(path);
      return new LogFile(
        path,
        pino.destination({ dest: path, sync: true, maxLength: MAX_HELD_BYTES }),
      );
    } catch (cause) {
      // A folder that is not there may be on a disk that comes later.
      const { code = "" } = cause as NodeJS.ErrnoException;
      const isMissing = code === "ENOENT";
      const why = filePathReason(resolve(path), code, "write");
      throw new VnetError(
        isMissing ? "obstacle" : fileErrorCode(cause),
        formatPlace(
          title,
          { section: "log", key: "file" },
          `cannot write ${path}: ${why === null ? messageOf(cause) : `${why} (${code})`}`,
        ),
        { cause },
      );
    }
  }

  write(line: string): void {
    this.follow();
    this.file.write(line);
  }

  /** Opens the file of this name where the open one has another name by now, or none. */
  follow(): void {
    if (!this.isElsewhere()) return;
    try {
      // Tried first, as a failure inside of `reopen` would be kept there.
      tryToOpen(this.path);
      this.file.reopen();
      this.isAstray = false;
    } catch (error) {
      if (!this.isAstray) this.complain(`opened anew: ${messageOf(error)}`);
      this.isAstray = true;
    }
  }

  private isElsewhere(): boolean {
    const { fd } = this.file as unknown as { fd: number };
    try {
      const open = fstatSync(fd, { bigint: true });
      const named = statSync(this.path, {
        bigint: true,
        throwIfNoEntry: false,
      });
      return named?.ino !== open.ino || named.dev !== open.dev;
    } catch {
      // It cannot be said, so it stays.
      return false;
    }
  }

  private complain(what: string): void {
    process.stderr.write(
      `the log ${this.path} cannot be ${what}; it goes on when it can\n`,
    );
  }
}

/** Throws where it cannot be opened, and where that would wait: at a named pipe that nobody reads. */
function tryToOpen(path: string): void {
  const { O_WRONLY, O_APPEND, O_CREAT } = constants;
  // Not there on Windows.
  const { O_NONBLOCK = 0 } = constants as Partial<typeof constants>;
  try {
    const flags = O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK;
    closeSync(openSync(path, flags, 0o666));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENXIO") throw error;
    throw new Error("it is a pipe that nobody reads", { cause: error });
  }
}
