// A log that keeps what it is told, for tests that ask what was logged.

import {
  eventOf,
  textOf,
  type Log,
  type LogEvent,
  type LogLevel,
} from "../../src/log.js";

export class KeptLog implements Log {
  readonly lines: { level: LogLevel; text: string }[] = [];

  debug(event: LogEvent | string): void {
    this.keep("debug", event);
  }

  info(event: LogEvent | string): void {
    this.keep("info", event);
  }

  warn(event: LogEvent | string): void {
    this.keep("warn", event);
  }

  error(event: LogEvent | string): void {
    this.keep("error", event);
  }

  private keep(level: LogLevel, event: LogEvent | string): void {
    this.lines.push({ level, text: textOf(eventOf(event)) });
  }

  /** The texts of at least `info`. */
  get texts(): string[] {
    return this.lines
      .filter(({ level }) => level !== "debug")
      .map(({ text }) => text);
  }
}
