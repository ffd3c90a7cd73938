// `npm run bench`: vnet and everything else that is installed, on the same path
// app → use → hub → serve → service, in turns within one run, so that ratios
// count. Prints markdown; --json and --svg write files. See docs/performance.md.

import { writeFileSync } from "node:fs";
import { ensureBuilt, orExit } from "../built.mjs";
import { chartOf } from "./chart.mjs";
import { Children } from "./children.mjs";
import { COMPETITORS } from "./competitors.mjs";
import { missingPrograms } from "./find-program.mjs";
import { describeMachine } from "./machine.mjs";
import { markdownOf } from "./markdown.mjs";
import { measurementsFor } from "./measurements.mjs";
import { help, readOptions, UsageError } from "./options.mjs";
import { Results } from "./results.mjs";
import { runAll } from "./run.mjs";
import { LongLinks, startServices } from "./services.mjs";

const say = (text) => process.stderr.write(`bench: ${text}\n`);
const options = optionsOrExit();
const measurements = measurementsFor(options).filter(isWanted);
const results = new Results();
const competitors = presentCompetitors();

if (options.help) await end(0, help());
if (options.list) await end(0, listing());
if (process.platform !== "linux")
  fail("measures with /proc, so it needs Linux");
if (measurements.length === 0)
  fail("--only matches no measurement; see --list", 2);
if (competitors.length === 0) fail("no competitor is left; see --list", 2);
await orExit(ensureBuilt({ tests: false, say }), say);

const children = new Children();
process.on("exit", () => children.close());
for (const [signal, status] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
  ["SIGHUP", 129],
])
  process.on(signal, () => process.exit(status));

try {
  const machine = describeMachine([
    ...competitors.flatMap(({ programs }) => programs),
    ...measurements.flatMap(({ programs }) => programs),
  ]);
  const services = await startServices(children);
  const links = new LongLinks(children);
  const { rounds, seconds } = options;
  await runAll(
    { competitors, measurements, rounds, seconds },
    { children, services, links, say },
    results,
  );
  const settings = { rounds, seconds };
  const summary = results.summary({
    ...{ machine, settings, competitors, measurements },
  });
  if (options.json)
    writeFileSync(options.json, `${JSON.stringify(summary, null, 2)}\n`);
  if (options.svg) writeFileSync(options.svg, chartOf(summary));
  await end(summary.rows.length > 0 ? 0 : 1, markdownOf(summary));
} catch (error) {
  fail(error.stack);
}

function optionsOrExit() {
  try {
    return readOptions(
      process.argv.slice(2),
      COMPETITORS.map(({ name }) => name),
    );
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return fail(error.message, 2);
  }
}

function isWanted({ name, group, rows }) {
  const names = [name, group, ...rows.map((row) => row.name)];
  const { only } = options;
  return (
    only.length === 0 ||
    only.some((pattern) => names.some((each) => pattern.test(each)))
  );
}

/** Those that are wanted and installed; those that are wanted and not are noted. */
function presentCompetitors() {
  const wanted = COMPETITORS.filter(
    ({ name }) =>
      (options.with.length === 0 || options.with.includes(name)) &&
      !options.without.includes(name),
  );
  return wanted.filter(({ name, programs }) => {
    const missing = missingPrograms(programs);
    if (missing.length > 0)
      results.leaveOut(name, `not found: ${missing.join(", ")}`);
    return missing.length === 0;
  });
}

function listing() {
  const there = new Set(competitors.map(({ name }) => name));
  const lines = COMPETITORS.map(
    ({ name, title }) =>
      `  ${name.padEnd(15)}${there.has(name) ? "" : "(not found or not wanted) "}${title}`,
  );
  return `Competitors:\n${lines.join("\n")}\n\nMeasurements:\n${measurements
    .map(({ name }) => `  ${name}`)
    .join("\n")}\n`;
}

function fail(text, status = 1) {
  say(text);
  process.exit(status);
}

/** Ends the process once the text is written: a pipe may take it later than this. Never returns. */
function end(status, text) {
  return new Promise(() => {
    process.stdout.write(text, () => process.exit(status));
  });
}
