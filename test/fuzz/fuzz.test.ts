// A short run of each target of the fuzzer, and everything that once did harm (test/corpus), against real processes.
// `npm run fuzz` is the long one.

import { expect } from "chai";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { skip } from "../support/find-program.js";
import { canMeasure } from "../support/memory.js";
import { projectRoot } from "../support/project.js";
import { attackOnce, Campaign } from "./campaign.js";
import { readRecording } from "./recording.js";
import type { Stage } from "./stage.js";
import { TARGETS } from "./targets.js";
import { Watch } from "./watch.js";

const OPTIONS = { seed: 1, count: 4_000, timeoutMs: 500, isHurried: true };
/** No deadlines of a network are in its way: so many inputs take a few seconds. */
const PLAYED_MS = 4_000;
const CORPUS = join(projectRoot, "test", "corpus");

const corpus = readdirSync(CORPUS)
  .filter((name) => name.endsWith(".json"))
  .map((name) => readRecording(join(CORPUS, name)));

for (const kind of new Set(TARGETS.map(({ stage }) => stage)))
  describe(`with hostile inputs, ${kind.name},`, function () {
    this.timeout(180_000);
    let stage: Stage;

    before(async function () {
      if (!canMeasure) skip(this, "measures with /proc, so it needs Linux");
      stage = await kind.start();
    });

    after(async () => {
      await (stage as Stage | undefined)?.close();
    });

    for (const target of TARGETS.filter(({ stage }) => stage === kind)) {
      it(`stays whole at ${target.about} (${target.name})`, async () => {
        const isPlayed = "play" in target;
        const { fault, inputs } = await new Campaign(target, stage, {
          ...OPTIONS,
          ...(isPlayed ? { timeoutMs: PLAYED_MS } : {}),
        }).run();
        expect(fault).to.equal(null);
        expect(inputs).to.be.above(0);
      });

      for (const recording of corpus)
        if (recording.target === target.name)
          it(`stays whole when ${recording.about}`, async () => {
            const watch = new Watch(stage, true);
            const all = recording.scripts.map((script, index) =>
              attackOnce(target, stage, script, index),
            );
            const played = await Promise.allSettled(all);
            await watch.finish();
            expect(watch.fault).to.equal(null);
            const statuses = played.map(({ status }) => status);
            expect(statuses).to.include("fulfilled");
          });
    }
  });
