// One target under attack: many connections at once, each with a script made from the seed and its own number, until
// there were enough inputs, the time is over, or something did not hold. What was under way then can be played again.

import { Random } from "../support/random.js";
import type { Recording } from "./recording.js";
import { play, type Script } from "./script.js";
import type { Stage } from "./stage.js";
import type { Target } from "./target.js";
import { Watch, type NamedSizes } from "./watch.js";

export interface CampaignOptions {
  seed: number;
  /** inputs */
  count: number;
  timeoutMs: number;
  /** the processes' own deadlines are not waited for */
  isHurried?: boolean;
  /** now and then, for people */
  onProgress?: (inputs: number) => void;
}

export interface CampaignResult {
  target: string;
  seed: number;
  inputs: number;
  connections: number;
  /** of these, where no contact came about */
  missed: number;
  seconds: number;
  /** echoes of the healthy pair that came in time */
  checks: number;
  slowestMs: number;
  first: readonly NamedSizes[];
  last: readonly NamedSizes[];
  /** null: all held */
  fault: string | null;
  /** the scripts that may have done it */
  recording: Recording | null;
}

/** Enough to hold what a process had not yet acted on when it failed. */
const REMEMBERED = 400;
const WARM_SHARE = 0.25;
const PROGRESS_EVERY_MS = 10_000;

export class Campaign {
  private inputs = 0;
  private connections = 0;
  private missed = 0;
  private next = 0;
  private lastMiss = "";
  private readonly recent: { index: number; script: Script }[] = [];

  constructor(
    private readonly target: Target,
    private readonly stage: Stage,
    private readonly options: CampaignOptions,
  ) {}

  async run(): Promise<CampaignResult> {
    const { seed, count, timeoutMs, onProgress } = this.options;
    const { stage, target } = this;
    const watch = new Watch(stage, this.options.isHurried);
    const start = performance.now();
    const share = () =>
      Math.max(this.inputs / count, (performance.now() - start) / timeoutMs);
    let isWarm = false;
    const isOver = () => share() >= 1 || watch.fault !== null;
    const timer = setInterval(
      () => onProgress?.(this.inputs),
      PROGRESS_EVERY_MS,
    );
    const worker = async () => {
      while (!isOver()) {
        if (!isWarm && share() > WARM_SHARE) {
          isWarm = true;
          watch.setWarm();
        }
        await watch.untilInTime();
        const index = this.next++;
        await this.attack(index, scriptOf(target, seed, index));
      }
    };
    await Promise.all(Array.from({ length: target.width }, worker));
    clearInterval(timer);
    const seconds = (performance.now() - start) / 1000;
    if (this.options.isHurried === true) await stage.dismiss?.();
    const last = await watch.finish();
    if (this.inputs === 0) watch.fault ??= `no contact: ${this.lastMiss}`;
    const { inputs, connections, missed } = this;
    const { fault, checks, slowestMs, first } = watch;
    return {
      ...{ target: target.name, seed, inputs, connections, missed, seconds },
      ...{ checks, slowestMs, first, last, fault },
      recording: fault === null ? null : this.recording(fault),
    };
  }

  private async attack(index: number, script: Script): Promise<void> {
    this.recent.push({ index, script });
    if (this.recent.length > REMEMBERED) this.recent.shift();
    this.connections++;
    try {
      const inputs = await attackOnce(this.target, this.stage, script, index);
      this.inputs += inputs;
    } catch (error) {
      this.missed++;
      this.lastMiss = String(error);
    }
  }

  private recording(about: string): Recording {
    const { guilty } = this.stage;
    const alone = this.recent.filter(({ index }) => index === guilty);
    const recent = alone.length > 0 ? alone : this.recent;
    return {
      target: this.target.name,
      about,
      seed: this.options.seed,
      first: recent[0]?.index ?? 0,
      scripts: recent.map(({ script }) => script),
    };
  }
}

/** The same whatever came before it, so that one number is enough to make it again. */
export function scriptOf(target: Target, seed: number, index: number): Script {
  const mixed =
    Math.imul(seed + 1, 0x9e37_79b1) ^ Math.imul(index, 0x85eb_ca6b);
  return target.script(new Random(mixed));
}

/** Resolves with the number of inputs that went out. Rejects when there was no way to say them. */
export async function attackOnce(
  target: Target,
  stage: Stage,
  script: Script,
  index: number,
): Promise<number> {
  if ("play" in target) return target.play(stage, script, index);
  const { connect, lingerMs } = target;
  const contact = await connect(stage, script, index);
  try {
    return await play(script, contact, lingerMs);
  } finally {
    contact.close();
  }
}
