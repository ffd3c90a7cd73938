// Where the programs' log goes: standard error, or the end of a file. A log that cannot be written never stops the program.

import type { pino } from "pino";
import type { LogSettings } from "./config/config.js";
import { formatPlace } from "./config/problem.js";
import { count } from "./count.js";
import { fileErrorCode, messageOf, VnetError } from "./errors.js";
import { createLog, type Log } from "./log.js";
import { BoundedLog } from "./net/bounded-log.js";

type LogFile = ReturnType<typeof pino.destination>;

/** The options for it. */
export const LOG_FLAGS = {
  "log-level": { section: "log", key: "level" },
  "log-format": { section: "log", key: "format" },
  "log-file": { section: "log", key: "file" },
} as const;

/** What a full disk, or a reader of standard error who does not read, holds up; beyond that lines are lost. */
const MAX_HELD_BYTES = 1024 * 1024;

/**
 * Lines are written before the call returns, so that the last one before a crash is there, but for a standard error that is a pipe: that
 * one holds nobody up. A file is opened to append, so it can be cut or copied while it is written.
 * @param title of the configuration, for messages
 */
export async function openLog(
  settings: LogSettings,
  title: string,
): Promise<Log> {
  if (settings.file === "") return logToStandardError(settings);
  return createLog(settings, await openFile(settings.file, title));
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

/** Throws VnetError `config` where it cannot be opened, `obstacle` where that may pass. */
async function openFile(path: string, title: string): Promise<LogFile> {
  const { pino } = await import("pino");
  let file: LogFile;
  try {
    file = pino.destination({
      dest: path,
      sync: true,
      maxLength: MAX_HELD_BYTES,
    });
  } catch (cause) {
    // A folder that is not there may be on a disk that comes later.
    const isMissing = (cause as NodeJS.ErrnoException).code === "ENOENT";
    throw new VnetError(
      isMissing ? "obstacle" : fileErrorCode(cause),
      formatPlace(
        title,
        { section: "log", key: "file" },
        `cannot write ${path}: ${messageOf(cause)}`,
      ),
      { cause },
    );
  }
  let isTold = false;
  file.on("error", (error) => {
    if (isTold) return;
    isTold = true;
    process.stderr.write(
      `the log ${path} cannot be written: ${messageOf(error)}; it goes on when it can be\n`,
    );
  });
  file.on("drain", () => {
    isTold = false;
  });
  return file;
}
