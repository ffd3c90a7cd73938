// A short run of what `npm run faults` does at length: four nodes in a ring under checked load, with quick heartbeats.

import { expect } from "chai";
import { FAULTS, HUB_KILLED, type Pace } from "../faults/faults.js";
import { Ring } from "../faults/ring.js";
import { closeLaunched } from "../support/launch.js";
import { Random } from "../support/random.js";

const PACE: Pace = { mostDownMs: 500, momentMs: 300, holdMs: 300 };

/** Quick, and with room for a busy machine. */
const ROUTE = "heartbeat_interval = 500\nheartbeat_timeout = 2000\n";

const CHOSEN = [
  "node killed",
  "node stopped",
  "node stopped and replaced",
  "moment",
  "legs cut",
  "line black-holed",
];

describe("a ring of nodes under load", function () {
  this.timeout(180_000);
  let ring: Ring;

  before(async () => {
    ring = await Ring.start({
      nodes: 4,
      relays: 4,
      random: new Random(4),
      streams: 4,
      maxBytes: 4_000_000,
      silenceMs: 20_000,
      route: ROUTE,
    });
    ring.beginLoad();
  });

  after(async () => {
    await ring.close();
    await closeLaunched();
  });

  for (const fault of [
    HUB_KILLED,
    ...FAULTS.filter(({ name }) => CHOSEN.includes(name)),
  ])
    it(`is whole again after: ${fault.name}`, async () => {
      const { backMs } = await fault.run(ring, PACE);
      expect(backMs).not.to.be.empty;
      await untilTrue();
    });

  it("lost no byte, delivered no wrong one, hung nowhere, and leaves nothing open", async () => {
    await ring.endLoad();
    const { tally, probes } = ring;
    expect(tally.complaints).to.deep.equal([]);
    for (const verdict of ["wrong", "lost", "hung"] as const)
      expect(tally.count(verdict), verdict).to.equal(0);
    expect(probes.count("wrong") + probes.count("lost")).to.equal(0);
    expect(tally.client.whole).to.be.greaterThan(20);
    let busy: string[];
    const end = performance.now() + 30_000;
    do ({ busy } = await ring.leftovers());
    while (busy.length > 0 && performance.now() < end);
    expect(busy).to.deep.equal([]);
  });

  /** `show use`, `show vnets` and `show serves` of every node, and what its use's port does. */
  async function untilTrue(): Promise<void> {
    const end = performance.now() + 30_000;
    let untruths: string[];
    do untruths = await ring.untruths(ring.seats);
    while (untruths.length > 0 && performance.now() < end);
    expect(untruths).to.deep.equal([]);
  }
});
