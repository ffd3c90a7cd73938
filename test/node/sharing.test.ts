import { expect } from "chai";
import type { Share } from "../../src/config/config.js";
import { Identity } from "../../src/keys/identity.js";
import { eventually, within } from "../support/deadline.js";
import { startEcho, TestServer } from "../support/echo.js";
import { withHub, type TestHub } from "../support/hub.js";
import type { TestNode } from "../support/node.js";
import { reservePort } from "../support/ports.js";
import { Hand } from "../support/stream-by-hand.js";
import {
  nodeSettings,
  serveSettings,
  useSettings,
} from "../support/settings.js";

/** A node with a serve called web. */
function provider(
  hub: TestHub,
  name: string,
  share: Share,
  port: number,
  serveid = 0,
): Promise<TestNode> {
  return hub.node({
    name,
    serves: [serveSettings("web", { serveid, port, share })],
  });
}

async function user(
  hub: TestHub,
  serve = "web",
): Promise<{ node: TestNode; port: number }> {
  const port = await reservePort();
  const node = await hub.node({
    name: "user",
    uses: [useSettings("web", { serve, port })],
  });
  return { node, port };
}

/** A connection there comes back. */
async function echoes(hub: TestHub, port: number): Promise<void> {
  const connection = await hub.user(port);
  connection.socket.end("hello");
  await within("the echo", connection.ended);
  expect(connection.text).to.equal("hello");
}

const untilProviders = (node: TestNode, count: number) =>
  eventually(`${count} providers`, () => node.use("web").providers === count);

describe("serves that are balanced", () => {
  it("lose no byte of a user whose first choice fails", () =>
    withHub(async (hub) => {
      const echo = await hub.service(startEcho);
      const dead = await reservePort();
      await provider(hub, "dead", "balance", dead);
      await provider(hub, "alive", "balance", echo.port);
      const { node, port } = await user(hub);
      await untilProviders(node, 2);
      for (let n = 0; n < 6; n++) {
        const said = `bytes ${n} `.repeat(2_000);
        const connection = await hub.user(port);
        connection.socket.end(said);
        await within("the echo", connection.ended);
        expect(connection.text).to.equal(said);
      }
    }));

  it("show a failure until a connection succeeds, and no longer", () =>
    withHub(async (hub) => {
      const dead = await reservePort();
      await provider(hub, "alive", "balance", dead);
      const { node, port } = await user(hub);
      await node.untilUse("web", "listening");
      const refused = await hub.user(port);
      await within("the reset", refused.closed);
      expect(node.use("web").error).to.be.a("string");
      await hub.service(() =>
        TestServer.start(({ socket }) => socket.pipe(socket), { port: dead }),
      );
      const connection = await hub.user(port);
      connection.socket.write("x");
      await within("the echo", connection.untilBytes(1));
      expect(node.use("web")).to.include({ error: null, streams: 1 });
    }));

  it("count no stream that the service resets as soon as it has it", () =>
    withHub(async (hub) => {
      const rude = await hub.service(() =>
        TestServer.start(({ socket }) => socket.resetAndDestroy()),
      );
      await provider(hub, "rude", "balance", rude.port);
      const { node, port } = await user(hub);
      await node.untilUse("web", "listening");
      for (let n = 0; n < 10; n++)
        await within("the reset", (await hub.user(port)).closed);
      await eventually("no stream", () => node.use("web").streams === 0);
    }));
});

