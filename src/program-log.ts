// Where the programs' log goes: standard error, or the end of a file. A log that cannot be written never stops the program.

import { closeSync, constants, fstatSync, openSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { Writable } from "node:stream";
import type { pino } from "pino";
import type { LogSettings } from "./config/config.js";
import { formatPlace } from "./config/problem.js";
import { count } from "./count.js";
import { fileErrorCode, messageOf, VnetError } from "./errors.js";
import { createLog, type Log } from "./log.js";
import { BoundedLog } from "./net/bounded-log.js";
import { filePathReason } from "./net/path-reason.js";
import { patientOutput } from "./screen/tty-output.js";

/** The options for it. */
export const LOG_FLAGS = {
  "log-level": { section: "log", key: "level" },
  "log-format": { section: "log", key: "format" },
  "log-file": { section: "log", key: "file" },
} as const;

/** What a full disk, or a reader who does not read, holds up; beyond that lines are lost. */
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
  const { stderr } = process;
  const file =
    settings.file === "" ? stderr : await openLogFile(settings.file, title);
  if (file instanceof Writable)
    return { ...(await logToStream(settings, file)), reopen: () => undefined };
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

async function logToStream(
  settings: LogSettings,
  output: Writable,
): Promise<Log> {
  let lost = 0;
  const log = await createLog(settings, {
    write: (line) => {
      if (output.writableLength >= MAX_HELD_BYTES) {
        lost++;
        return;
      }
      const before = lost;
      lost = 0;
      if (before > 0)
        log.warn(
          `${count(before, "line")} of this log lost, as nobody read them`,
        );
      output.write(line);
    },
  });
  return log;
}

/** The end of a file, wherever that one of this name is. */
class LogFile {
  constructor(
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

  write(line: string): void {
    this.follow();
    this.file.write(line);
  }

  /** Opens the file of this name where the open one has another name by now, or none. */
  follow(): void {
    if (!this.isElsewhere()) return;
    try {
      // Tried first, as a failure inside of `reopen` would be kept there.
      closeSync(tryToOpen(this.path));
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
    complain(this.path, what);
  }
}

/**
 * A stream where it is no file but a pipe, a terminal or a device. Throws VnetError `config` where it cannot be opened,
 * `obstacle` where that may pass.
 */
async function openLogFile(
  path: string,
  title: string,
): Promise<LogFile | Writable> {
  const { pino } = await import("pino");
  try {
    const fd = tryToOpen(path);
    if (!fstatSync(fd).isFile()) return openDevice(path, fd);
    closeSync(fd);
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

/** As standard error, it may take nothing for hours. */
function openDevice(path: string, fd: number): Writable {
  let isLost = false;
  return patientOutput(fd, (error) => {
    if (error !== null && !isLost) complain(path, `written: ${error.message}`);
    isLost = error !== null;
  });
}

function complain(path: string, what: string): void {
  process.stderr.write(
    `the log ${path} cannot be ${what}; it goes on when it can\n`,
  );
}

/** Throws where it cannot be opened, and where that would wait: at a named pipe that nobody reads. */
function tryToOpen(path: string): number {
  const { O_WRONLY, O_APPEND, O_CREAT } = constants;
  // Not there on Windows.
  const { O_NONBLOCK = 0, O_NOCTTY = 0 } = constants as Partial<
    typeof constants
  >;
  try {
    const flags = O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_NOCTTY;
    return openSync(path, flags, 0o666);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENXIO") throw error;
    throw new Error("it is a pipe that nobody reads", { cause: error });
  }
}
