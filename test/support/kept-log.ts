// A log that keeps what it is told, for tests that ask what was logged.

import type { Log, LogLevel } from "../../src/log.js";

export class KeptLog implements Log {
  readonly lines: { level: LogLevel; text: string }[] = [];

  debug(text: string): void {
    this.lines.push({ level: "debug", text });
  }

  info(text: string): void {
    this.lines.push({ level: "info", text });
  }

  warn(text: string): void {
    this.lines.push({ level: "warn", text });
  }

  error(text: string): void {
    this.lines.push({ level: "error", text });
  }

  /** The texts of at least `info`. */
  get texts(): string[] {
    return this.lines
      .filter(({ level }) => level !== "debug")
      .map(({ text }) => text);
  }
}
