// Two LANs side by side, which differ in one thing: the terminals of one's hub and node are stopped with Ctrl-S all the
// time. A crowd comes and goes in both. It must not be felt in a stream, nor seen in what the processes keep, and when the
// terminals go on, their screens are whole.

import { setTimeout as sleep } from "node:timers/promises";
import { messageOf } from "../../src/errors.js";
import { Sampler, type Line } from "../soak/sampler.js";
import { startMember } from "../support/lan.js";
import { ScreenLan } from "./lan.js";

/** An echo of the stopped LAN may take so much more than one of the free. */
const MOST_RATIO = 1.2;
/** Shorter runs are not judged by that: too few echoes are slow ones. */
const JUDGED_MINUTES = 5;
/** What a log keeps for a terminal is no more than one, and the rest is for what a heap does by itself. */
const MOST_GROWTH_BYTES = 3 * 1024 * 1024;
/** No echo may take longer, unless one of the free LAN does: the machine is busy then. */
const STALL_MS = 5_000;
const MINUTE_MS = 60_000;
/** Of a whole run, but for their least distance. */
const SAMPLES = 30;
const LEAST_EVERY_MS = 3_000;

export interface Options {
  minutes: number;
  nodes: number;
  say: (line: string) => void;
}

export interface Pings {
  count: number;
  p50: number;
  p99: number;
  longest: number;
}

export interface Growth {
  name: string;
  /** what lives on the heap and beside it after a collection, and what is resident, in bytes */
  kept: { first: number; last: number };
  rss: { first: number; last: number };
}

export interface Report {
  minutes: number;
  nodes: number;
  joins: number;
  leaves: number;
  pings: { stopped: Pings; free: Pings };
  /** of the 99th percentiles, stopped to free */
  ratio: number;
  memory: Growth[];
  /** what the node's screen said of the notices it left out, and the hub's of its log's lines */
  leftOut: string[];
  /** why it did not pass */
  faults: string[];
}

export async function stopped(options: Options): Promise<Report> {
  const { minutes, nodes, say } = options;
  const sampler = new Sampler();
  const env = sampler.env as Record<string, string>;
  const lans: ScreenLan[] = [];
  const faults: string[] = [];
  try {
    const free = await ScreenLan.start("free", env);
    lans.push(free);
    const still = await ScreenLan.start("stopped", env);
    lans.push(still);
    const { hub, office } = still.parts;
    office.type("show ");
    await office.until(/>: show$/m);
    for (const window of [hub, office]) window.stop();
    office.type("vn");
    say(`${nodes} nodes join both LANs`);
    await Promise.all(lans.map((lan) => lan.fill(nodes)));
    for (const lan of lans) lan.begin();
    const measured = lans.flatMap((lan) => lan.measured);
    await sampleFor(minutes * MINUTE_MS, async (atMs) => {
      await sampler.sample(measured);
      say(
        `${(atMs / MINUTE_MS).toFixed(1)} minutes: ${still.joins} joined, ${still.pings.length} echoes`,
      );
    });
    for (const lan of lans) await lan.end();
    const leftOut = await screens(still).catch((error: unknown) => {
      faults.push(messageOf(error));
      return [];
    });
    const report: Report = {
      ...{ minutes, nodes, joins: still.joins, leaves: still.leaves },
      pings: { stopped: pingsOf(still.pings), free: pingsOf(free.pings) },
      ratio: 0,
      memory: sampler.lines.map(growthOf),
      ...{ leftOut, faults },
    };
    report.ratio = report.pings.stopped.p99 / report.pings.free.p99;
    judge(report);
    return report;
  } finally {
    await Promise.allSettled(lans.map((lan) => lan.close()));
    sampler.close();
  }
}

async function sampleFor(
  spanMs: number,
  sample: (atMs: number) => Promise<void>,
): Promise<void> {
  const begin = performance.now();
  const everyMs = Math.max(spanMs / SAMPLES, LEAST_EVERY_MS);
  for (let atMs = 0; ;) {
    await sample(atMs);
    if (atMs >= spanMs) return;
    await sleep(Math.min(everyMs, spanMs - atMs));
    atMs = performance.now() - begin;
  }
}

/** The terminals go on. Resolves to what they say was left out. */
async function screens({ parts }: ScreenLan): Promise<string[]> {
  const { hub, office, port } = parts;
  hub.goOn();
  office.goOn();
  const last = await startMember({ port }, { name: "the-last" });
  await hub.until(/the-last/);
  await office.until(/the-last[^]*>: show vn$/);
  await last.close();
  office.type("et");
  office.press("Enter");
  await office.until(/>: show vnet\n[^]*office[^]*\n>:$/);
  const said = [hub, office].map((window) =>
    /.*(?:were dropped|of this log lost).*/.exec(window.scrollback()),
  );
  return said.flatMap((match) => match?.[0] ?? []);
}

function pingsOf(pings: number[]): Pings {
  const sorted = pings.toSorted((a, b) => a - b);
  const at = (part: number) =>
    sorted[Math.floor((sorted.length - 1) * part)] ?? NaN;
  return {
    ...{ count: sorted.length, p50: at(0.5), p99: at(0.99), longest: at(1) },
  };
}

/** From a tenth of the time on, when all has joined and what is run for the first time was compiled. */
function growthOf({ name, samples }: Line): Growth {
  const begin = Math.floor(samples.length / 10);
  const [early, late] = [samples.slice(begin, begin + 3), samples.slice(-3)];
  const both = (figure: (sample: Line["samples"][number]) => number) => ({
    first: median(early.map(figure)),
    last: median(late.map(figure)),
  });
  return {
    name,
    kept: both(({ heapUsed, code, external }) => heapUsed - code + external),
    rss: both(({ rss }) => rss),
  };
}

function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

function judge(report: Report): void {
  const { faults, pings, ratio, memory, minutes } = report;
  for (const [name, { count }] of Object.entries(pings))
    if (count === 0) faults.push(`${name}: no echo came`);
  const { longest } = pings.stopped;
  if (longest > Math.max(STALL_MS, 2 * pings.free.longest))
    faults.push(`an echo took ${longest.toFixed(0)} ms`);
  if (minutes >= JUDGED_MINUTES && ratio > MOST_RATIO)
    faults.push(`the ratio is ${ratio.toFixed(2)}, allowed is ${MOST_RATIO}`);
  for (const { name, kept } of memory)
    if (kept.last - kept.first > MOST_GROWTH_BYTES)
      faults.push(`${name}: keeps ${mib(kept.last - kept.first)} more`);
}

export function textOf(report: Report): string {
  const { pings, memory, leftOut, faults } = report;
  const lines = [
    `${report.minutes} minutes, ${report.nodes} nodes, ${report.joins} joined and ${report.leaves} left in the LAN whose terminals are stopped`,
    ...Object.entries(pings).map(
      ([name, { count, p50, p99, longest }]) =>
        `${name.padEnd(8)} ${count} echoes: median ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms, longest ${longest.toFixed(0)} ms`,
    ),
    `p99 stopped to free: ${report.ratio.toFixed(2)}`,
    ...memory.map(
      ({ name, kept, rss }) =>
        `${name.padEnd(12)} keeps ${mib(kept.first)} then ${mib(kept.last)}, resident ${mib(rss.first)} then ${mib(rss.last)}`,
    ),
    ...leftOut,
    ...faults.map((fault) => `FAULT ${fault}`),
    faults.length === 0 ? "passed" : "failed",
  ];
  return `${lines.join("\n")}\n`;
}

function mib(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}
