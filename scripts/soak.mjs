// `npm run soak -- --minutes 30 --seed 7`: real hubs and nodes under everything that users and faults do, and what each
// process keeps of it. The engine is test/soak. Exit status 1: a wrong byte, something hung, or a leak.

import { mkdirSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { ensureBuilt, orExit, root } from "./built.mjs";

const HELP = `Usage: npm run soak -- [options]

Options:
  --minutes N      how long (5); slopes are judged from 10 minutes on
  --seed N         what happens when; the same seed does the same things
  --workers N      how many users do something at the same time (6)
  --json FILE      writes the report with all samples
  --snapshots DIR  writes heap snapshots after the warm-up and at the end
`;

const say = (text) => process.stderr.write(`soak: ${text}\n`);
const options = optionsOrExit();
await orExit(ensureBuilt({ tests: true, say }), say);
if (process.platform !== "linux")
  fail("measures with /proc, so it needs Linux");
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"])
  // What was started ends with this process.
  process.on(signal, () => process.exit(130));

const { soak } = await import(`${root}/dist/test/soak/soak.js`);
const { textOf } = await import(`${root}/dist/test/soak/report.js`);
say(`${options.minutes} minutes, seed ${options.seed}`);
const report = await soak({ ...options, say }).catch((error) => {
  say(error.stack);
  process.exit(1);
});
process.stdout.write(textOf(report));
if (options.json !== null)
  writeFileSync(options.json, `${JSON.stringify(report)}\n`);
process.exit(report.faults.length === 0 ? 0 : 1);

function optionsOrExit() {
  const text = { type: "string" };
  try {
    const { values } = parseArgs({
      options: {
        ...{ minutes: text, seed: text, workers: text },
        ...{ json: text, snapshots: text, help: { type: "boolean" } },
      },
    });
    if (values.help) {
      process.stdout.write(HELP);
      process.exit(0);
    }
    const number = (name, fallback, least) => {
      const value = Number(values[name] ?? fallback);
      if (value >= least) return value;
      return fail(
        `--${name} is "${values[name]}", allowed is ${least} or more`,
      );
    };
    if (values.snapshots !== undefined)
      mkdirSync(values.snapshots, { recursive: true });
    return {
      minutes: number("minutes", 5, 0.05),
      seed: number("seed", Math.floor(Math.random() * 1_000_000), 0),
      workers: number("workers", 6, 1),
      json: values.json === undefined ? null : resolve(values.json),
      snapshots:
        values.snapshots === undefined ? null : resolve(values.snapshots),
    };
  } catch (error) {
    return fail(error.message);
  }
}

function fail(text) {
  say(text);
  process.exit(2);
}
