// Figures of a run: what each kind of fault cost, as lines of a table.

import type { Tally, Verdict } from "../support/checked-stream.js";
import type { Outcome } from "./faults.js";

const GB = 1e9;

/** The value that so many hundredths of all do not exceed (nearest rank). */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const rank = Math.ceil((percent / 100) * sorted.length);
  return sorted[Math.max(0, rank - 1)] ?? NaN;
}

export interface Snapshot {
  streams: number;
  bytes: number;
  verdicts: Record<Verdict, number>;
}

export function snapshotOf(tally: Tally): Snapshot {
  const verdicts = { ...tally.client };
  for (const verdict of Object.keys(verdicts) as Verdict[])
    verdicts[verdict] += tally.service[verdict];
  const bytes = tally.bytes.up + tally.bytes.down;
  return { streams: tally.streams, bytes, verdicts };
}

/** What happened with one kind of fault, over all times that it was made. */
export class KindFigures {
  count = 0;
  readonly noticedMs: number[] = [];
  readonly backMs: number[] = [];
  /** the slowest use of each time */
  readonly lastBackMs: number[] = [];
  streams = 0;
  bytes = 0;
  readonly verdicts: Partial<Record<Verdict, number>> = {};

  add(outcome: Outcome, before: Snapshot, after: Snapshot): void {
    this.count++;
    this.noticedMs.push(...outcome.noticedMs);
    this.backMs.push(...outcome.backMs);
    this.lastBackMs.push(Math.max(...outcome.backMs));
    this.streams += after.streams - before.streams;
    this.bytes += after.bytes - before.bytes;
    for (const verdict of Object.keys(after.verdicts) as Verdict[])
      this.verdicts[verdict] =
        (this.verdicts[verdict] ?? 0) +
        after.verdicts[verdict] -
        before.verdicts[verdict];
  }
}

const COLUMNS = [
  "fault",
  "times",
  "noticed p50/max s",
  "back p50/p99/max s",
  "streams",
  "GB",
  "wrong",
  "lost",
  "hung",
  "reset",
  "torn",
];

export function tableOf(kinds: ReadonlyMap<string, KindFigures>): string {
  const rows = [...kinds].map(([name, kind]) => {
    const { noticedMs, backMs, verdicts } = kind;
    const noticed = [percentile(noticedMs, 50), Math.max(...noticedMs)];
    const back = [50, 99, 100].map((percent) => percentile(backMs, percent));
    return [
      name,
      String(kind.count),
      noticedMs.length === 0 ? "-" : noticed.map(seconds).join("/"),
      backMs.length === 0 ? "-" : back.map(seconds).join("/"),
      String(kind.streams),
      (kind.bytes / GB).toFixed(2),
      ...(["wrong", "lost", "hung", "reset", "torn"] as const).map((verdict) =>
        String(verdicts[verdict] ?? 0),
      ),
    ];
  });
  return [COLUMNS, COLUMNS.map(() => "---"), ...rows]
    .map((cells) => `| ${cells.join(" | ")} |`)
    .join("\n");
}

export function seconds(ms: number): string {
  return (ms / 1000).toFixed(2);
}
