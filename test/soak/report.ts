// What a soak tells at its end: a table of the processes, what was done, and what should not have been; as text and as JSON.

import type { Verdict } from "../support/checked-stream.js";
import type { Tally } from "../support/checked-stream.js";
import type { Deeds } from "./mix.js";
import type { Line } from "./sampler.js";
import { FIGURES, MEMORY, megabytes, type Growth } from "./verdict.js";

export interface Report {
  seed: number;
  minutes: number;
  /** of the processes that lived all the time */
  steady: Record<string, Record<string, Growth>>;
  /** how many processes had that name */
  lives: Record<string, number>;
  descriptors: Record<string, { start: number; end: number }>;
  streams: {
    client: Record<Verdict, number>;
    service: Record<Verdict, number>;
    bytes: number;
    longestWaitMs: number;
  };
  deeds: Record<string, Deeds>;
  /** what should not have been, in words; empty: the soak passed */
  faults: string[];
  lines: Line[];
}

export function streamsOf(tally: Tally): Report["streams"] {
  const { client, service, bytes, longestWaitMs } = tally;
  return { client, service, bytes: bytes.up + bytes.down, longestWaitMs };
}

export function textOf(report: Report): string {
  const { streams } = report;
  const ends = (verdict: Verdict) =>
    streams.client[verdict] + streams.service[verdict];
  const broken = (["reset", "refused", "torn"] as const)
    .map((verdict) => `${streams.client[verdict]} ${verdict}`)
    .join(", ");
  return [
    `soak of ${report.minutes} minutes, seed ${report.seed}; slopes an hour of the second half, median of all pairs (95 % range)`,
    "",
    ...Object.entries(report.steady).flatMap(([name, growth]) => [
      name,
      table(growth),
      "",
    ]),
    `lives of the other processes: ${listing(report.lives)}`,
    "",
    `streams checked byte by byte: ${streams.client.whole} whole, ${(streams.bytes / 1e9).toFixed(2)} GB; broken with a cause: ${broken}`,
    `wrong ${ends("wrong")}, lost ${ends("lost")}, hung ${ends("hung")}; longest wait within a whole stream ${Math.round(streams.longestWaitMs)} ms`,
    "",
    columns([
      ["", "done", "excused", "failed"],
      ...Object.entries(report.deeds).map(
        ([name, { done, excused, failed }]) => [name, done, excused, failed],
      ),
    ]),
    "",
    ...(report.faults.length === 0
      ? ["passed"]
      : ["FAILED", ...report.faults.map((text) => `- ${text}`)]),
    "",
  ].join("\n");
}

function table(growth: Record<string, Growth>): string {
  const rows = Object.keys(FIGURES).map((figure) => {
    const { first, last, slope } = growth[figure] ?? EMPTY;
    const inBytes = MEMORY.includes(figure);
    const say = (value: number) =>
      inBytes ? megabytes(value) : String(Math.round(value * 10) / 10);
    const range =
      slope === null ? "" : `(${say(slope.low)} to ${say(slope.high)})`;
    return [
      ...[`  ${figure}${inBytes ? ", MB" : ""}`, say(first), say(last)],
      ...[slope === null ? "" : say(slope.perHour), range],
    ];
  });
  return columns([["", "first", "last", "slope", ""], ...rows]);
}

const EMPTY: Growth = { first: NaN, last: NaN, slope: null };

function listing(counts: Record<string, number>): string {
  const each = Object.entries(counts).map(([name, n]) => `${name} ${n}`);
  return each.join(", ") || "none";
}

/** The first column is flush left, the others flush right. */
function columns(rows: (string | number)[][]): string {
  const cells = rows.map((row) => row.map(String));
  const width = (at: number) =>
    Math.max(...cells.map((row) => row[at]?.length ?? 0));
  return cells
    .map((row) =>
      row
        .map((cell, at) =>
          at === 0 ? cell.padEnd(width(0)) : cell.padStart(width(at)),
        )
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
