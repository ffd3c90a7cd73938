import { expect } from "chai";
import { Hub } from "../../src/hub/hub.js";
import { HostKey } from "../../src/keys/host-key.js";
import { Identity } from "../../src/keys/identity.js";
import { silentLog } from "../../src/log.js";
import { eventually, within } from "../support/deadline.js";
import { failureOf } from "../support/failure.js";
import { openKeys, withHub, type TestHub } from "../support/hub.js";
import { SERVE, type HubClient } from "../support/hub-client.js";
import { serveSettings } from "../support/settings.js";

/** the node that comes back in a test */
const SELF = Identity.generate();
const TOKEN = "0123456789abcdef".repeat(2);

/** Asks for a channel and resolves with both tickets. */
async function askChannel(from: HubClient, to: HubClient) {
  from.send({ type: "channel", request: 1, vnetid: to.vnetid });
  const leg = await from.next("leg");
  const offer = await to.next("offer");
  expect(leg.request).to.equal(1);
  expect(offer.vnetid).to.equal(from.vnetid);
  return { from: leg.ticket, to: offer.ticket };
}

/** Both legs of a channel, joined. */
async function openChannel(hub: TestHub, from: HubClient, to: HubClient) {
  const tickets = await askChannel(from, to);
  const a = hub.keep(await from.openLeg(tickets.from));
  const b = hub.keep(await to.openLeg(tickets.to));
  await eventually("the legs are joined", () => hub.counts.legs.joined === 1);
  return { a, b, tickets };
}

/** Waits for the change that says that a serve went. */
async function untilGone(client: HubClient, serveid: number): Promise<void> {
  for (;;) {
    const { goneServes } = await client.next("directory");
    if (goneServes.some((gone) => gone.serveid === serveid)) return;
  }
}

