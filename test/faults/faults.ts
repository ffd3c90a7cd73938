// The table of faults: what is done to the ring, when the others notice, and when everything is back.

import { setTimeout as sleep } from "node:timers/promises";
import type { Ring } from "./ring.js";

export interface Outcome {
  /** in ms after the fault, for each party that has to notice */
  noticedMs: number[];
  /** in ms after the end of the fault, for each use */
  backMs: number[];
}

/** How long things stay bad where nothing else decides it. */
export interface Pace {
  /** the hub is away for up to this long */
  mostDownMs: number;
  /** what only lasts for a moment must do no harm */
  momentMs: number;
  /** what nobody notices */
  holdMs: number;
}

export const PACE: Pace = {
  mostDownMs: 8_000,
  momentMs: 2_000,
  holdMs: 20_000,
};

export interface Fault {
  name: string;
  /** as one line of the report's legend */
  meaning: string;
  run: (ring: Ring, pace: Pace) => Promise<Outcome>;
}

const now = () => performance.now();

async function backAfter(ring: Ring, fromMs: number): Promise<number[]> {
  return ring.untilAllAnswer(fromMs);
}

/** Until both sides of it noticed. */
async function silenceLine(
  ring: Ring,
  how: "swallow" | "stall",
): Promise<Outcome> {
  const seat = ring.pick(true);
  const from = now();
  seat.relay?.become(how);
  const noticedMs = await Promise.all([
    seat.untilOffline(from),
    ring.userOf(seat).untilUse("waiting", from),
  ]);
  const again = now();
  seat.relay?.heal();
  return { noticedMs, backMs: await backAfter(ring, again) };
}

export const HUB_KILLED: Fault = {
  name: "hub killed",
  meaning: "kill -9 of the hub, a while without, the same hub again",
  run: async (ring, { mostDownMs }) => {
    const from = now();
    await ring.killHub();
    const noticed = await Promise.all(
      [ring.pick(), ring.pick()].map((seat) => seat.untilUse("waiting", from)),
    );
    await sleep(ring.options.random.between(0, mostDownMs));
    return {
      noticedMs: noticed,
      backMs: await backAfter(ring, await ring.returnHub()),
    };
  },
};

export const FAULTS: readonly Fault[] = [
  {
    name: "node killed",
    meaning: "kill -9 of a node, provider and user, and the same node again",
    run: async (ring) => {
      const seat = ring.pick();
      const from = now();
      await seat.kill();
      const noticedMs = [await ring.userOf(seat).untilUse("waiting", from)];
      const again = now();
      await seat.start();
      return { noticedMs, backMs: await backAfter(ring, again) };
    },
  },
  {
    name: "node stopped",
    meaning: "SIGSTOP of a node until the others noticed, then SIGCONT",
    run: async (ring) => {
      const seat = ring.pick();
      const from = now();
      seat.running.kill("SIGSTOP");
      const noticedMs = [await ring.userOf(seat).untilUse("waiting", from)];
      const again = now();
      seat.running.kill("SIGCONT");
      return { noticedMs, backMs: await backAfter(ring, again) };
    },
  },
  {
    name: "node stopped and replaced",
    meaning:
      "SIGSTOP of a node and the same node started anew; back: its static id answers, counted from its own connection",
    run: async (ring) => {
      const seat = ring.pick();
      const old = seat.running;
      old.kill("SIGSTOP");
      const from = now();
      // As on a machine that was started anew: there nobody runs it already.
      seat.forgetLock();
      const fresh = seat.launch();
      await fresh.waitForOutput("connected to the hub", 30_000);
      const joined = now();
      const back = await ring.userOf(seat).untilAnswers(joined);
      const noticed = now() - from;
      await seat.kill(old);
      await backAfter(ring, now());
      seat.vnetid = (await seat.view()).vnetid;
      return { noticedMs: [noticed], backMs: [back] };
    },
  },
  {
    name: "hub stopped",
    meaning: "SIGSTOP of the hub until nodes noticed, then SIGCONT",
    run: async (ring) => {
      const from = now();
      ring.hub.kill("SIGSTOP");
      const noticedMs = await Promise.all(
        [ring.pick(), ring.pick(), ring.pick()].map((seat) =>
          seat.untilOffline(from),
        ),
      );
      const again = now();
      ring.hub.kill("SIGCONT");
      return { noticedMs, backMs: await backAfter(ring, again) };
    },
  },
  {
    name: "moment",
    meaning:
      "hub, a node and a line stand still for a moment: nothing may break",
    run: async (ring, { momentMs }) => {
      const seat = ring.pick();
      const { relay } = ring.pick(true);
      ring.hub.kill("SIGSTOP");
      seat.running.kill("SIGSTOP");
      relay?.become("stall");
      await sleep(momentMs);
      ring.hub.kill("SIGCONT");
      seat.running.kill("SIGCONT");
      relay?.become("pass");
      return { noticedMs: [], backMs: await backAfter(ring, now()) };
    },
  },
  {
    name: "line cut",
    meaning: "all connections of a node end, by resets or FINs in the middle",
    run: async (ring) => {
      const { relay } = ring.pick(true);
      relay?.cut(ring.options.random.chance(0.5) ? "reset" : "fin");
      return { noticedMs: [], backMs: await backAfter(ring, now()) };
    },
  },
  {
    name: "control link cut",
    meaning: "only the control link of a node ends; streams go on",
    run: async (ring) => {
      const { relay } = ring.pick(true);
      relay?.cut("reset", "control");
      return { noticedMs: [], backMs: await backAfter(ring, now()) };
    },
  },
  {
    name: "legs cut",
    meaning: "only the legs of a node end; its control link goes on",
    run: async (ring) => {
      const { relay } = ring.pick(true);
      relay?.cut(ring.options.random.chance(0.5) ? "reset" : "fin", "legs");
      return { noticedMs: [], backMs: await backAfter(ring, now()) };
    },
  },
  {
    name: "line black-holed",
    meaning:
      "all that a node sends and gets vanishes, until both sides noticed",
    run: (ring) => silenceLine(ring, "swallow"),
  },
  {
    name: "line stalled",
    meaning: "nothing of a node moves, until both sides noticed",
    run: (ring) => silenceLine(ring, "stall"),
  },
  {
    name: "legs black-holed",
    meaning:
      "what is on a node's legs vanishes for a while; its control link goes on. back: new streams answer",
    run: async (ring, { holdMs }) => {
      const { relay } = ring.pick(true);
      const from = now();
      relay?.become("swallow", "legs");
      const backMs = await backAfter(ring, from);
      // Not for longer than a stream may be silent: nobody but the line can end what it swallows.
      await sleep(Math.max(0, holdMs - (now() - from)));
      // No end of a connection tells of it: what it hid is lost, and the line says so at last.
      relay?.heal();
      relay?.cut("reset", "legs");
      await backAfter(ring, now());
      return { noticedMs: [], backMs };
    },
  },
];
