import { expect } from "chai";
import { Identity } from "../../src/keys/identity.js";
import { eventually } from "../support/deadline.js";
import { withHub, type TestHub } from "../support/hub.js";
import { SERVE, type HubClient } from "../support/hub-client.js";
import { reservePort } from "../support/ports.js";
import { serveSettings, useSettings } from "../support/settings.js";

const HOME = Identity.generate();

/** What somebody sees of the group who joins now. */
async function directoryOf(hub: TestHub) {
  const viewer = await hub.connect();
  await viewer.greet({ name: "viewer", guest: true });
  const { nodes, serves } = await viewer.next("directory");
  viewer.close();
  await viewer.closed;
  return { nodes, serves };
}

async function gone(client: HubClient): Promise<void> {
  client.close();
  await client.closed;
}

it("what a key holds counts as used while a node of it goes by it, and may else make room for others", () =>
  withHub(async (hub) => {
    const home = await hub.client({ name: "home" }, HOME);
    const used = () =>
      hub.claims
        .inGroup("default")
        .filter((claim) => hub.claims.isUsed("default", claim))
        .map(({ kind, what }) => `${kind} ${what}`);
    await home.register(700, { name: "ssh" });
    expect(used()).to.have.members(["node home", "serveid 700", "name ssh"]);
    home.send({ type: "unregister", serveid: 700, keep: true });
    await home.roundTrip();
    expect(used()).to.deep.equal(["node home"]);
    expect(hub.claims.inGroup("default")).to.have.length(3);
  }));

/** Another member, with the same authkey, takes the name `home` and all that it can while home restarts. */
describe("an attack on who is who", () => {
  /** Home has vnetid 1, 700 and a dynamic id, leaves, and the attacker does its worst meanwhile. */
  const whileHomeIsAway = async (
    hub: TestHub,
    attack: (attacker: HubClient) => Promise<void>,
  ) => {
    const office = await hub.client({ name: "office" });
    const home = await hub.client({ name: "home" }, HOME);
    await home.register(700, { name: "ssh" });
    await home.register(0, { name: "shop" });
    await gone(home);
    await eventually("home is away", () => hub.counts.nodes === 1);
    const attacker = await hub.client({ name: "home", vnetid: home.vnetid });
    await attack(attacker);
    return { office, home, attacker };
  };

  it("gets neither the name, nor the vnetid, nor 700, nor the dynamic id, nor the exclusive name", () =>
    withHub(async (hub) => {
      const { home, attacker } = await whileHomeIsAway(
        hub,
        async (attacker) => {
          expect(attacker.name).to.equal("home-2");
          expect(attacker.vnetid).not.to.equal(2);
          for (const share of ["exclusive", "takeover", "balance"] as const) {
            const serve = { name: "ssh", share };
            const answer = await attacker.register(700, serve);
            expect(answer).to.include({ type: "refused" });
            if (answer.type === "refused")
              expect(answer.reason).to.match(
                /^serveid 700 is kept for vnet home/,
              );
          }
          const shop = await attacker.register(1, { name: "shop" });
          expect(shop).to.include({ type: "registered", serveid: 2 });
          await attacker.register(701, { name: "ssh" });
        },
      );
      const during = await directoryOf(hub);
      expect(during.nodes.map(({ name }) => name)).to.have.members([
        "office",
        "home-2",
      ]);
      for (const serve of during.serves)
        expect(serve).to.include({ namesake: true, vnetid: attacker.vnetid });

      const back = await hub.client({ name: "home" }, HOME);
      expect(back).to.include({ name: "home", vnetid: home.vnetid });
      const ssh = await back.register(700, { name: "ssh" });
      const shop = await back.register(0, { name: "shop" });
      expect(ssh).to.include({ type: "registered", serveid: 700 });
      expect(shop).to.include({ type: "registered", serveid: 1 });
      const { serves } = await directoryOf(hub);
      for (const serve of serves)
        expect(serve.namesake ?? false).to.equal(serve.vnetid !== back.vnetid);
    }));

  it("gets none of it while the hub restarts, either, and home has it all again", () =>
    withHub(async (hub) => {
      const home = await hub.client({ name: "home" }, HOME);
      await home.register(700, { name: "ssh" });
      await home.register(0, { name: "shop" });
      await hub.stop();
      await hub.open();
      const attacker = await hub.client({ name: "home", vnetid: home.vnetid });
      expect(attacker.name).to.equal("home-2");
      expect(attacker.vnetid).not.to.equal(home.vnetid);
      const wanted = await attacker.register(700, { name: "ssh" });
      expect(wanted).to.include({ type: "refused" });
      const shop = await attacker.register(1, { name: "shop" });
      expect(shop).to.include({ serveid: 2 });
      const back = await hub.client({ name: "home" }, HOME);
      expect(back).to.include({ name: "home", vnetid: home.vnetid });
      for (const [wants, name, serveid] of [
        [700, "ssh", 700],
        [0, "shop", 1],
      ] as const)
        expect(await back.register(wants, { name })).to.include({ serveid });
    }));

  it("does not get what home has while it is there, dead or alive", () =>
    withHub(async (hub) => {
      const home = await hub.client({ name: "home" }, HOME);
      await home.register(700);
      home.answersPings = false;
      const attacker = await hub.client({ name: "home" });
      expect(attacker.name).to.equal("home-2");
      const { type } = await attacker.register(700);
      expect(type).to.equal("refused");
      expect(home.isClosed).to.equal(false);
    }));

  it("cannot change its own serve into home's by an update", () =>
    withHub(async (hub) => {
      const home = await hub.client({ name: "home" }, HOME);
      await home.register(700, { name: "ssh" });
      const attacker = await hub.client({ name: "evil" });
      await attacker.register(701, { name: "harmless" });
      const serve = { ...SERVE, name: "ssh", share: "takeover" };
      attacker.send({ type: "update", serveid: 701, serve });
      await attacker.roundTrip();
      const { serves } = await directoryOf(hub);
      const [stolen] = serves.filter(({ vnetid }) => vnetid !== home.vnetid);
      expect(stolen).to.include({ name: "ssh", namesake: true });
    }));

  it("as a guest does not call itself home towards a provider", () =>
    withHub(async (hub) => {
      await hub.client({ name: "home" }, HOME);
      const provider = await hub.client({ name: "provider" });
      const guest = await hub.client({ name: "home", guest: true });
      const { vnetid } = provider;
      guest.send({ type: "channel", request: 1, vnetid });
      expect((await provider.next("offer")).name).to.equal("home-2");
      const own = await hub.client({ name: "home", guest: true }, HOME);
      own.send({ type: "channel", request: 1, vnetid });
      expect((await provider.next("offer")).name).to.equal("home");
    }));
});

