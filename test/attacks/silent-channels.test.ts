// Members without the group's secret that open channels and say nothing on them, against a real hub and real nodes.

import { expect } from "chai";
import type { Socket } from "node:net";
import { eventually, within } from "../support/deadline.js";
import { startEcho } from "../support/echo.js";
import { needs } from "../support/find-program.js";
import { withHub, type TestHub } from "../support/hub.js";
import { reservePort } from "../support/ports.js";
import { serveSettings, useSettings } from "../support/settings.js";
import { Hand } from "../support/stream-by-hand.js";

const vnet = { secret: "what this group knows and nobody else" };

/** So many channels to that node, all at once. */
function silence(from: Hand, vnetid: number, count: number): Promise<Socket[]> {
  return Promise.all(Array.from({ length: count }, () => from.leg(vnetid)));
}

/** A member that comes later is served as ever. */
async function expectServed(hub: TestHub): Promise<void> {
  const port = await reservePort();
  const uses = [useSettings("web", { serveid: 700, port })];
  const office = await hub.node({ name: "office", vnet, uses });
  await office.untilUse("web", "listening");
  const user = await hub.user(port);
  user.socket.end("hello");
  await within("the echo", user.ended);
  expect(user.text).to.equal("hello");
}

describe("a member without the secret that says nothing on its channels", () => {
  it("has a few of them, and no part in those of others", () =>
    withHub(async (hub) => {
      const { port } = await hub.service(startEcho);
      const serves = [serveSettings("web", { serveid: 700, port })];
      const home = await hub.node({ name: "home", vnet, serves });
      await home.untilServe("web", "registered");
      const evil = await Hand.join(hub, "evil");
      await silence(evil, home.vnetid, 100);
      await eventually(
        "those that are taken",
        () => hub.counts.legs.joined > 0,
      );
      await home.control.ping(null, 1);
      expect(hub.counts.legs.joined).to.be.at.most(32);
      await expectServed(hub);
      expect(hub.counts.legs.joined).to.be.at.most(40);
    }));

  it("does not take all the programs that lead to the hub", function () {
    needs(this, "socat");
    return withHub(async (hub) => {
      const { port } = await hub.service(startEcho);
      const home = await hub.node(
        {
          ...{ name: "home", vnet },
          route: { ip: `exec:socat - TCP:127.0.0.1:${hub.port}`, port: 0 },
          serves: [serveSettings("web", { serveid: 700, port })],
        },
        { maxLegPrograms: 32 },
      );
      await home.untilServe("web", "registered");
      const evil = await Hand.join(hub, "evil");
      await silence(evil, home.vnetid, 40);
      await eventually(
        "those that are taken",
        () => hub.counts.legs.joined > 0,
      );
      await expectServed(hub);
      expect(home.notices.map(({ text }) => text).join()).not.to.include(
        "programs run for it already",
      );
    });
  });
});
