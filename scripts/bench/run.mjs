// The rounds: every measurement, of every competitor in turn. Within a round
// the order is rotated, so that whatever drifts meets all of them alike.

import { missingPrograms } from "./find-program.mjs";
import { Instances } from "./instances.mjs";

const MAX_FRESH_ROUNDS = 3;
/** Whoever does not start so often in a row is left out of the rest. */
const MAX_FAULTY_STARTS = 2;
/** Beside the load itself: starting, opening, settling. */
const DEADLINE_MS = 60_000;

/**
 * Fills `results`; a competitor or measurement that fails is noted there and
 * the others go on.
 * @param what {competitors, measurements, rounds, seconds}
 * @param world {children, services, links, say}
 */
export async function runAll(what, world, results) {
  const { rounds } = what;
  const faultyStarts = new Map();
  const instances = new Instances(world.children, world.services, world.links);
  const measurements = what.measurements.filter((measurement) =>
    hasPrograms(measurement, results),
  );
  for (let round = 0; round < rounds; round++)
    for (const [m, measurement] of measurements.entries()) {
      if (measurement.place === "fresh" && round >= MAX_FRESH_ROUNDS) continue;
      const wanted = what.competitors.filter(
        (each) =>
          takesPart(each, measurement) &&
          (faultyStarts.get(each) ?? 0) < MAX_FAULTY_STARTS,
      );
      world.say(`round ${round + 1} of ${rounds}: ${measurement.name}`);
      for (const competitor of rotated(wanted, round + m))
        await measure(competitor, measurement, round);
    }

  async function measure(competitor, measurement, round) {
    const { place } = measurement;
    try {
      const values = await one(competitor, measurement);
      for (const { name } of measurement.rows)
        results.add(name, competitor.name, round, values[name] ?? null);
    } catch (error) {
      const reason = error.message.replace(/\s+/g, " ").trim();
      world.say(`${competitor.name}: ${measurement.name}: ${reason}`);
      results.fail(competitor.name, measurement.name, round, reason);
      // Whatever it was, the next one is not to suffer from it.
      await instances.stop(competitor, place);
    }
    if (place === "fresh") await instances.stop(competitor, place);
  }

  async function started(competitor, place) {
    const faulty = faultyStarts.get(competitor) ?? 0;
    try {
      const instance = await instances.get(competitor, place);
      faultyStarts.delete(competitor);
      return instance;
    } catch (error) {
      faultyStarts.set(competitor, faulty + 1);
      if (faulty + 1 === MAX_FAULTY_STARTS)
        results.leaveOut(competitor.name, "did not start and was left out");
      throw error;
    }
  }

  async function one(competitor, measurement) {
    const { ports, roles, targets } = await started(
      competitor,
      measurement.place,
    );
    const deadlineMs = what.seconds * 1000 + DEADLINE_MS;
    const signal = AbortSignal.timeout(deadlineMs);
    return inTime(
      measurement.run({
        ...{ ports, roles, targets, competitor, signal },
        ...{ seconds: what.seconds, children: world.children },
      }),
      signal,
      deadlineMs,
    );
  }
}

/** Rejects when the deadline is over, whatever `work` waits for. */
function inTime(work, signal, deadlineMs) {
  return new Promise((resolve, reject) => {
    // Also keeps the process alive where nothing else does.
    const timer = setTimeout(() => {
      reject(new Error(`was not done after ${deadlineMs / 1000} s`));
    }, deadlineMs + 500);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

function hasPrograms({ name, programs }, results) {
  const missing = missingPrograms(programs);
  if (missing.length > 0)
    results.leaveOut(name, `not found: ${missing.join(", ")}`);
  return missing.length === 0;
}

function takesPart(competitor, { name, proxied, streams }) {
  if (proxied && competitor.name === "direct") return false;
  if (competitor.only && !competitor.only.test(name)) return false;
  return (
    streams <= (competitor.maxStreams ?? Infinity) || streams === undefined
  );
}

function rotated(list, by) {
  const at = list.length === 0 ? 0 : by % list.length;
  return [...list.slice(at), ...list.slice(0, at)];
}