describe("a node whose name is another's", () => {
  it("goes on under the next one, says so once with the remedy, and shows it", () =>
    withHub(async (hub) => {
      await hub.client({ name: "home" }, HOME);
      const node = await hub.node({ name: "home" });
      const notice = await node.untilNotice(/is called home-2/);
      expect(notice.text).to.match(
        /this node is called home-2 in group default: /,
      );
      expect(notice.text).to.match(/\[vnet\] name.*route forget/);
      expect(node.control.view().name).to.equal("home-2");
      await hub.stop();
      await hub.open();
      await node.online();
      expect(node.control.view().name).to.equal("home-2");
    }));

  it("is given up for what came back as another process of the same key, once that shows no sign of life", () =>
    withHub(
      async (hub) => {
        const ghost = await hub.client({ name: "home" }, HOME);
        ghost.answersPings = false;
        const back = await hub.client({ name: "home" }, HOME);
        expect(back).to.include({ name: "home", vnetid: ghost.vnetid });
        await ghost.closed;
      },
      {
        holderProbeMs: 60,
        heartbeat: { intervalMs: 60_000, timeoutMs: 120_000 },
      },
    ));

  it("is told apart from a second process of the same key that is alive", () =>
    withHub(async (hub) => {
      const first = await hub.client({ name: "home" }, HOME);
      const second = await hub.client({ name: "home" }, HOME);
      expect([first.name, second.name]).to.deep.equal(["home", "home-2"]);
      await first.roundTrip();
    }));
});

describe("what a node had", () => {
  it("is kept when it ends in good order, and given to others when it closes the serve", () =>
    withHub(async (hub) => {
      const serves = ["keep", "give"].map((label, n) =>
        serveSettings(label, { serveid: 700 + n, port: 1 }),
      );
      const home = await hub.node({ name: "home", serves });
      await home.untilServe("keep", "registered");
      await home.untilServe("give", "registered");
      await home.control.closeServe("give");
      await home.close();
      await eventually("home has left", () => hub.counts.nodes === 0);
      const other = await hub.client({ name: "other" });
      expect(await other.register(700)).to.include({ type: "refused" });
      expect(await other.register(701)).to.include({ serveid: 701 });
    }));

  it("is not meant by a use of the bare name as long as that is another's, and can be had as NAME@NODE", () =>
    withHub(async (hub) => {
      // Real nodes, as a use listens only when a channel to its provider could be made.
      const serves = [serveSettings("shop", { port: 1 })];
      const home = await hub.node({ name: "home", serves }, { identity: HOME });
      await home.untilServe("shop", "registered");
      const other = await hub.node({ name: "other", serves });
      await other.untilServe("shop", "registered");
      const uses = [
        useSettings("bare", { serve: "shop", port: await reservePort() }),
        useSettings("at", {
          serve: "shop@other",
          port: await reservePort(),
        }),
      ];
      const node = await hub.node({ name: "user", uses });
      await node.untilUse("at", "listening");
      expect((await node.untilUse("bare", "listening")).remote?.vnet).to.equal(
        "home",
      );
      await home.close();
      const { error } = await node.untilUse("bare", "waiting");
      expect(error).to.equal(
        "the node that has the name shop is away; other has one of that name, too: to use that, write shop@other",
      );
      const back = await hub.node({ name: "home", serves }, { identity: HOME });
      await node.untilUse("bare", "listening");
      await back.control.deleteServe("shop");
      await eventually(
        "the name is the other one's",
        () => node.use("bare").remote?.vnet === "other",
      );
    }));
});
