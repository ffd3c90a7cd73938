// One line an event on a stream (stderr): time, level, what, who and why. Never the terminal's input line:
// a node with a terminal logs through the terminal's notices instead.

export type LogLevel = "debug" | "info" | "warn" | "error";

export interface Log {
  debug(text: string): void;
  info(text: string): void;
  warn(text: string): void;
  error(text: string): void;
}

const LEVELS: readonly LogLevel[] = ["debug", "info", "warn", "error"];

/** A log that calls `write` with one finished line (no line end) for each event of at least `level`. */
export function createLog(
  write: (line: string) => void,
  level: LogLevel = "info",
): Log {
  const least = LEVELS.indexOf(level);
  const at = (name: LogLevel) => (text: string) => {
    if (LEVELS.indexOf(name) < least) return;
    write(`${new Date().toISOString()} ${name.padEnd(5)} ${text}`);
  };
  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
  };
}

export const silentLog: Log = createLog(() => undefined);
