// Attacks on what is borrowed, against a real hub and real nodes: each is what somebody did, or could do, who is no honest
// member of the group.

import { expect } from "chai";
import { networkInterfaces } from "node:os";
import { Identity } from "../../src/keys/identity.js";
import { names } from "../../src/net/names.js";
import { Observed, startEcho } from "../support/echo.js";
import { eventually, within } from "../support/deadline.js";
import { frame } from "../support/channel-peer.js";
import { failureOf } from "../support/failure.js";
import { withHub, type TestHub } from "../support/hub.js";
import { reservePort } from "../support/ports.js";
import {
  nodeSettings,
  serveSettings,
  useSettings,
} from "../support/settings.js";
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
      // One that was met has as many channels as it likes.
      await greedy.channel(home.vnetid);
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

describe("a member that allow= keeps out", () => {
  const KEPT = /^refuse that is serve db of that node, .*\(allow=\)$/;
  const kept = () => Identity.generate().fingerprint;

  it("loses what it has borrowed of the same service when a reload takes it out of allow=, with the streams on it", () =>
    withHub(async (hub) => {
      const { port } = await hub.service(startEcho);
      const identity = Identity.generate();
      const settings = (allow: string) => ({
        ...{ name: "home", vnet: LENDS },
        serves: [serveSettings("db", { serveid: 700, port, allow })],
      });
      const home = await hub.node(settings(identity.fingerprint));
      await home.untilServe("db", "registered");
      const office = await Hand.join(hub, "office", {
        secret: SECRET,
        identity,
      });
      // Not as the serve has it: that is an unserve, not the serve.
      const lend = { ip: "localhost", port, keep: true };
      const lease = await office.open(home.vnetid, { lend });
      await eventually("the grant", () => lease.heard.length >= 2);
      lease.say(frame("data", "{}\n"));
      const streams = [{ serveid: 700 }, { unserve: 1 }];
      const running = [];
      for (const wanted of streams) {
        const stream = await office.open(home.vnetid, wanted);
        await eventually("it runs", () => stream.heard.includes("accept"));
        running.push(stream);
      }
      await home.control.reload(nodeSettings(hub.port, settings(kept())));
      for (const { heard } of running)
        await eventually("it ends", () =>
          heard.some((said) => said.startsWith("reset")),
        );
      await eventually("it is told", () =>
        lease.heard.join().includes('"gone":"that is serve db'),
      );
      for (const wanted of streams)
        expect(await office.refusal(home.vnetid, wanted)).to.be.a("string");
      expect(await office.refusal(home.vnetid, { lend })).to.match(/allow=/);
    }));

  it("loses it when a serve of the same service is opened, and that is not for it", () =>
    withHub(async (hub) => {
      const { port } = await hub.service(startEcho);
      const home = await hub.node({ name: "home", vnet: LENDS });
      const office = await Hand.join(hub, "office", { secret: SECRET });
      const { peer } = await office.borrow(home.vnetid, port, true);
      await home.control.addServe(
        serveSettings("db", { serveid: 700, port, allow: kept() }),
      );
      await eventually("it is told", () =>
        peer.heard.join().includes('"gone":"that is serve db'),
      );
      expect(await office.refusal(home.vnetid, { unserve: 1 })).to.match(
        /lends you nothing as u1/,
      );
    }));

  it("does not borrow it by another address or name of the same machine", () =>
    withHub(async (hub) => {
      const { port } = await hub.service(startEcho);
      const own = Object.values(networkInterfaces())
        .flatMap((list) => list ?? [])
        .find(({ family, internal }) => family === "IPv4" && !internal);
      const ips = ["127.0.0.1", "0.0.0.0", ...(own ? [own.address] : [])];
      const home = await hub.node({
        ...{ name: "home", vnet: { ...LENDS, unserveRemote: true } },
        serves: ips.map((ip, n) =>
          serveSettings(n === 0 ? "db" : `db${n}`, {
            ...{ ip, port, name: "db", allow: kept() },
          }),
        ),
      });
      const office = await Hand.join(hub, "office", { secret: SECRET });
      // Each of them by itself.
      for (const { label } of home.control.serves()) {
        for (const other of home.control.serves())
          if (other.label !== label) await home.control.closeServe(other.label);
        await home.control.openServe(label);
        for (const ip of [
          ...ips,
          ...["127.0.0.2", "::", "::1", "::ffff:127.0.0.1"],
          ...["localhost", "localhost."],
        ]) {
          const lend = { ip, port, keep: false };
          const { heard } = await office.open(home.vnetid, { lend });
          await eventually("the answer", () => heard.length > 0);
          expect(heard[0], `${ip} for ${label}`).to.match(KEPT);
        }
      }
    }));

  it("does not reach it by a name that leads there later only", () =>
    withHub(async (hub) => {
      const { port } = await hub.service(startEcho);
      const home = await hub.node({
        ...{ name: "home", vnet: { ...LENDS, unserveRemote: true } },
        serves: [serveSettings("db", { port, allow: kept() })],
      });
      await home.untilServe("db", "registered");
      const office = await Hand.join(hub, "office", { secret: SECRET });
      const lookup = names.lookup.bind(names);
      const answers = ["203.0.113.1"];
      names.lookup = (host, options) => {
        if (host !== "evil.example") return lookup(host, options);
        const address = answers.shift() ?? "127.0.0.1";
        return Promise.resolve([{ address, family: 4 }]);
      };
      try {
        const lend = { ip: "evil.example", port, keep: false };
        const lease = await office.open(home.vnetid, { lend });
        await eventually("the answer", () => lease.heard.length >= 2);
        expect(lease.heard[1]).to.include('{"unserve":1}');
        const stream = await office.open(home.vnetid, { unserve: 1 });
        await eventually("the answer", () => stream.heard.length > 0);
        expect(stream.heard[0]).to.match(KEPT);
      } finally {
        names.lookup = lookup;
      }
    }));
});
