// What the processes of a competitor hold: at rest, and for each stream that
// is idle, was busy, or is stuck. Each figure from processes started for it.

import { performance } from "node:perf_hooks";
import { echo, fetchMegabyte, Load, untilConnections } from "../load.mjs";
import { memoryOf, openFilesLimit } from "../process-figures.mjs";
import { pause } from "../ports.mjs";
import { STALLED, STALLING } from "./stalled.mjs";

const ROLES = ["use", "hub", "serve"];
const SETTLE_MS = 1_500;
const STREAMS = 1_000;
/** As many as a node's pool keeps for one other node. */
const WARM = 64;
/** Beside two for each stream. */
const OTHER_FILES = 300;

const common = { place: "fresh", programs: [], proxied: true };

/** @param many how many streams the last measurement opens at once */
export function memory(many) {
  return [
    atRest(),
    perStream("idle", STREAMS, "opened, one byte each way, then nothing", echo),
    perStream("busy", STREAMS, "each moved 1 MB, now idle", fetchMegabyte),
    perStream(
      ...["stalled", STALLED, "the service sends, nobody reads"],
      ...STALLING,
    ),
    manyAtOnce(many),
    warmChannels(),
  ];
}

function atRest() {
  const name = "memory at rest";
  const rows = [
    ...ROLES.map((role) => rowOf(name, role, "MB")),
    rowOf(name, "hub, PSS", "MB"),
  ];
  return {
    ...{ ...common, name, group: "Memory at rest, MB of RSS", rows },
    note: "PSS counts what processes share only once.",
    async run({ roles }) {
      await pause(SETTLE_MS);
      const held = memoryOf(roles);
      const result = {};
      for (const role of ROLES)
        result[`${name}, ${role}`] = megabytes(held[role]?.rss);
      result[`${name}, hub, PSS`] = megabytes(held.hub?.pss);
      return result;
    },
  };
}

function perStream(kind, count, meaning, first, options) {
  const name = `memory per ${kind} stream`;
  const rows = [...ROLES, "all"].map((role) => rowOf(name, role, "kB"));
  return {
    ...{ ...common, name, rows, streams: count },
    group: `Memory for each ${kind} stream, kB of RSS`,
    note: `${count.toLocaleString("en")} streams: ${meaning}.`,
    async run(at) {
      const { ports, roles, targets, signal } = at;
      const load = new Load(signal);
      try {
        await pause(SETTLE_MS);
        const before = memoryOf(roles);
        await load.openMany(count, ports.answer, first, options);
        await untilConnections(count, targets.answer, signal);
        await pause(SETTLE_MS);
        if (load.size < count)
          throw new Error(`${count - load.size} of ${count} streams were lost`);
        const after = memoryOf(roles);
        const result = { [`${name}, all`]: 0 };
        for (const role of ROLES) {
          const grown = role in after ? growth(role, before, after) : null;
          const each = grown === null ? null : grown / count / 1000;
          result[`${name}, ${role}`] = each;
          result[`${name}, all`] += each ?? 0;
        }
        return result;
      } finally {
        load.close();
      }
    },
  };
}

function manyAtOnce(count) {
  const words = count.toLocaleString("en");
  const name = `${words} streams at once`;
  const rows = [
    {
      ...{ name: `${name}, time to open`, column: "seconds to open them" },
      ...{ unit: "s", better: "less" },
    },
    ...ROLES.map((role) => rowOf(name, role, "MB")),
  ];
  return {
    ...{ ...common, name, rows, streams: count },
    group: `${words} streams at once, MB of RSS in all`,
    note: "Each carried a byte there and back, and does so again when all are open.",
    async run({ ports, roles, targets, signal }) {
      const needed = 2 * count + OTHER_FILES;
      if (openFilesLimit() < needed)
        throw new Error(
          `needs ${needed} open files in one process and the hard limit is ${openFilesLimit()}: raise it (ulimit -Hn), or take fewer with --streams`,
        );
      const load = new Load(signal);
      const sockets = [];
      try {
        const from = performance.now();
        await load.openMany(count, ports.answer, async (socket) => {
          await echo(socket);
          sockets.push(socket);
        });
        const took = (performance.now() - from) / 1000;
        await untilConnections(count, targets.answer, signal);
        await pause(SETTLE_MS);
        for (const socket of sockets) await echo(socket);
        const held = memoryOf(roles);
        const result = { [rows[0].name]: took };
        for (const role of ROLES)
          result[`${name}, ${role}`] = megabytes(held[role]?.rss);
        return result;
      } finally {
        load.close();
      }
    },
  };
}

function warmChannels() {
  const name = "memory per warm channel";
  const rows = [
    {
      ...{ name: `${name}, channels`, column: "kept open at the hub" },
      ...{ unit: "", better: "neither" },
    },
    rowOf(name, "hub", "kB"),
  ];
  return {
    ...{ ...common, name, rows, streams: WARM },
    group: "Memory for each idle channel at the hub after bulk, kB of RSS",
    note: `${WARM} streams moved 1 MB each and were closed; what is still open at the hub after that, beside what was open before. With so few, what the heap grew by in the meantime weighs more than the channels: the hub's column for busy streams is the steadier figure. Others keep nothing.`,
    async run({ ports, roles, targets, signal }) {
      const load = new Load(signal);
      try {
        // As many bytes over one channel first: the heap grows with them, whoever carries them.
        const one = await load.open(ports.answer);
        for (let n = 0; n < WARM; n++) await fetchMegabyte(one);
        one.destroy();
        await untilConnections(0, targets.answer, signal, true);
        await pause(SETTLE_MS);
        const before = memoryOf(roles);
        await load.openMany(WARM, ports.answer, fetchMegabyte);
        load.close();
        await untilConnections(0, targets.answer, signal, true);
        await pause(SETTLE_MS);
        const after = memoryOf(roles);
        const channels = (after.hub.sockets - before.hub.sockets) / 2;
        const grown = growth("hub", before, after);
        return {
          [`${name}, channels`]: channels,
          [`${name}, hub`]: channels < 1 ? null : grown / channels / 1000,
        };
      } finally {
        load.close();
      }
    },
  };
}

function rowOf(name, role, unit) {
  const row = { name: `${name}, ${role}`, column: role };
  return { ...row, unit, better: "less" };
}

function growth(role, before, after) {
  return after[role].rss - before[role].rss;
}

function megabytes(bytes) {
  return bytes === undefined ? null : bytes / 1e6;
}
