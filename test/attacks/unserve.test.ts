// Attacks on what is borrowed, against a real hub and real nodes: each is what somebody did, or could do, who is no honest
// member of the group.

import { expect } from "chai";
import { Observed, startEcho } from "../support/echo.js";
import { eventually, within } from "../support/deadline.js";
import { frame } from "../support/channel-peer.js";
import { failureOf } from "../support/failure.js";
import { withHub, type TestHub } from "../support/hub.js";
import { reservePort } from "../support/ports.js";
import { serveSettings, useSettings } from "../support/settings.js";
import { Hand } from "../support/stream-by-hand.js";

const SECRET = "what this group knows and nobody else";
const LENDS = { allowUnserve: true, unserveNum: 1, secret: SECRET };

async function echoes(hub: TestHub, port: number): Promise<string> {
  const user = await hub.user(port);
  user.socket.end("hello");
  await within("the end", user.ended);
  return user.text;
}

describe("a member that registers a serve for one victim only (`only`)", () => {
  for (const share of ["exclusive", "balance"] as const)
    it(`is seen by all alike, and takes no stream from one with share=${share}`, () =>
      withHub(async (hub) => {
        const service = await hub.service(startEcho);
        const vnet = { secret: SECRET };
        const home = await hub.node({
          ...{ name: "home", vnet },
          serves: [
            serveSettings("web", { serveid: 700, port: service.port, share }),
          ],
        });
        await home.untilServe("web", "registered");
        const ports = [await reservePort(), await reservePort()];
        const office = await hub.node({
          ...{ name: "office", vnet },
          uses: [
            useSettings("id", { serveid: 700, port: ports[0]! }),
            useSettings("name", { serve: "web", port: ports[1]! }),
          ],
        });
        const lab = await hub.node({ name: "lab", vnet });
        for (const use of ["id", "name"])
          await office.untilUse(use, "listening");

        const thief = await Hand.join(hub, "thief");
        for (const [n, serveid] of [700, 0].entries()) {
          thief.client.send({
            ...{ type: "register", request: n, serveid, only: office.vnetid },
            serve: {
              ...{ name: "web", type: "tcp", ip: "127.0.0.1", port: 80 },
              ...{ info: "", share: "balance" },
            },
          });
          await thief.client.answer(n);
        }
        // He comes to each channel, and can do no handshake.
        const hangUp = async () => {
          for (;;) {
            const { ticket } = await thief.client.next("offer");
            (await thief.client.openLeg(ticket)).socket.destroy();
          }
        };
        hangUp().catch(() => undefined);
        // No directory is anybody's own.
        const seen = () =>
          [office, home, lab].map((n) =>
            // What each has found out of the others is its own.
            [...n.control.knownServes()].map(
              ({ trusted: _, ...serve }) => serve,
            ),
          );
        await eventually("all see the same", () => {
          const [first, ...others] = seen();
          for (const other of others) expect(other).to.deep.equal(first);
          return first!.some(({ vnet }) => vnet === "thief");
        });
        for (const port of [...ports, ...ports])
          expect(await echoes(hub, port)).to.equal("hello");
        expect(service.connections).to.have.length(4);
      }));
});

describe("an asker for an unserve without the group's secret", () => {
  it("gets no answer, causes no look at the service, and takes no place", () =>
    withHub(async (hub) => {
      const service = await hub.service(startEcho);
      const home = await hub.node({ name: "home", vnet: LENDS });
      const { vnetid } = home;
      const { port } = service;
      const lend = { ip: "127.0.0.1", port, keep: true };
      for (const [n, secret] of ["", "something else, long enough"].entries()) {
        const stranger = await Hand.join(hub, `stranger-${n}`, { secret });
        for (let n = 0; n < 3; n++) {
          const error = await failureOf(stranger.open(vnetid, { lend }));
          expect(["refused", "closed"]).to.include(error.code);
        }
        // And without any handshake.
        const leg = await stranger.leg(vnetid);
        const raw = hub.keep(new Observed(leg));
        leg.write(frame("open", JSON.stringify({ lend })));
        await within("the end", raw.ended);
        expect(raw.text).not.to.include("unserve");
      }
      expect(home.control.serves()).to.deep.equal([]);
      expect(service.connections).to.deep.equal([]);
      expect(home.notices.map(({ text }) => text).join()).not.to.include(
        "unserve",
      );
      // The only place is there for one who has the secret.
      const office = await hub.node({
        name: "office",
        vnet: { secret: SECRET },
      });
      const granted = await office.control.requestUnserve({
        ...{ vnetid, ip: "127.0.0.1", port },
      });
      expect(granted.unserve).to.equal(1);
    }));

  it("has no message to the hub for it: the hub ends him, and asks nobody", () =>
    withHub(async (hub) => {
      const home = await hub.node({ name: "home", vnet: LENDS });
      const stranger = await hub.client({ name: "stranger" });
      stranger.send({
        ...{ type: "unserve", request: 1, vnetid: home.vnetid },
        ...{ ip: "127.0.0.1", port: 22, keep: true },
      });
      expect(await stranger.next("goodbye")).to.include({ code: "protocol" });
      await home.control.ping(null, 1);
      expect(home.control.serves()).to.deep.equal([]);
    }));
});

describe("a member that asks for unserves without end", () => {
  it("keeps none from another member, and is refused in the end", () =>
    withHub(async (hub) => {
      const services = await Promise.all(
        Array.from({ length: 4 }, () => hub.service(startEcho)),
      );
      const ports = services.map(({ port }) => port);
      const home = await hub.node({
        name: "home",
        vnet: { ...LENDS, unserveNum: 2 },
      });
      const member = { secret: SECRET };
      const greedy = await Hand.join(hub, "greedy", member);
      const closed = await reservePort();
      const said: string[] = [];
      const asks = Array.from({ length: 40 }, async (_, n) => {
        const port = n % 5 === 4 ? closed : ports[n % 5]!;
        const lend = { ip: "127.0.0.1", port, keep: true };
        const peer = await greedy.open(home.vnetid, { lend });
        await eventually("an answer", () => peer.heard.length > 0);
        said.push(peer.heard[0]!);
        // Never a whole line.
        peer.say(frame("data", "{"));
      });
      const office = await hub.node({
        name: "office",
        vnet: member,
        uses: [
          useSettings("web", {
            to: `home:${ports[3]!}`,
            port: await reservePort(),
          }),
        ],
      });
      const use = await office.untilUse("web", "listening");
      await Promise.all(asks);
      expect(await echoes(hub, use.port)).to.equal("hello");
      expect(home.control.serves()).to.have.length(2);
      expect(said.join("\n")).to.match(/asks that node for unserves too often/);
    }));
});
