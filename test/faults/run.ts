// `npm run faults`: makes faults happen to a ring of real processes under checked load, in an order that the seed
// decides, and prints what came of it. Exit status 1 when a promise was not kept.

import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { closeLaunched } from "../support/launch.js";
import type { Tally } from "../support/checked-stream.js";
import { Random } from "../support/random.js";
import { FAULTS, HUB_KILLED, PACE, type Fault } from "./faults.js";
import {
  KindFigures,
  percentile,
  seconds,
  snapshotOf,
  tableOf,
} from "./figures.js";
import { Ring } from "./ring.js";

/** What is promised. */
const BACK_MS = 3_000;
const NOTICED_MS = 15_000;
const STATIC_ID_MS = 2_000;

const SETTLE_MS = 90_000;
const SILENCE_MS = 45_000;

const OPTIONS = {
  kills: { type: "string", default: "30" },
  nodes: { type: "string", default: "50" },
  gigabytes: { type: "string", default: "50" },
  streams: { type: "string", default: "100000" },
  rounds: { type: "string", default: "3" },
  relays: { type: "string", default: "8" },
  concurrency: { type: "string", default: "24" },
  only: { type: "string", default: "" },
  seed: { type: "string", default: "1" },
} as const;

const HELP = `npm run faults -- [options]: real processes, checked load, faults at random moments
  --kills N         kill -9 of the hub so often (30)
  --rounds N        every other fault so often (3)
  --nodes N         ./vnet processes (50), of which --relays N (8) reach the hub over a bad line
  --gigabytes N, --streams N   the load goes on until there were so many (50, 100000)
  --concurrency N   streams at the same time (24)
  --only WORDS      only faults whose names contain that
  --seed N          the same order of the same faults (1)`;

const say = (text: string) => process.stderr.write(`${text}\n`);

class Run {
  readonly kinds = new Map<string, KindFigures>();
  readonly problems: string[] = [];

  constructor(
    private readonly ring: Ring,
    private readonly random: Random,
  ) {}

  async make(fault: Fault): Promise<void> {
    const { ring, random } = this;
    await sleep(random.between(0, 3_000));
    const before = snapshotOf(ring.tally);
    const outcome = await fault.run(ring, PACE);
    let kind = this.kinds.get(fault.name);
    if (kind === undefined)
      this.kinds.set(fault.name, (kind = new KindFigures()));
    kind.add(outcome, before, snapshotOf(ring.tally));
    await this.expectTruth(fault);
    const back = seconds(Math.max(...outcome.backMs));
    const noticed = outcome.noticedMs.map(seconds).join(", ");
    const gigabytes = (snapshotOf(ring.tally).bytes / 1e9).toFixed(1);
    say(
      `${fault.name}: noticed ${noticed || "-"} s, back ${back} s; ${ring.tally.streams} streams, ${gigabytes} GB`,
    );
  }

  /** Some nodes' answers, as soon as things are settled. */
  private async expectTruth({ name }: Fault): Promise<void> {
    const { ring } = this;
    const among = [ring.pick(), ring.pick(), ring.pick()];
    let untruths: string[] = [];
    for (let attempt = 0; attempt < 10; attempt++) {
      untruths = await ring.untruths(among);
      if (untruths.length === 0) return;
      await sleep(300);
    }
    this.problems.push(...untruths.map((text) => `after ${name}: ${text}`));
  }

  async expectSettled(idle: number[]): Promise<void> {
    const end = performance.now() + SETTLE_MS;
    for (;;) {
      const { descriptors, busy } = await this.ring.leftovers();
      const more = descriptors.filter((count, at) => count > (idle[at] ?? 0));
      if (busy.length === 0 && more.length === 0) return;
      if (performance.now() > end) {
        this.problems.push(
          `left over: ${busy.join("; ")}; descriptors ${descriptors.join(" ")}, idle ${idle.join(" ")}`,
        );
        return;
      }
      await sleep(2_000);
    }
  }

