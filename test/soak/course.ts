// The course of a soak: the mix runs, is held, all processes are sampled in the quiet, and so on until the time is over.
// At the end it waits until the steady processes have no more descriptors than at the begin.

import { setTimeout as sleep } from "node:timers/promises";
import type { Mix } from "./mix.js";
import type { RoughLan } from "./rough-lan.js";
import { descriptorsOf, type Measured, type Sampler } from "./sampler.js";
import type { SteadyLan } from "./steady-lan.js";

/** Samples of a whole soak, but for their least and greatest distance. */
const SAMPLES = 80;
const LEAST_EVERY_MS = 3_000;
const MOST_EVERY_MS = 20_000;
/** Nothing happens so long before a sample; shorter in short soaks. */
const QUIET_MS = 1_000;
/** Idle channels beyond what is kept go in that time: five looks of the pool, and some more. */
const SETTLE_MS = 45_000;
const MINUTE_MS = 60_000;

export interface CourseOptions {
  lan: SteadyLan;
  rough: RoughLan;
  mix: Mix;
  sampler: Sampler;
  spanMs: number;
  /** what is done before anything else, so that it does not look like growth later */
  warmUp: () => Promise<void>;
  /** a folder for heap snapshots */
  snapshots: string | null;
  say: (line: string) => void;
}

export interface Course {
  /** by the sampler's clock; slopes count from then on */
  warmMs: number;
  /** of the steady processes, by name */
  descriptors: Record<string, { start: number; end: number }>;
}

export async function run(options: CourseOptions): Promise<Course> {
  const { lan, rough, mix, sampler, spanMs, say } = options;
  const everyMs = Math.min(
    Math.max(spanMs / SAMPLES, LEAST_EVERY_MS),
    MOST_EVERY_MS,
  );
  const sample = async () => {
    const ended = endedOf([...lan.measured, ...rough.measured]);
    if (ended.length > 0) throw new Error(ended.join("\n"));
    for (const { services } of [lan, rough]) services.forget();
    await sleep(Math.min(QUIET_MS, everyMs / 5));
    const measured = [...lan.measured, ...rough.measured];
    await sampler.sample(measured, await lan.channels());
  };
  const snapshot = async (when: string) => {
    if (options.snapshots === null) return;
    for (const each of lan.measured) {
      const file = `${options.snapshots}/${each.name}-${when}.heapsnapshot`;
      await sampler.snapshot(each, file);
    }
  };

  const start = descriptors(lan);
  await sample();
  const beginMs = sampler.ageMs;
  await options.warmUp();
  const warmMs = beginMs + spanMs / 2;
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
    const minutes = Math.floor((sampler.ageMs - beginMs) / MINUTE_MS);
    if (minutes > told) say(`${minutes} minutes: ${mix.summary}`);
    told = minutes;
  }
  await mix.end();
  await snapshot("end");
  say("waiting until idle channels are gone");
  return { warmMs, descriptors: await settled(lan, start) };
}

/** Nobody ends but by a blow, and then another one is in its place. */
function endedOf(measured: readonly Measured[]): string[] {
  return measured
    .filter(({ program }) => !program.running)
    .map(
      ({ name, program: { exit, lines } }) =>
        `${name} ended by itself (${exit?.status ?? exit?.signal}):\n${lines.slice(-30).join("\n")}`,
    );
}

function descriptors(lan: SteadyLan): Record<string, number> {
  return Object.fromEntries(
    lan.measured.map(({ name, program }) => [name, descriptorsOf(program.pid)]),
  );
}

/** Resolves when no process has more than at the start, or when there was time enough for that. */
async function settled(
  lan: SteadyLan,
  start: Record<string, number>,
): Promise<Course["descriptors"]> {
  for (const endMs = performance.now() + SETTLE_MS; ;) {
    const now = Object.entries(descriptors(lan)).map(
      ([name, end]) => [name, { start: start[name] ?? 0, end }] as const,
    );
    const isBack = now.every(([, { start, end }]) => end <= start);
    if (isBack || performance.now() > endMs) return Object.fromEntries(now);
    await sleep(200);
  }
}
