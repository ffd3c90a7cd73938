// What came of a campaign, as text for people: one line each.

import type { CampaignResult } from "./campaign.js";
import type { NamedSizes } from "./watch.js";

export function reportLine(result: CampaignResult): string {
  const {
    target,
    seed,
    inputs,
    connections,
    missed,
    seconds,
    checks,
    slowestMs,
  } = result;
  const rate = Math.round(inputs / Math.max(seconds, 0.001));
  const sizes = result.first.map(
    (first, index) => `${first.name} ${change(first, result.last[index])}`,
  );
  const verdict = result.fault === null ? "held" : `FAILED: ${result.fault}`;
  return [
    `${target}: ${inputs} inputs on ${connections - missed} connections (seed ${seed}, ${seconds.toFixed(1)} s, ${rate}/s)`,
    `${checks} healthy echoes, the slowest ${Math.round(slowestMs)} ms`,
    ...sizes,
    verdict,
  ].join("; ");
}

function change(first: NamedSizes, last: NamedSizes | undefined): string {
  const mib = (bytes: number) => Math.round(bytes / 1024 / 1024);
  if (last === undefined) return "gone";
  return `RSS ${mib(first.residentBytes)}→${mib(last.residentBytes)} MiB, fds ${first.descriptors}→${last.descriptors}`;
}