  judge(): void {
    const { tally, probes } = this.ring;
    for (const verdict of ["wrong", "lost", "hung"] as const)
      if (
        tally.count(verdict) +
          (verdict === "hung" ? 0 : probes.count(verdict)) >
        0
      )
        this.problems.push(
          `${verdict}: ${tally.count(verdict)} streams, ${probes.count(verdict)} probes`,
        );
    this.problems.push(
      ...tally.complaints,
      ...probes.complaints.filter((text) => !text.includes("hung")),
    );
    const killed = this.kinds.get(HUB_KILLED.name);
    if (killed !== undefined) {
      const p99 = percentile(killed.lastBackMs, 99);
      say(
        `hub killed ${killed.count} times: the slowest use answered after p50 ${seconds(percentile(killed.lastBackMs, 50))} s, p99 ${seconds(p99)} s`,
      );
      if (p99 > BACK_MS)
        this.problems.push(
          `hub killed: back only after ${seconds(p99)} s (p99)`,
        );
    }
    for (const [name, { noticedMs, backMs }] of this.kinds) {
      const slowest = Math.max(...noticedMs);
      if (slowest > NOTICED_MS)
        this.problems.push(`${name}: noticed only after ${seconds(slowest)} s`);
      if (name.includes("replaced") && Math.max(...backMs) > STATIC_ID_MS)
        this.problems.push(
          `${name}: the static id was back only after ${seconds(Math.max(...backMs))} s`,
        );
    }
  }
}

export async function main(args: string[]): Promise<number> {
  if (args.includes("--help")) {
    console.log(HELP);
    return 0;
  }
  const { values } = parseArgs({ args, options: OPTIONS });
  const number = (key: Exclude<keyof typeof values, "only">) =>
    Number(values[key]);
  const random = new Random(number("seed"));
  const schedule = Array.from({ length: number("kills") }, () => HUB_KILLED);
  for (let round = 0; round < number("rounds"); round++)
    schedule.push(...FAULTS);
  const chosen = shuffled(schedule, random).filter(({ name }) =>
    name.includes(values.only),
  );
  const nodes = number("nodes");
  say(`starting ${nodes} nodes …`);
  const ring = await Ring.start({
    nodes,
    relays: Math.min(number("relays"), nodes),
    random,
    streams: number("concurrency"),
    silenceMs: SILENCE_MS,
  });
  const run = new Run(ring, random);
  const began = performance.now();
  try {
    const { descriptors } = await ring.leftovers();
    ring.beginLoad();
    for (const fault of chosen) await run.make(fault);
    const enough = () =>
      wholeBytes(ring.tally) >= number("gigabytes") * 1e9 &&
      ring.tally.client.whole >= number("streams");
    while (!enough()) await sleep(500);
    say("ending the load …");
    await ring.endLoad();
    await run.expectSettled(descriptors);
    run.problems.push(...(await ring.untruths(ring.seats)));
  } catch (error) {
    run.problems.push(
      error instanceof Error ? (error.stack ?? error.message) : String(error),
    );
  }
  run.judge();
  const { tally } = ring;
  const total = snapshotOf(tally);
  console.log(tableOf(run.kinds));
  console.log(
    `\nIn all ${total.streams} streams and ${(total.bytes / 1e9).toFixed(1)} GB in ${seconds(performance.now() - began)} s, seed ${values.seed}: ` +
      Object.entries(total.verdicts)
        .map(([verdict, count]) => `${verdict} ${count}`)
        .join(", ") +
      `; ended with FINs, whole: ${tally.client.whole} streams and ${(wholeBytes(tally) / 1e9).toFixed(1)} GB; longest silence in a stream that ended whole ${seconds(tally.longestWaitMs)} s. Ends of both sides are counted.`,
  );
  for (const problem of run.problems) console.log(`PROBLEM: ${problem}`);
  await Promise.all([ring.endLoad(), ring.close()]).catch(() => undefined);
  await closeLaunched();
  return run.problems.length === 0 ? 0 : 1;
}

/** Of streams that ended with FINs, both ways. */
function wholeBytes({ wholeBytes }: Tally): number {
  return wholeBytes.up + wholeBytes.down;
}

function shuffled<T>(items: readonly T[], random: Random): T[] {
  const left = [...items];
  const order: T[] = [];
  while (left.length > 0)
    order.push(...left.splice(random.between(0, left.length - 1), 1));
  return order;
}