describe("the hub", () => {
  it("cannot start on a port that is taken, and says why", () =>
    withHub(async (hub) => {
      const second = Hub.start({
        host: "127.0.0.1",
        port: hub.port,
        software: "vnet test",
        log: silentLog,
        hostKey: HostKey.generate(),
        keys: await openKeys(),
      });
      const error = await failureOf(second);
      expect(error).to.include({ code: "network" });
      expect(error.message).to.equal(
        `cannot listen on 127.0.0.1:${hub.port}: that port is already in use`,
      );
    }));

  it("says goodbye to every node when it closes, and closes but once", () =>
    withHub(async (hub) => {
      const nodes = [
        await hub.client(),
        await hub.client(),
        await hub.connect(),
      ];
      await hub.stop();
      await hub.stop();
      for (const node of nodes.slice(0, 2)) {
        expect(await node.next("goodbye")).to.include({ code: "shutdown" });
        await node.closed;
      }
      await nodes[2]!.closed;
    }));

  it("numbers nodes from 01, and gives one that returns its old number", () =>
    withHub(async (hub) => {
      const home = await hub.client({ name: "home" }, SELF);
      const office = await hub.client({ name: "office" });
      expect([home.vnetid, office.vnetid]).to.deep.equal([1, 2]);
      home.close();
      await eventually("home is gone", () => hub.counts.nodes === 1);
      expect((await hub.client({ name: "lab" })).vnetid).to.equal(3);
      const back = await hub.client({ name: "attic", vnetid: 1 }, SELF);
      expect(back.vnetid).to.equal(1);
    }));

  it("counts what it has", () =>
    withHub(async (hub) => {
      const home = await hub.client();
      const lab = await hub.client({ group: "lab" });
      await home.register(0);
      await lab.register(0);
      await lab.register(700);
      await hub.connect();
      await eventually("the counts", () => {
        expect(hub.counts).to.deep.equal({
          groups: 2,
          nodes: 2,
          serves: 3,
          unknown: 1,
          legs: { joined: 0, waiting: 0 },
        });
        return true;
      });
    }));

  describe("and a node that returns before its old link is known to be dead", () => {
    it("let it take over, with the same vnetid and ids", () =>
      withHub(async (hub) => {
        const office = await hub.client({ name: "office" });
        const stale = await hub.client({ session: TOKEN }, SELF);
        expect(await stale.register(700)).to.include({ serveid: 700 });
        expect(await stale.register(7)).to.include({ serveid: 7 });

        const { vnetid } = stale;
        const back = await hub.client({ session: TOKEN, vnetid }, SELF);
        expect(await stale.next("goodbye")).to.include({ code: "replaced" });
        await stale.closed;
        expect(back.vnetid).to.equal(vnetid);
        const again = { name: "again" };
        expect(await back.register(700, again)).to.include({ serveid: 700 });
        expect(await back.register(7)).to.include({ serveid: 7 });
        expect(hub.counts).to.include({ nodes: 2, serves: 2 });
        // That the first one went may be told with what came in its place.
        let told = await office.next("directory");
        while (!told.serves.some(({ name }) => name === "again"))
          told = await office.next("directory");
      }));

    it("cut its old channels, which would never end by themselves", () =>
      withHub(async (hub) => {
        const office = await hub.client({ name: "office" });
        const stale = await hub.client({ session: TOKEN }, SELF);
        const { a, b } = await openChannel(hub, office, stale);
        await hub.client({ session: TOKEN, vnetid: stale.vnetid }, SELF);
        expect(await within("the leg's end", a.ended)).to.equal("reset");
        expect(await within("the leg's end", b.ended)).to.equal("reset");
      }));

    it("let it take over into another group, too", () =>
      withHub(async (hub) => {
        const stale = await hub.client({ session: TOKEN }, SELF);
        await hub.client({ session: TOKEN, group: "lab" }, SELF);
        await stale.closed;
        expect(hub.counts).to.include({ groups: 1, nodes: 1 });
      }));

    it("do not take another node that shows its token for it", () =>
      withHub(async (hub) => {
        const home = await hub.client({ session: TOKEN }, SELF);
        const thief = await hub.connect();
        await thief.greet({ session: TOKEN, vnetid: home.vnetid });
        expect(await thief.next("goodbye")).to.include({
          code: "protocol",
          reason: "somebody else's session",
        });
        await thief.closed;
        await home.roundTrip();
        expect(hub.counts).to.include({ nodes: 1 });
      }));

    it("do not take another token for it", () =>
      withHub(async (hub) => {
        const home = await hub.client({ session: TOKEN });
        const other = await hub.client({ vnetid: home.vnetid });
        expect(other.vnetid).not.to.equal(home.vnetid);
        await home.roundTrip();
      }));
  });

  describe("and a static id that is held", () => {
    it("give it to the same node's new process when the old one gives no sign of life", () =>
      withHub(
        async (hub) => {
          const holder = await hub.client({ name: "holder" }, SELF);
          await holder.register(700);
          holder.answersPings = false;
          const newcomer = await hub.client({ name: "holder" }, SELF);
          expect(await newcomer.register(700)).to.include({ serveid: 700 });
          await holder.closed;
          expect(hub.counts).to.include({ nodes: 1, serves: 1 });
        },
        {
          holderProbeMs: 60,
          heartbeat: { intervalMs: 60_000, timeoutMs: 120_000 },
        },
      ));

    it("refuse it to another node, silent though the holder is, and gone though it is", () =>
      withHub(
        async (hub) => {
          const holder = await hub.client({ name: "holder" }, SELF);
          await holder.register(700);
          holder.answersPings = false;
          const thief = await hub.client({ name: "holder" });
          expect(await thief.register(700)).to.include({ type: "refused" });
          expect(holder.isClosed).to.be.false;
          await holder.closed;
          await untilGone(thief, 700);
          expect(await thief.register(700)).to.include({ type: "refused" });
          hub.claims.forget("default", "700");
          expect(await thief.register(700)).to.include({ serveid: 700 });
        },
        { holderProbeMs: 60, heartbeat: { intervalMs: 100, timeoutMs: 500 } },
      ));

    it("leave it to a holder that is alive, and name it to the newcomer", () =>
      withHub(async (hub) => {
        const holder = await hub.client({ name: "holder" });
        await holder.register(700);
        const newcomer = await hub.client({ name: "newcomer" });
        expect(await newcomer.register(700)).to.include({
          type: "refused",
          reason: "serveid 700 is held by vnet 01 (holder), serve web",
        });
        await holder.roundTrip();
      }));

    it("let a node register by itself when the holder goes for which nothing is kept", () =>
      withHub(async (hub) => {
        const holder = await hub.node({
          name: "holder",
          serves: [serveSettings("shop", { serveid: 700, port: 1 })],
        });
        await holder.untilServe("shop", "registered");
        const newcomer = await hub.node({
          name: "newcomer",
          serves: [serveSettings("mine", { serveid: 700, port: 2 })],
        });
        const { error } = await newcomer.untilServe("mine", "refused");
        expect(error).to.equal(
          "serveid 700 is held by vnet 01 (holder), serve shop",
        );
        await newcomer.untilNotice(/serve mine is not registered.*holder/);
        hub.claims.forget("default", "700");
        await holder.close();
        expect(await newcomer.untilServe("mine", "registered")).to.include({
          serveid: 700,
          error: null,
        });
      }));

    it("let a node register by itself when the holder closes that serve", () =>
      withHub(async (hub) => {
        const serves = [serveSettings("shop", { serveid: 700, port: 1 })];
        const holder = await hub.node({ name: "holder", serves });
        await holder.untilServe("shop", "registered");
        const newcomer = await hub.node({ name: "newcomer", serves });
        await newcomer.untilServe("shop", "refused");
        await holder.control.closeServe("shop");
        await newcomer.untilServe("shop", "registered");
      }));

    it("refuse it to a node that holds it itself", () =>
      withHub(async (hub) => {
        const home = await hub.client();
        await home.register(700);
        expect(await home.register(700)).to.include({ type: "refused" });
      }));
  });

  it("lets nobody update or unregister another node's serve", () =>
    withHub(async (hub) => {
      const home = await hub.client({ name: "home" });
      const thief = await hub.client({ name: "thief" });
      await home.register(700);
      thief.send({ type: "unregister", serveid: 700 });
      thief.send({
        type: "update",
        serveid: 700,
        serve: { ...SERVE, name: "mine" },
      });
      thief.send({ type: "unregister", serveid: 701 });
      await thief.roundTrip();
      const lab = await hub.connect();
      await lab.greet({ name: "lab" });
      const { serves } = await lab.next("directory");
      expect(serves).to.have.length(1);
      expect(serves[0]).to.include({ name: "web", vnetid: home.vnetid });
    }));

  describe("with two groups", () => {
    it("has the same static id in both, and neither sees the other", () =>
      withHub(async (hub) => {
        const red = await hub.client({ name: "red", group: "red" });
        const blue = await hub.client({ name: "blue", group: "blue" });
        expect(await red.register(700, { name: "r" })).to.include({
          serveid: 700,
        });
        expect(await blue.register(700, { name: "b" })).to.include({
          serveid: 700,
        });
        expect([red.vnetid, blue.vnetid]).to.deep.equal([1, 1]);
        for (const [client, name] of [
          [red, "r"],
          [blue, "b"],
        ] as const) {
          const changes = () =>
            client.received.filter((m) => m.type === "directory");
          const told = await eventually("its serve is told", () =>
            changes().some((m) => m.serves.length > 0) ? changes() : false,
          );
          const names = told.flatMap((m) => m.serves).map((s) => s.name);
          expect(names).to.deep.equal([name]);
          const nodes = told.flatMap((m) => m.nodes);
          expect(new Set(nodes.map((n) => n.name))).to.deep.equal(
            new Set([client === red ? "red" : "blue"]),
          );
        }
      }));

    it("refuses channels from one to the other", () =>
      withHub(async (hub) => {
        const red = await hub.client({ name: "red", group: "red" });
        await hub.client({ name: "blue 1", group: "blue" });
        const blue = await hub.client({ name: "blue 2", group: "blue" });
        expect(blue.vnetid).to.equal(2);
        red.send({ type: "channel", request: 1, vnetid: 2 });
        expect(await red.next("refused")).to.deep.include({
          request: 1,
          reason: "no node 02 in this group; `show vnets` lists them",
        });
        await blue.roundTrip();
        expect(blue.pending("offer")).to.be.empty;
      }));

    it("forgets a group with its last node", () =>
      withHub(async (hub) => {
        const red = await hub.client({ group: "red" });
        await hub.client({ group: "blue" });
        expect(hub.counts.groups).to.equal(2);
        red.close();
        await eventually("one group", () => hub.counts.groups === 1);
      }));
  });

  describe("joining legs", () => {
    it("copies both ways, with each side's end", () =>
      withHub(async (hub) => {
        const home = await hub.client({ name: "home" });
        const office = await hub.client({ name: "office" });
        const { a, b } = await openChannel(hub, office, home);
        a.socket.end("question");
        await within("the end", b.ended);
        expect(b.text).to.equal("question");
        b.socket.end("answer");
        await within("the end", a.ended);
        expect(a.text).to.equal("answer");
      }));

    it("does not lose what comes together with the ticket", () =>
      withHub(async (hub) => {
        const home = await hub.client({ name: "home" });
        const office = await hub.client({ name: "office" });
        const tickets = await askChannel(office, home);
        const a = hub.keep(await office.openLeg(tickets.from));
        a.socket.write("early");
        const b = hub.keep(await home.openLeg(tickets.to));
        await within("the bytes", b.untilBytes(5));
      }));

    it("refuses a ticket that was used, one that nobody issued and one that is too old", () =>
      withHub(
        async (hub) => {
          const home = await hub.client({ name: "home" });
          const office = await hub.client({ name: "office" });
          const tickets = await askChannel(office, home);
          const a = hub.keep(await office.openLeg(tickets.from));
          expect(await within("the end", a.ended)).to.equal("reset");
          for (const ticket of [tickets.from, tickets.to, "00".repeat(16)]) {
            const leg = hub.keep(await office.openLeg(ticket));
            await within("the end", leg.ended);
          }
          expect(hub.counts.legs).to.deep.equal({ joined: 0, waiting: 0 });
          await home.roundTrip();
        },
        { ticketMs: 30 },
      ));

    it("lets running channels be when a node leaves in good order", () =>
      withHub(async (hub) => {
        const home = await hub.client({ name: "home" });
        const office = await hub.client({ name: "office" });
        const { a, b } = await openChannel(hub, office, home);
        home.close();
        await eventually("home has left", () => hub.counts.nodes === 1);
        a.socket.write("still there");
        await within("the bytes", b.untilBytes(11));
      }));

    it("gives a guest channels, too", () =>
      withHub(async (hub) => {
        const home = await hub.client({ name: "home" });
        const guest = await hub.client({ name: "guest", guest: true });
        const { a, b } = await openChannel(hub, guest, home);
        a.socket.write("x");
        await within("the byte", b.untilBytes(1));
      }));
  });

  describe("with serves that are shared", () => {
    it("tells those that take over since when they are there, and takes none from its owner", () =>
      withHub(async (hub) => {
        const home = await hub.client({ name: "home" });
        const office = await hub.client({ name: "office" });
        const share = "takeover" as const;
        const answers = [
          await home.register(7, { share }),
          await office.register(0, { share }),
        ];
        const times = answers.map((answer) => {
          expect(answer).to.include({ type: "registered", serveid: 7 });
          return "since" in answer ? (answer.since ?? 0) : 0;
        });
        expect(times[0]).to.be.greaterThan(0);
        expect(times[1]).to.be.greaterThan(times[0]!);
        expect(hub.counts.serves).to.equal(2);
        home.send({ type: "unregister", serveid: 7 });
        await home.roundTrip();
        expect(hub.counts.serves).to.equal(1);
        expect(await home.register(7)).not.to.include({ serveid: 7 });
      }));

    it("goes on with the others when the session of one of several ends", () =>
      withHub(async (hub) => {
        const share = "balance" as const;
        const [home, office, lab] = [
          await hub.client({ name: "home" }),
          await hub.client({ name: "office" }),
          await hub.client({ name: "lab" }),
        ];
        for (const each of [home, office])
          expect(await each.register(700, { share })).to.include({
            serveid: 700,
          });
        expect(hub.counts.serves).to.equal(2);
        home.close();
        await untilGone(lab, 700);
        await eventually("one is left", () => hub.counts.serves === 1);
        const refused = await lab.register(700);
        expect(refused).to.deep.include({
          type: "refused",
          reason: "serveid 700 is held by vnet 02 (office), serve web",
        });
        expect(await lab.register(700, { share })).to.include({ serveid: 700 });
      }));
  });
});
