// The soak as a whole: two LANs of real programs, everything that users and faults do, and what is to be said of it.
// Run by `npm run soak`. Ends everything that it started.

import { Tally } from "../support/checked-stream.js";
import { closeLaunched } from "../support/launch.js";
import { reservePort } from "../support/ports.js";
import { run } from "./course.js";
import { happeningsOf, roughHappenings } from "./happenings.js";
import { Mix, type Act } from "./mix.js";
import { streamsOf, type Report } from "./report.js";
import { RoughLan } from "./rough-lan.js";
import { Sampler } from "./sampler.js";
import { Services } from "./services.js";
import { SteadyLan } from "./steady-lan.js";
import { Unrest } from "./unrest.js";
import { breakOffAct, burstAct, fill, streamAct, usersOf } from "./users.js";
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

export async function soak(options: SoakOptions): Promise<Report> {
  const sampler = new Sampler();
  const close: (() => Promise<void>)[] = [];
  try {
    return await soakWith(options, sampler, close);
  } finally {
    await closeLaunched();
    for (const each of close.reverse()) await each();
    sampler.close();
  }
}

async function soakWith(
  { minutes, seed, workers, snapshots, say }: SoakOptions,
  sampler: Sampler,
  close: (() => Promise<void>)[],
): Promise<Report> {
  const steadyTally = new Tally();
  const roughTally = new Tally();
  const unrest = new Unrest();
  const { killedSince } = unrest;
  const services = await Services.start({ tally: steadyTally });
  close.push(() => services.close());
  const others = await Services.start({ tally: roughTally, killedSince });
  close.push(() => others.close());
  say("starting two LANs");
  const [lan, rough] = await Promise.all([
    SteadyLan.start(sampler, services, workers),
    RoughLan.start(sampler, others, unrest),
  ]);
  close.push(() => lan.close());

  const spare: number[] = [];
  while (spare.length < 4) spare.push(await reservePort());
  const acts: Act[] = [
    ...lan.doors.map((door) => streamAct(door, steadyTally)),
    // Channels that a burst has left go after half a minute only.
    ...(minutes < 1
      ? []
      : lan.doors.map((door) => burstAct(door, steadyTally))),
    ...lan.doors.map((door) => breakOffAct(door)),
    lan.lanes.act("encrypted", lan.unrest),
    lan.plainLanes.act("plain", lan.unrest),
    ...usersOf(lan),
    streamAct(rough.door, roughTally),
    ...happeningsOf(lan, spare),
    ...roughHappenings(rough),
  ];
  const spanMs = minutes * MINUTE_MS;
  const mix = new Mix(acts, { seed, workers, spanMs, say });
  const { warmMs, descriptors } = await run({
    warmUp: async () => {
      if (minutes >= 1) await fill(lan.doors, steadyTally);
    },
    ...{ lan, rough, mix, sampler, spanMs, snapshots, say },
  });

  const isSteady = ({ name }: { name: string }) => name in descriptors;
  const steady = Object.fromEntries(
    sampler.lines
      .filter(isSteady)
      .map((line) => [line.name, growthOf(line, warmMs)]),
  );
  const lives: Record<string, number> = {};
  for (const line of sampler.lines)
    if (!isSteady(line)) lives[line.name] = (lives[line.name] ?? 0) + 1;
  const tally = new Tally();
  tally.add(steadyTally);
  tally.add(roughTally);
  const faults = [
    ...mix.faults,
    ...tally.complaints,
    ...Object.entries(descriptors)
      .filter(([, { start, end }]) => end > start)
      .map(
        ([name, { start, end }]) =>
          `${name}: ${start} descriptors became ${end}`,
      ),
    ...Object.entries(steady).flatMap(([name, growth]) =>
      minutes < JUDGED_MINUTES ? [] : leaksOf(name, growth),
    ),
  ];
  return {
    ...{ seed, minutes, steady, lives, descriptors, faults },
    streams: streamsOf(tally),
    deeds: Object.fromEntries(mix.deeds),
    lines: sampler.lines,
  };
}