describe("serves that take over", () => {
  const serve = (node: TestNode) => node.serve("web");

  it("leave new connections to the later one, are told so, and have them again when it goes", () =>
    withHub(async (hub) => {
      const [echo, other] = [
        await hub.service(startEcho),
        await hub.service(startEcho),
      ];
      const first = await provider(hub, "first", "takeover", echo.port);
      await first.untilServe("web", "registered");
      const { node, port } = await user(hub);
      await node.untilUse("web", "listening");
      const running = await hub.user(port);
      running.socket.write("a");
      await within("the echo", running.untilBytes(1));

      const second = await provider(hub, "second", "takeover", other.port);
      await untilProviders(node, 2);
      const taken = "vnet 03 (second) has taken it over (share=takeover)";
      await first.untilNotice(
        /^serve web \(001\) gets new connections only of users that keep the other one out:/,
      );
      expect(serve(first)).to.include({ state: "registered", error: taken });
      expect(serve(second)).to.include({ serveid: 1, error: null });
      await eventually(
        "it is the later one's",
        () => node.use("web").remote?.vnet === "second",
      );
      expect(
        [...node.control.knownServes()].map(({ vnet, overtaken }) => [
          vnet,
          overtaken,
        ]),
      ).to.have.deep.members([
        ["second", false],
        ["first", true],
      ]);
      for (let n = 0; n < 3; n++) await echoes(hub, port);
      expect(other.connections).to.have.length(3);
      running.socket.write("b");
      await within("the echo over the earlier one", running.untilBytes(2));

      await second.control.closeServe("web");
      await untilProviders(node, 1);
      await echoes(hub, port);
      expect(echo.connections).to.have.length(2);
      await eventually("it is told", () => serve(first).error === null);
    }));

  it("lose no byte of a user whose latest one fails, and go on with the earlier one", () =>
    withHub(async (hub) => {
      const echo = await hub.service(startEcho);
      await provider(hub, "first", "takeover", echo.port);
      const gone = await reservePort();
      const rude = {
        ...serveSettings("web", { port: gone, share: "takeover" }),
        check: false,
      };
      const second = await hub.node({ name: "second", serves: [rude] });
      await second.untilServe("web", "registered");
      const { node, port } = await user(hub);
      await untilProviders(node, 2);
      for (let n = 0; n < 4; n++) await echoes(hub, port);
      expect(echo.connections).to.have.length(4);
    }));

  it("are the latest by name under any id, and by id under that one", () =>
    withHub(async (hub) => {
      const echo = await hub.service(startEcho);
      await provider(hub, "first", "takeover", echo.port, 700);
      const second = await provider(hub, "second", "takeover", echo.port, 701);
      await second.untilServe("web", "registered");
      const node = await hub.node({
        name: "user",
        uses: [
          useSettings("name", { serve: "web", port: await reservePort() }),
          useSettings("id", { serveid: 700, port: await reservePort() }),
        ],
      });
      await node.untilUse("id", "listening");
      await eventually(
        "the latest is met",
        () => node.use("name").remote?.vnet === "second",
      );
      expect(node.use("id").remote?.vnet).to.equal("first");
    }));

  it("keep their order when they lose the hub and come back, in whatever order", () =>
    withHub(async (hub) => {
      const echo = await hub.service(startEcho);
      const nodes = [
        await provider(hub, "first", "takeover", echo.port, 700),
        await provider(hub, "second", "takeover", echo.port, 700),
      ] as const;
      const taken = () => nodes.map((node) => serve(node).error !== null);
      await eventually("the later one is seen", () => taken()[0]);
      const told = () =>
        nodes.flatMap(({ notices }) =>
          notices.filter(({ text }) => text.includes("has taken it over")),
        );
      for (let n = 0; n < 2; n++) {
        await hub.stop();
        for (const node of nodes)
          await eventually("the hub is lost", () => node.vnetid === 0);
        await hub.open();
        for (const node of nodes) await node.online();
        await eventually("both are back", () => hub.counts.serves === 2);
        // Each has heard all that the other's return brings.
        for (const node of nodes) await node.control.ping(null, 3);
        await eventually("the later one is seen", () => taken()[0]);
        expect(taken()).to.deep.equal([true, false]);
      }
      expect(told(), "once, not in turns").to.have.length(1);
    }));

  it("register anew when a reload changes their share, or the name by which they share", () =>
    withHub(async (hub) => {
      const echo = await hub.service(startEcho);
      const rival = await provider(hub, "rival", "takeover", echo.port, 700);
      await rival.untilServe("web", "registered");
      const node = await hub.node({
        name: "other",
        serves: [serveSettings("web", { serveid: 700, port: echo.port })],
      });
      await node.untilServe("web", "refused");
      const config = (fields: Partial<ReturnType<typeof serveSettings>>) =>
        nodeSettings(hub.port, {
          name: "other",
          serves: [
            serveSettings("web", { serveid: 700, port: echo.port, ...fields }),
          ],
        });
      const isTaken = (is: boolean) =>
        eventually("it is told", () => (serve(rival).error !== null) === is);
      await node.control.reload(config({ share: "takeover" }));
      await node.untilServe("web", "registered");
      await isTaken(true);

      await node.control.reload(
        config({ serveid: 0, share: "takeover", name: "shop" }),
      );
      await isTaken(false);
      await node.untilServe("web", "registered");
      expect(node.serve("web").serveid).not.to.equal(700);
      await node.control.reload(
        config({ serveid: 0, share: "takeover", name: "web" }),
      );
      await isTaken(true);
      expect(node.serve("web").serveid).to.equal(700);
    }));
});

