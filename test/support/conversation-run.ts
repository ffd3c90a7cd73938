// Many conversations in an order made by chance, several at once on lanes that are used again and again.
// The same seed makes the same conversations with the same bytes, each of which can also be held alone.

import type { Conversation } from "./conversation.js";
import type { Held, Lane } from "./lane.js";
import { Random } from "./random.js";

export interface RunOptions {
  /** each of them holds one at a time */
  lanes: readonly Lane[];
  conversations: readonly Conversation[];
  count: number;
  seed: number;
  /** after each, with its number */
  onHeld?: (held: Held, number: number) => void;
}

export interface RunReport {
  held: number;
  /** bytes that arrived, both ways */
  bytes: number;
  ms: number;
  slowest: { name: string; ms: number };
  /** by conversation: how often it was held */
  times: Map<string, number>;
  /** of those with faults; the first 100 */
  complaints: string[];
  failed: number;
}

/** Which conversation is the one of this number, and the chance for it. */
export function choose(
  conversations: readonly Conversation[],
  seed: number,
  number: number,
): { conversation: Conversation; random: Random } {
  const random = new Random((seed ^ Math.imul(number, 0x9e37_79b1)) >>> 0);
  const at = random.between(0, conversations.length - 1);
  return { conversation: conversations[at]!, random };
}

export async function runConversations(
  options: RunOptions,
): Promise<RunReport> {
  const { lanes, conversations, count, seed } = options;
  const report: RunReport = {
    ...{ held: 0, bytes: 0, ms: 0, failed: 0, complaints: [] },
    ...{ slowest: { name: "", ms: 0 }, times: new Map() },
  };
  const begin = performance.now();
  let next = 0;
  const use = async (lane: Lane): Promise<void> => {
    while (next < count) {
      const number = next++;
      const { conversation, random } = choose(conversations, seed, number);
      const held = await lane.hold(conversation, random);
      note(report, conversation, held, `number ${number} of seed ${seed}`);
      options.onHeld?.(held, number);
    }
  };
  await Promise.all(lanes.map(use));
  report.ms = performance.now() - begin;
  return report;
}

function note(
  report: RunReport,
  { name }: Conversation,
  { observed, faults, ms }: Held,
  which: string,
): void {
  report.held++;
  report.times.set(name, (report.times.get(name) ?? 0) + 1);
  for (const seen of [observed.client, observed.service])
    report.bytes += seen?.bytes ?? 0;
  if (ms > report.slowest.ms) report.slowest = { name, ms };
  if (faults.length === 0) return;
  report.failed++;
  if (report.complaints.length < 100)
    report.complaints.push(`${which}, "${name}": ${faults.join("; ")}`);
}
