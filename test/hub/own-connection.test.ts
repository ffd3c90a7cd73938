import { expect } from "chai";
import { encodeLegPreamble } from "../../src/wire/preamble.js";
import { secureAsClient } from "../../src/net/secure.js";
import { eventually, within } from "../support/deadline.js";
import { LOOPBACK } from "../support/networks.js";
import { Observed } from "../support/echo.js";
import { HubClient } from "../support/hub-client.js";
import { withHub } from "../support/hub.js";
import { openClientKey } from "../support/link-key.js";
import { openLeg } from "../support/stranger.js";

describe("a connection of the hub to itself", () => {
  for (const [what, options] of [
    ["", {}],
    [
      " at a hub that asks others for a header and a line",
      { proxyFrom: LOOPBACK, connectLine: true },
    ],
  ] as const)
    it(`makes a control link${what}`, () =>
      withHub(async (hub) => {
        const { duplex } = await secureAsClient(
          hub.connectWithin(),
          await openClientKey(),
          4_000,
        );
        const link = new Observed(duplex);
        await within("the hub's proof", link.untilBytes(100));
        expect(link.text).to.include('"proof"');
        expect(hub.counts.unknown).to.equal(1);
        duplex.destroy();
      }, options));

  it("makes a leg, which carries bytes to one that came to the port", () =>
    withHub(async (hub) => {
      const home = await hub.client({ name: "home" });
      const office = await hub.client({ name: "office" });
      home.send({ type: "channel", request: 1, vnetid: office.vnetid });
      const { ticket } = await home.next("leg");
      const offer = await office.next("offer");
      const near = new Observed(hub.connectWithin());
      near.socket.write(encodeLegPreamble(ticket));
      const far = hub.keep(await openLeg(hub.port, offer.ticket));
      near.socket.end("question".repeat(100_000));
      await within("all of it", far.ended);
      expect(far.bytes).to.equal(800_000);
      far.socket.end("answer");
      await within("the answer", near.ended);
      expect(near.text).to.equal("answer");
      await eventually("it is over", () => hub.counts.legs.joined === 0);
    }));

  it("takes three quarters of a node's channels at most, as anybody may use a public port; the rest is for nodes", () =>
    withHub(
      async (hub) => {
        const home = await hub.client({ name: "home" });
        const office = await hub.client({ name: "office" });
        const own = HubClient.within(hub.port, hub.connectWithin());
        await own.join({ name: "hub" });
        const ask = (from: HubClient, request: number) => {
          from.send({ type: "channel", request, vnetid: home.vnetid });
        };
        for (let n = 1; n <= 6; n++) {
          ask(own, n);
          await own.next("leg");
        }
        ask(own, 7);
        expect((await own.next("refused")).reason).to.match(
          /three quarters of the channels .*\(max_legs_per_node\)$/,
        );
        for (let n = 1; n <= 2; n++) {
          ask(office, n);
          await office.next("leg");
        }
        ask(office, 3);
        expect((await office.next("refused")).reason).to.match(
          /as many channels as the hub allows \(max_legs_per_node\)$/,
        );
      },
      { maxLegsPerNode: 8, maxMakingPerPair: 100 },
    ));

  it("is not taken for a plain client, however long it is silent", () =>
    withHub(
      async (hub) => {
        const own = new Observed(hub.connectWithin());
        own.socket.write("rubbish");
        await within("it is closed", own.ended);
        expect(hub.log.texts).to.have.length(1);
        expect(hub.log.texts[0]).to.match(
          /^connection from the hub itself was turned away: is no vnet: /,
        );
      },
      {
        onPlain: () => {
          throw new Error("a plain client");
        },
      },
    ));

  it("ends when the hub is closed, and is refused after that", () =>
    withHub(async (hub) => {
      const own = new Observed(hub.connectWithin());
      await hub.stop();
      await within("it is closed", own.ended);
      await hub.open();
    }));
});