describe("uses of a service that nobody registered (to=)", () => {
  it("borrow it for as long as they are there, used or not", () =>
    withHub(async (hub) => {
      const echo = await hub.service(startEcho);
      const home = await hub.node({
        name: "home",
        // A second is enough to lose one that is not kept.
        vnet: {
          allowUnserve: true,
          unserveNum: 2,
          unserveTtlSeconds: 1,
          unserveLingerSeconds: 0,
        },
      });
      const port = await reservePort();
      const office = await hub.node({
        name: "office",
        uses: [useSettings("back", { to: `home:${echo.port}`, port })],
      });
      await office.untilUse("back", "listening");
      const [lent] = home.control.serves();
      expect(lent).to.include({ origin: "unserve", state: "lent" });
      const other = await office.control.requestUnserve({
        vnetid: home.vnetid,
        ip: "127.0.0.1",
        port: echo.port,
      });
      expect(other.unserve, "what is lent already").to.equal(lent?.unserve);
      // Who gives it back is not the only one who wants it.
      office.control.withdrawUnserve(other);

      const connection = await hub.user(port);
      connection.socket.end("hello");
      await within("the echo", connection.ended);
      expect(connection.text).to.equal("hello");
      await eventually(
        "no stream",
        () => home.control.serves()[0]?.streams === 0,
      );
      await untilAnotherLapsed(hub, home);
      // The very one, not another that was asked for when it went.
      const labels = home.control.serves().map(({ label }) => label);
      expect(labels).to.deep.equal([lent?.label]);

      await office.control.closeUse("back");
      await eventually(
        "it is given back",
        () => home.control.serves().length === 0,
      );
    }));

  it("lose it a while after their node left, and not when it comes back in time", () =>
    withHub(async (hub) => {
      const echo = await hub.service(startEcho);
      const home = await hub.node({
        name: "home",
        vnet: { allowUnserve: true, unserveNum: 2, unserveTtlSeconds: 1 },
      });
      const identity = Identity.generate();
      const office = await Hand.join(hub, "office", { identity });
      const lent = await office.borrow(home.vnetid, echo.port, true);
      expect(lent.granted).to.equal('{"unserve":1}');
      lent.peer.duplex.destroy();
      const again = await office.borrow(home.vnetid, echo.port, true);
      expect(again.granted).to.equal('{"unserve":1}');
      await untilAnotherLapsed(hub, home);
      expect(home.control.serves().map(({ label }) => label)).to.deep.equal([
        "u1",
      ]);
      again.peer.duplex.destroy();
      await home.untilNotice(
        /^unserve u1 is gone: its node did not come back within 1 s$/,
      );
      expect(home.control.serves()).to.deep.equal([]);
    }));
});

/** As long as one that is not kept stays unused. */
async function untilAnotherLapsed(hub: TestHub, home: TestNode): Promise<void> {
  const { port } = await hub.service(startEcho);
  const other = await hub.node({ name: "other" });
  const { unserve } = await other.control.requestUnserve({
    vnetid: home.vnetid,
    ip: "127.0.0.1",
    port,
  });
  await home.untilNotice(new RegExp(`^unserve u${unserve} is gone`));
  await other.close();
  await eventually("it left", () =>
    [...home.control.knownNodes()].every(({ name }) => name !== "other"),
  );
}
