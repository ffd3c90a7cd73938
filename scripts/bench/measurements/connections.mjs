// What a new connection costs: many short ones, and the time to the first byte
// of a single one, near and over links with a delay.

import { performance } from "node:perf_hooks";
import { Load } from "../load.mjs";
import { pause } from "../ports.mjs";
import { DELAY_MS } from "../services.mjs";
import { median, percentile } from "../statistics.mjs";

const CONCURRENCY = 16;
const BURST = 128;
const FAR = `${DELAY_MS} ms between node and hub`;

const ms = (name, column) => ({ name, column, unit: "ms", better: "less" });

const SHORT = [
  {
    ...{ name: "new connections, per second", column: "connections/s" },
    ...{ unit: "1/s", better: "more" },
  },
  ms("new connections, p50", "p50"),
  ms("new connections, p99", "p99"),
];

const BURST_ROWS = [
  ms(`burst of ${BURST}, half have their answer`, "half of them"),
  ms(`burst of ${BURST}, all have their answer`, "all of them"),
];

export const connections = [
  {
    name: "new connections",
    group: `New connections, ${CONCURRENCY} at a time; ms`,
    note: "Connect, one byte there and back, close.",
    ...{ place: "near", programs: [], rows: SHORT, streams: CONCURRENCY },
    run: shortConnections,
  },
  firstByte(
    "near",
    "first byte",
    "First byte of a single connection, ms",
    20,
    20,
  ),
  {
    name: `burst of ${BURST}`,
    group: `${BURST} connections in one moment, ms`,
    note: "After two calm seconds: most of them find no warm channel.",
    ...{ place: "near", programs: [], rows: BURST_ROWS, streams: BURST },
    run: burst,
  },
  firstByte(
    "far",
    `first byte, ${FAR}`,
    `First byte with ${FAR} (one way), ms`,
    4 * DELAY_MS + 50,
    4,
  ),
];

async function shortConnections({ ports, seconds, signal }) {
  const load = new Load(signal);
  const times = [];
  const from = performance.now();
  const until = from + seconds * 1000;
  const one = async () => {
    while (performance.now() < until)
      times.push(await load.firstByte(ports.answer, true));
  };
  try {
    await Promise.all(Array.from({ length: CONCURRENCY }, one));
  } finally {
    load.close();
  }
  const took = (performance.now() - from) / 1000;
  return {
    [SHORT[0].name]: times.length / took,
    [SHORT[1].name]: percentile(times, 0.5),
    [SHORT[2].name]: percentile(times, 0.99),
  };
}

/** @param calmMs between two connections, so that the one before has left everywhere */
function firstByte(place, name, group, calmMs, tries) {
  const rows = [
    ms(`${name}, request and answer`, "request and answer"),
    ms(`${name}, the service speaks first`, "the service speaks first"),
  ];
  return {
    ...{ name, group, place, programs: [], rows, streams: 1 },
    note: "The median of single connections, one after another.",
    async run({ ports, signal }) {
      const load = new Load(signal);
      const result = {};
      try {
        for (const [i, kind] of ["answer", "greet"].entries()) {
          const times = [];
          // The first one finds things as the measurement before left them.
          for (let n = 0; n <= tries; n++) {
            times.push(await load.firstByte(ports[kind], kind === "answer"));
            await pause(calmMs);
          }
          result[rows[i].name] = median(times.slice(1));
        }
      } finally {
        load.close();
      }
      return result;
    },
  };
}

async function burst({ ports, signal }) {
  const load = new Load(signal);
  try {
    await pause(2_000);
    const one = () => load.firstByte(ports.answer, true);
    const times = await Promise.all(Array.from({ length: BURST }, one));
    return {
      [BURST_ROWS[0].name]: percentile(times, 0.5),
      [BURST_ROWS[1].name]: Math.max(...times),
    };
  } finally {
    load.close();
  }
}
