// What a log is told, and how a line of it looks: one line an event with time, level, what, who and why, as text or JSON.
// Written by pino to whatever it is given. Never the terminal's input line: see program-log.ts.

import type { DestinationStream } from "pino";
import { printable } from "./printable.js";

export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export const LOG_FORMATS = ["text", "json"] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

/** Reads as a sentence: who, what, and behind a colon why. */
export interface LogEvent {
  /** the node, serve, use or connection that it is about */
  who?: string;
  what: string;
  why?: string;
}

/** A text alone is what happened. */
export interface Log {
  debug(event: LogEvent | string): void;
  info(event: LogEvent | string): void;
  warn(event: LogEvent | string): void;
  error(event: LogEvent | string): void;
}

export interface LogOptions {
  /** the least that is written */
  level: LogLevel;
  format: LogFormat;
}

/** `vnet 01 (home) left: the link broke` */
export function textOf({ who, what, why }: LogEvent): string {
  const sentence = who === undefined ? what : `${who} ${what}`;
  return why === undefined ? sentence : `${sentence}: ${why}`;
}

/** A log that writes finished lines, line end included. */
export async function createLog(
  { level, format }: LogOptions,
  destination: DestinationStream,
): Promise<Log> {
  // Not every start logs, and it takes longer to load than all the rest of the bottom layers.
  const { pino } = await import("pino");
  const logger = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      ...(format === "text" && { hooks: { streamWrite: lineOf } }),
    },
    destination,
  );
  const at = (name: LogLevel) => (event: LogEvent | string) => {
    const { who, what, why } = eventOf(event);
    logger[name]({ who, what, why });
  };
  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
  };
}

export const silentLog: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

export function eventOf(event: LogEvent | string): LogEvent {
  return typeof event === "string" ? { what: event } : event;
}

/** The JSON of one event → its line of text. */
function lineOf(json: string): string {
  const event = JSON.parse(json) as LogEvent & { time: string; level: string };
  return `${event.time} ${event.level.padEnd(5)} ${printable(textOf(event))}\n`;
}
