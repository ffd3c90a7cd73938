// What streams that nobody reads do to one that somebody reads, through the
// same processes.

import { Load } from "../load.mjs";
import { pause } from "../ports.mjs";

export const STALLED = 200;
/** Until the stalled ones have filled whatever stands between. */
const SETTLE_MS = 8_000;

/** For Load.openMany: they take the first byte and no more. */
const TAKES_ONE_BYTE = {
  onread: { buffer: Buffer.alloc(1), callback: () => false },
};
/** The service sends without end. */
export const STALLING = [(socket) => socket.write("p"), TAKES_ONE_BYTE];
/**
 * The service sends 4 MB. Without an end 200 of them would take all of the memory that the kernel has for TCP, and then
 * everything on the machine stands still, through whatever proxy.
 */
const STALLING_IN_FOUR = [(socket) => socket.write("f"), TAKES_ONE_BYTE];

const row = {
  name: `throughput beside ${STALLED} stalled streams`,
  ...{ column: "share of the throughput alone", unit: "1", better: "more" },
};

export const besideStalled = {
  ...{ name: row.name, place: "fresh", programs: [], rows: [row] },
  group: `One stream beside ${STALLED} that nobody reads`,
  note: "Service to app, from a service and to a reader that are part of the suite. Each stalled one has 4 MB to come.",
  streams: STALLED,
  async run({ ports, seconds, signal }) {
    const load = new Load(signal);
    try {
      const { bytes } = await load.drain(1, ports.answer);
      const moved = async () => {
        await pause(SETTLE_MS);
        const before = bytes();
        await pause(seconds * 1000);
        return bytes() - before;
      };
      const alone = await moved();
      await load.openMany(STALLED, ports.answer, ...STALLING_IN_FOUR);
      const beside = await moved();
      if (alone === 0) throw new Error("no byte came through");
      return { [row.name]: beside / alone };
    } finally {
      load.close();
    }
  },
};
