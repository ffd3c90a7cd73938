// How the cost of a byte grows with the number of streams that share the
// processes: our own service sends, our own reader drops it.

import { CpuMeter } from "../process-figures.mjs";
import { Load } from "../load.mjs";
import { pause } from "../ports.mjs";

/** So much for each stream has come through before the measuring begins: on a slow machine the first bytes of a thousand streams take their time. */
const SETTLED_BYTES = 64 * 1024;
const LOOK_MS = 100;

export const growth = [1, 10, 100, 1_000].map((streams) => {
  const row = {
    name: `cost per GB, ${streams} stream${streams === 1 ? "" : "s"}`,
    ...{ column: String(streams), unit: "s/GB", better: "less" },
  };
  return {
    ...{ name: row.name, place: "near", programs: [], proxied: true },
    group:
      "Cost as work grows: CPU seconds per GB of all processes, by streams",
    note: "Service to app, in 64 KiB pieces, from a service and to a reader that are part of the suite.",
    ...{ rows: [row], streams },
    async run({ ports, roles, competitor, seconds, signal }) {
      const load = new Load(signal);
      try {
        const { bytes } = await load.drain(streams, ports.answer);
        while (bytes() < streams * SETTLED_BYTES) {
          signal.throwIfAborted();
          await pause(LOOK_MS);
        }
        const meter = new CpuMeter(roles, competitor.forks);
        const before = bytes();
        await pause(seconds * 1000);
        const moved = bytes() - before;
        const used = Object.values(meter.stop()).reduce((a, b) => a + b, 0);
        if (moved === 0) throw new Error("no byte came through");
        return { [row.name]: used / (moved / 1e9) };
      } finally {
        load.close();
      }
    },
  };
});
