// A node with 500 uses in a group of 10,000 serves: what others do there holds it up for a moment only, however much it is.

import { setImmediate as turn } from "node:timers/promises";
import { expect } from "chai";
import { eventually } from "../support/deadline.js";
import { withFakeHub } from "../support/fake-hub.js";
import { withNode } from "../support/node.js";
import {
  nodeSettings,
  serveSettings,
  useSettings,
} from "../support/settings.js";
import { turnsOf } from "../support/turns.js";
import { OWN_ABILITIES } from "../../src/wire/version.js";

const NODES = 1_000;
const SERVES_EACH = 10;
const USES = 500;
const CHANGES = 300;

/** What a use says that has seen what is offered. */
const LOOKED = "asking vnet node-0 whether it is there";

const numbers = (count: number) => Array.from({ length: count }, (_, n) => n);

const news = (change: object) => ({
  type: "directory",
  ...{ nodes: [], goneNodes: [], serves: [], goneServes: [] },
  complete: true,
  ...change,
});

const memberOf = (n: number) => ({
  vnetid: 10 + n,
  name: `node-${n}`,
  key: Buffer.alloc(32, `key ${n}`).toString("base64"),
  encrypt: true,
});

const serveOf = (node: number, n: number, name: string) => ({
  ...{ serveid: 500 + n, vnetid: 10 + node, name },
  ...{ type: "tcp", ip: "127.0.0.1", port: 80, info: "", service: "down" },
  share: "exclusive",
});

describe("a node with 500 uses among 10,000 serves", function () {
  this.timeout(120_000);

  it("is held up for a moment only by the whole directory, and by many changes at once, where each use has many to choose from", () =>
    withFakeHub(async (hub) => {
      const config = nodeSettings(hub.port, {
        name: "home",
        route: { heartbeatIntervalMs: 30_000, heartbeatTimeoutMs: 90_000 },
        serves: numbers(500).map((n) =>
          serveSettings(`own-${n}`, { port: 80, share: "balance" }),
        ),
        uses: numbers(USES).map((n) =>
          useSettings(`use-${n}`, { serve: `svc-${n % SERVES_EACH}`, port: 0 }),
        ),
      });
      await withNode(config, async ({ control }) => {
        const { say } = await hub.next();
        say({
          type: "welcome",
          protocol: OWN_ABILITIES.protocol,
          ...{ software: "fake", vnetid: 5, name: "home" },
        });
        const known = () => [...control.knownServes()].length;
        const arrival = await turnsOf(async () => {
          for (const batch of numbers(NODES / 20)) {
            const nodes = numbers(20).map((n) => 20 * batch + n);
            const serves = nodes.flatMap((node) =>
              numbers(SERVES_EACH).map((n) => serveOf(node, n, `svc-${n}`)),
            );
            const complete = batch === NODES / 20 - 1;
            say(news({ nodes: nodes.map(memberOf), serves, complete }));
            // What the hub's side takes is not the node's.
            await turn();
          }
          await eventually("all", () => known() === NODES * SERVES_EACH);
        });
        expect(arrival.longestMs).to.be.below(arrival.allowedMs);

        const changes = await turnsOf(async () => {
          for (const n of numbers(CHANGES))
            say(news({ serves: [serveOf(n, 100, `other-${n}`)] }));
          const all = NODES * SERVES_EACH + CHANGES;
          await eventually("the changes", () => known() === all);
          await eventually("all have looked", () =>
            control.uses().every(({ error }) => error === LOOKED),
          );
        });
        expect(changes.longestMs).to.be.below(changes.allowedMs);
      });
    }));
});
