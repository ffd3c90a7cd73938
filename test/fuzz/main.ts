// The fuzzer as a program: its options, target by target, and what it leaves behind. Started by scripts/fuzz.mjs.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { attackOnce, Campaign } from "./campaign.js";
import { readRecording, writeRecording } from "./recording.js";
import { reportLine } from "./report.js";
import type { Stage } from "./stage.js";
import type { Target } from "./target.js";
import { TARGETS } from "./targets.js";
import { Watch } from "./watch.js";

const HELP = `npm run fuzz -- [options]      hostile inputs against real processes

  --target NAME   only that one; may be given again
  --count N       inputs for each target (default 20000)
  --seconds N     at the most, for each target (default 60)
  --seed N        what the inputs are made from (default 1)
  --out FOLDER    where the inputs that did harm are written (default .)
  --replay FILE   plays such a file again
  --list          names the targets
`;

export async function main(words: string[]): Promise<number> {
  const { values } = parseArgs({
    args: words,
    options: {
      target: { type: "string", multiple: true, default: [] },
      count: { type: "string", default: "20000" },
      seconds: { type: "string", default: "60" },
      seed: { type: "string", default: "1" },
      out: { type: "string", default: "." },
      replay: { type: "string" },
      list: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) process.stdout.write(HELP);
  else if (values.list) list();
  else if (process.platform !== "linux")
    throw new Error("measures with /proc, so it needs Linux");
  else if (values.replay !== undefined) return replay(values.replay);
  else {
    const options = {
      seed: whole(values.seed, "--seed"),
      count: whole(values.count, "--count"),
      timeoutMs: 1000 * whole(values.seconds, "--seconds"),
    };
    return attackAll(chosen(values.target), options, values.out);
  }
  return 0;
}

function list(): void {
  for (const { name, about } of TARGETS)
    process.stdout.write(`${name.padEnd(18)}${about}\n`);
}

function whole(text: string, name: string): number {
  if (!/^\d{1,10}$/.test(text)) throw new Error(`${name} wants a whole number`);
  return Number(text);
}

function chosen(names: readonly string[]): readonly Target[] {
  if (names.length === 0) return TARGETS;
  return names.map((name) => {
    const target = TARGETS.find((each) => each.name === name);
    if (target === undefined)
      throw new Error(`no target is called ${name}; --list names them`);
    return target;
  });
}

async function attackAll(
  targets: readonly Target[],
  options: { seed: number; count: number; timeoutMs: number },
  out: string,
): Promise<number> {
  let status = 0;
  for (const target of targets) {
    const { name } = target;
    const stage = await target.stage.start();
    try {
      const onProgress = (inputs: number) =>
        process.stderr.write(`fuzz: ${name}: ${inputs} inputs so far\n`);
      const result = await new Campaign(target, stage, {
        ...options,
        onProgress,
      }).run();
      process.stdout.write(`${reportLine(result)}\n`);
      if (result.recording === null) continue;
      status = 1;
      mkdirSync(out, { recursive: true });
      const file = join(out, `fuzz-${name}-${options.seed}.json`);
      writeRecording(file, result.recording);
      process.stdout.write(`again: npm run fuzz -- --replay ${file}\n`);
      for (const each of stage.suspects)
        if (each.fault !== null) process.stdout.write(`${each.said}\n`);
    } finally {
      await stage.close();
    }
  }
  return status;
}

async function replay(file: string): Promise<number> {
  const recording = readRecording(file);
  const [target] = chosen([recording.target]);
  if (target === undefined) throw new Error("no target");
  const stage: Stage = await target.stage.start();
  try {
    const watch = new Watch(stage);
    for (const [at, script] of recording.scripts.entries()) {
      const index = recording.first + at;
      await attackOnce(target, stage, script, index).catch(() => undefined);
      if (watch.fault === null) continue;
      process.stdout.write(`script ${index}: ${watch.fault}\n`);
      break;
    }
    await watch.finish();
    process.stdout.write(`${watch.fault ?? "held"}\n`);
    for (const each of stage.suspects)
      if (each.fault !== null) process.stdout.write(`${each.said}\n`);
    return watch.fault === null ? 0 : 1;
  } finally {
    await stage.close();
  }
}
