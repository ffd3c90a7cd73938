// `npm run stopped -- --minutes 10`: a LAN whose terminals are stopped beside one whose terminals are free, while 200 nodes
// come and go in both. The engine is test/stopped. Exit status 1: a stream felt it, memory grew, or a screen is not whole.

import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { ensureBuilt, orExit, root } from "./built.mjs";

const HELP = `Usage: npm run stopped -- [options]

Options:
  --minutes N    how long (10); echoes are compared from 5 minutes on
  --nodes N      how many come and go (200)
  --json FILE    writes the report
`;

const say = (text) => process.stderr.write(`stopped: ${text}\n`);
const options = optionsOrExit();
await orExit(ensureBuilt({ tests: true, say }), say);
if (process.platform !== "linux")
  fail("measures with /proc, so it needs Linux");
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"])
  // What was started ends with this process.
  process.on(signal, () => process.exit(130));

const { stopped, textOf } = await import(
  `${root}/dist/test/stopped/stopped.js`
);
const report = await stopped({ ...options, say }).catch((error) => {
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
        ...{ minutes: text, nodes: text, json: text },
        help: { type: "boolean" },
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
    return {
      minutes: number("minutes", 10, 0.05),
      nodes: number("nodes", 200, 1),
      json: values.json === undefined ? null : resolve(values.json),
    };
  } catch (error) {
    return fail(error.message);
  }
}

function fail(text) {
  say(text);
  process.exit(2);
}
