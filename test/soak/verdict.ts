// What the samples of one process mean: how fast each figure grows after the warm-up, and whether that is too fast.

import type { Line, Sample } from "./sampler.js";
import { slopeOf, type Slope } from "./slope.js";

/** Bytes an hour: more is a leak. */
export const LIMIT_PER_HOUR = 1_000_000;
/** Shorter runs are not judged by their slopes. */
export const JUDGED_MINUTES = 10;

/** What is looked at, each as a number of a sample. */
export const FIGURES: Record<string, (sample: Sample) => number> = {
  rss: ({ rss }) => rss,
  "rss in use": ({ rss, spare }) => rss - spare,
  // What is compiled is no leak: there is only so much source.
  kept: ({ heapUsed, code, external }) => heapUsed - code + external,
  heap: ({ heapUsed }) => heapUsed,
  code: ({ code }) => code,
  external: ({ external }) => external,
  descriptors: ({ descriptors }) => descriptors,
  "without channels": ({ descriptors, channels }) =>
    descriptors - (channels ?? 0),
  timers: ({ timers }) => timers,
  sockets: ({ sockets }) => sockets,
};

/** Those in bytes. */
export const MEMORY = ["rss", "rss in use", "kept", "heap", "code", "external"];

export interface Growth {
  first: number;
  last: number;
  slope: Slope | null;
}

/**
 * Each figure of the line; slopes from that moment on. What the idle channels of a moment cost, as the samples themselves
 * tell, is not counted in the slopes of memory: they come and go with the load.
 */
export function growthOf(line: Line, fromMs: number): Record<string, Growth> {
  const settled = line.samples.filter(({ at }) => at >= fromMs);
  const growth: Record<string, Growth> = {};
  const [first] = line.samples;
  const last = line.samples.at(-1);
  if (first === undefined || last === undefined) return growth;
  for (const [name, figure] of Object.entries(FIGURES))
    growth[name] = {
      first: figure(first),
      last: figure(last),
      slope: slopeOf(
        MEMORY.includes(name)
          ? withoutChannels(settled, figure)
          : settled.map((sample) => [sample.at, figure(sample)]),
      ),
    };
  return growth;
}

function withoutChannels(
  samples: readonly Sample[],
  figure: (sample: Sample) => number,
): [number, number][] {
  const costs: number[] = [];
  for (const [at, later] of samples.entries()) {
    const earlier = samples[at - 1];
    const more = (later.channels ?? 0) - (earlier?.channels ?? 0);
    if (earlier === undefined || Math.abs(more) < 3) continue;
    costs.push((figure(later) - figure(earlier)) / more);
  }
  costs.sort((a, b) => a - b);
  const cost = Math.max(0, costs[Math.floor(costs.length / 2)] ?? 0);
  return samples.map((sample) => [
    sample.at,
    figure(sample) - cost * (sample.channels ?? 0),
  ]);
}

/** What grows too fast, in words; @param growth of a process that lived all the time. */
export function leaksOf(
  name: string,
  growth: Record<string, Growth>,
): string[] {
  const leaks: string[] = [];
  for (const figure of ["kept", "rss in use", "rss"]) {
    const slope = growth[figure]?.slope;
    if (slope == null || slope.perHour < LIMIT_PER_HOUR) continue;
    // Where what is kept may as well be falling, noise is all that was seen. The resident memory is noisier: compiled code and
    // the gaps between allocations are in it, so there the whole range has to be beyond the limit.
    if (slope.low < (figure === "kept" ? 0 : LIMIT_PER_HOUR)) continue;
    const range = `${megabytes(slope.low)} to ${megabytes(slope.high)}`;
    leaks.push(
      `${name}: ${figure} grows by ${megabytes(slope.perHour)} MB an hour (95 %: ${range})`,
    );
  }
  const descriptors = growth["without channels"]?.slope;
  if (descriptors != null && descriptors.low > 0)
    leaks.push(
      `${name}: descriptors grow by ${descriptors.perHour.toFixed(1)} an hour, channels not counted`,
    );
  return leaks;
}

export function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(2);
}
