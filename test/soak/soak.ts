// The soak as a whole: two LANs of real programs, everything that users and faults do, samples at quiet moments, a report.
// Run by `npm run soak`. Ends everything that it started.

import { setTimeout as sleep } from "node:timers/promises";
import { Tally } from "../support/checked-stream.js";
import { closeLaunched } from "../support/launch.js";
import { reservePort } from "../support/ports.js";
import { happeningsOf, roughHappenings } from "./happenings.js";
import { Mix, type Act } from "./mix.js";
import { streamsOf, type Report } from "./report.js";
import { RoughLan } from "./rough-lan.js";
import { descriptorsOf, Sampler } from "./sampler.js";
import { Services } from "./services.js";
import { SteadyLan } from "./steady-lan.js";
import { Unrest } from "./unrest.js";
import { breakOffAct, burstAct, streamAct, usersOf } from "./users.js";
import { growthOf, JUDGED_MINUTES, leaksOf } from "./verdict.js";

export interface SoakOptions {
  minutes: number;
  seed: number;
  /** how many things users do at the same time */
  workers: number;
  /** a folder for heap snapshots of each steady process, after the warm-up and at the end */
  snapshots: string | null;
  say: (line: string) => void;
}

const MINUTE_MS = 60_000;
/** Samples of a whole soak, but for their least and greatest distance. */
const SAMPLES = 80;
const LEAST_EVERY_MS = 3_000;
const MOST_EVERY_MS = 20_000;
/** Nothing happens so long before a sample; shorter in short soaks. */
const QUIET_MS = 1_000;
/** Idle channels beyond what is kept go in that time: five looks of the pool, and some more. */
const SETTLE_MS = 45_000;

export async function soak(options: SoakOptions): Promise<Report> {
  const sampler = new Sampler();
  const close: (() => Promise<void>)[] = [];
  try {
    return await run(options, sampler, close);
  } finally {
    await closeLaunched();
    for (const each of close.reverse()) await each();
    sampler.close();
  }
}

async function run(
  { minutes, seed, workers, snapshots, say }: SoakOptions,
  sampler: Sampler,
  close: (() => Promise<void>)[],
): Promise<Report> {
  const tally = new Tally();
  const roughTally = new Tally();
  const services = await Services.start({ tally });
  close.push(() => services.close());
  const roughUnrest = new Unrest();
  const roughServices = await Services.start({
    tally: roughTally,
    killedSince: roughUnrest.killedSince,
  });
  close.push(() => roughServices.close());
  say("starting two LANs");
  const [lan, rough] = await Promise.all([
    SteadyLan.start(sampler, services, workers),
    RoughLan.start(sampler, roughServices, roughUnrest),
  ]);
  close.push(() => lan.close());

  const spare: number[] = [];
  while (spare.length < 4) spare.push(await reservePort());
  const acts: Act[] = [
    ...lan.doors.map((door) => streamAct(door, tally)),
    // Channels that a burst has left go after half a minute only.
    ...(minutes < 1 ? [] : lan.doors.map((door) => burstAct(door, tally))),
    ...lan.doors.map((door) => breakOffAct(door)),
    lan.lanes.act("encrypted", lan.unrest),
    lan.plainLanes.act("plain", lan.unrest),
    ...usersOf(lan),
    streamAct(rough.door, roughTally),
    ...happeningsOf(lan, spare),
    ...roughHappenings(rough),
  ];
  const spanMs = minutes * MINUTE_MS;
  const mix = new Mix(acts, seed, { workers, spanMs });
  const everyMs = Math.min(
    Math.max(spanMs / SAMPLES, LEAST_EVERY_MS),
    MOST_EVERY_MS,
  );
  const quietMs = Math.min(QUIET_MS, everyMs / 5);

  const start = descriptors(lan);
  const sample = async () => {
    services.forget();
    roughServices.forget();
    await sleep(quietMs);
    const measured = [...lan.measured, ...rough.measured];
    await sampler.sample(measured, await lan.channels());
  };
  await sample();
  const beginMs = sampler.ageMs;
  const warmMs = beginMs + spanMs / 3;
  const endMs = beginMs + spanMs;
  let isWarm = false;
  let told = 0;
  while (sampler.ageMs < endMs) {
    mix.resume();
    await sleep(Math.min(everyMs, endMs - sampler.ageMs));
    await mix.hold();
    await sample();
    if (!isWarm && sampler.ageMs > warmMs) {
      isWarm = true;
      await snapshot("warm");
    }
    const minute = Math.floor((sampler.ageMs - beginMs) / MINUTE_MS);
    if (minute > told)
      say(
        `${minute} minutes: ${tally.streams + roughTally.streams} streams, ${mix.failed} failures`,
      );
    told = minute;
  }
  await mix.end();
  await snapshot("end");
  say("waiting until idle channels are gone");
  const end = await settled(lan, start);

  const faults = [...mix.faults];
  for (const [name, { start: before, end: after }] of Object.entries(end))
    if (after > before)
      faults.push(`${name}: ${before} descriptors became ${after}`);
  for (const { complaints } of [tally, roughTally]) faults.push(...complaints);
  const steady = Object.fromEntries(
    sampler.lines
      .filter(({ name }) => name in start)
      .map((line) => [line.name, growthOf(line, warmMs)]),
  );
  if (minutes >= JUDGED_MINUTES)
    for (const [name, growth] of Object.entries(steady))
      faults.push(...leaksOf(name, growth));
  const lives: Record<string, number> = {};
  for (const { name } of sampler.lines)
    if (!(name in start)) lives[name] = (lives[name] ?? 0) + 1;
  const both = new Tally();
  both.add(tally);
  both.add(roughTally);
  return {
    ...{ seed, minutes, steady, lives, faults },
    descriptors: end,
    streams: streamsOf(both),
    deeds: Object.fromEntries(mix.deeds),
    lines: sampler.lines,
  };

  async function snapshot(when: string): Promise<void> {
    if (snapshots === null) return;
    for (const each of lan.measured)
      await sampler.snapshot(
        each,
        `${snapshots}/${each.name}-${when}.heapsnapshot`,
      );
  }
}

function descriptors(lan: SteadyLan): Record<string, number> {
  return Object.fromEntries(
    lan.measured.map(({ name, program }) => [name, descriptorsOf(program.pid)]),
  );
}

/** The steady LAN's descriptors when no process has more than at the start, or when there was time enough for that. */
async function settled(
  lan: SteadyLan,
  start: Record<string, number>,
): Promise<Report["descriptors"]> {
  for (const endMs = performance.now() + SETTLE_MS; ;) {
    const now = descriptors(lan);
    const isBack = Object.entries(now).every(
      ([name, count]) => count <= (start[name] ?? 0),
    );
    if (isBack || performance.now() > endMs)
      return Object.fromEntries(
        Object.entries(now).map(([name, count]) => [
          name,
          { start: start[name] ?? 0, end: count },
        ]),
      );
    await sleep(200);
  }
}
