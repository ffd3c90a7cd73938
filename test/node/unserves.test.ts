import { expect } from "chai";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { RemoteServe, UseView } from "../../src/node/control.js";
import type { VnetSettings } from "../../src/config/config.js";
import { Identity } from "../../src/keys/identity.js";
import { ChannelSecurity } from "../../src/node/channel-security.js";
import { encodeChannelFrame, FrameType } from "../../src/wire/channel-frame.js";
import { eventually, within } from "../support/deadline.js";
import { Observed, startEcho, type TestServer } from "../support/echo.js";
import { failureOf } from "../support/failure.js";
import { makeFolder, removeFolder } from "../support/folder.js";
import { withHub, type TestHub } from "../support/hub.js";
import type { HubClient } from "../support/hub-client.js";
import type { TestNode } from "../support/node.js";
import { reservePort } from "../support/ports.js";
import { serveSettings } from "../support/settings.js";

const ALLOWED: Partial<VnetSettings> = { allowUnserve: true, unserveNum: 2 };

interface Pair {
  hub: TestHub;
  /** the provider */
  home: TestNode;
  /** the requester */
  office: TestNode;
  service: TestServer;
}

function withPair(
  vnet: Partial<VnetSettings>,
  body: (pair: Pair) => Promise<void>,
): Promise<void> {
  return withHub(async (hub) => {
    const service = await hub.service(startEcho);
    const home = await hub.node({ name: "home", vnet });
    const office = await hub.node({ name: "office" });
    await body({ hub, home, office, service });
  });
}

function ask(
  from: TestNode,
  to: TestNode,
  port: number,
  ip = "127.0.0.1",
): Promise<RemoteServe> {
  return within(
    "the answer",
    from.control.requestUnserve({ vnetid: to.vnetid, ip, port }),
  );
}

/** The provider's or the hub's reason for a refusal. */
async function refusal(asked: Promise<RemoteServe>): Promise<string> {
  const error = await failureOf(asked);
  expect(error).to.include({ code: "refused" });
  return error.message;
}

/** Asks for the service and maps it to a port of its own. */
async function borrow({ home, office, service }: Pair): Promise<UseView> {
  const { serveid } = await ask(office, home, service.port);
  const local = { ip: "127.0.0.1", port: await reservePort() };
  const use = await office.control.mapUnserve(serveid, local);
  expect(use).to.include({ state: "listening", origin: "unserve" });
  return use;
}

async function expectEcho(hub: TestHub, port: number): Promise<void> {
  const user = await hub.user(port);
  user.socket.end("hello");
  await within("the echo", user.ended);
  expect(user.text).to.equal("hello");
}

/** Both sides have forgotten the unserve. */
async function untilReturned({ hub, home, office }: Pair): Promise<void> {
  await eventually("the unserve is gone", () => {
    expect(home.control.serves()).to.deep.equal([]);
    expect(office.control.uses()).to.deep.equal([]);
    expect(office.control.knownServes()).to.deep.equal([]);
    expect(hub.counts.serves).to.equal(0);
    return true;
  });
}

/** Opens a stream to a serve by hand; resolves with the provider's reason. */
async function openByHand(
  hub: TestHub,
  { client, identity }: { client: HubClient; identity: Identity },
  vnetid: number,
  serveid: number,
): Promise<string> {
  const peer = client.received
    .flatMap((said) => (said.type === "directory" ? said.nodes : []))
    .find((node) => node.vnetid === vnetid)!;
  client.send({ type: "channel", request: 1, vnetid });
  const { ticket } = await client.next("leg");
  const { socket } = hub.keep(await client.openLeg(ticket));
  const security = new ChannelSecurity(identity, () => ({
    encrypt: true,
    secret: "",
    group: "default",
  }));
  const leg = new Observed(await security.secure(socket, peer, "opener"));
  leg.socket.write(
    encodeChannelFrame(FrameType.open, JSON.stringify({ serveid })),
  );
  await within("the answer", leg.untilBytes(1));
  await eventually("the whole answer", () => {
    const answer = leg.received;
    return answer.length >= 4 && answer.length >= 4 + answer.readUIntBE(1, 3);
  });
  expect(leg.received[0]).to.equal(FrameType.refuse);
  return leg.received.subarray(4).toString();
}

describe("an unserve", () => {
  it("is for hosts only: no request starts a program or opens a socket file at the provider", () =>
    withPair(
      { allowUnserve: true, unserveRemote: true, unserveNum: 9 },
      async ({ home, office, service }) => {
        const folder = makeFolder();
        const mark = join(folder, "mark");
        try {
          for (const ip of [
            `exec:touch ${mark}`,
            `exec:sh -c "touch ${mark}"`,
            ` exec:touch ${mark}`,
            `EXEC:touch ${mark}`,
            "unix:/run/docker.sock",
            "vsock:2:22",
            "hvsock:/run/vm.sock:22",
            "/run/docker.sock",
            "\\\\.\\pipe\\docker",
            "127.0.0.1:22",
            "a b",
          ])
            expect(await refusal(ask(office, home, service.port, ip))).to.equal(
              "an unserve is for an IP address or a host name only, nothing else",
            );
          expect(existsSync(mark)).to.equal(false);
          expect(home.control.serves()).to.deep.equal([]);
        } finally {
          removeFolder(folder);
        }
      },
    ));

  it("is granted, mapped and used", () =>
    withPair(ALLOWED, async (pair) => {
      const { hub, home, office, service } = pair;
      const serve = await ask(office, home, service.port);
      expect(serve).to.include({
        vnetid: home.vnetid,
        vnet: "home",
        ip: "127.0.0.1",
        port: service.port,
        temporary: true,
      });
      expect(home.control.serves()[0]).to.include({
        serveid: serve.serveid,
        origin: "unserve",
        state: "registered",
      });
      await home.untilNotice(/unserve 001 opens .* to vnet office/);
      const local = { ip: "127.0.0.1", port: await reservePort() };
      const use = await office.control.mapUnserve(serve.serveid, local);
      expect(use).to.deep.include({
        ...local,
        label: "unserve-001",
        state: "listening",
        origin: "unserve",
        remote: serve,
      });
      await expectEcho(hub, local.port);
      await expectEcho(hub, local.port);
    }));

  describe("is refused", () => {
    const cases: [
      why: string,
      vnet: Partial<VnetSettings>,
      ip: string,
      reason: RegExp,
    ][] = [
      [
        "where unserve is not allowed",
        { allowUnserve: false },
        "127.0.0.1",
        /^that node does not allow unserve \(allow_unserve=false\)$/,
      ],
      ...[
        "192.0.2.1",
        "0.0.0.0",
        "example.invalid",
        "127.0.0.1.invalid",
        "::",
      ].map((ip): [string, Partial<VnetSettings>, string, RegExp] => [
        `for ${ip}, which is not loopback`,
        ALLOWED,
        ip,
        /loopback addresses only, not .* \(unserve_remote=false\)$/,
      ]),
      [
        "where no unserve may be at any time",
        { allowUnserve: true, unserveNum: 0 },
        "127.0.0.1",
        /allows 0 unserves .*\(unserve_num\)/,
      ],
    ];
    for (const [why, vnet, ip, reason] of cases)
      it(why, () =>
        withPair(vnet, async ({ home, office, service }) => {
          expect(await refusal(ask(office, home, service.port, ip))).to.match(
            reason,
          );
          expect(home.control.serves()).to.be.empty;
        }),
      );

    it("where nothing listens", () =>
      withPair(ALLOWED, async ({ home, office }) => {
        const port = await reservePort();
        expect(await refusal(ask(office, home, port))).to.equal(
          `cannot connect to 127.0.0.1:${port}: connection refused, nothing listens there`,
        );
        expect(home.control.serves()).to.be.empty;
      }));

    it("for a node that is not there", () =>
      withPair(ALLOWED, async ({ office }) => {
        const asked = office.control.requestUnserve({
          vnetid: 77,
          ip: "127.0.0.1",
          port: 22,
        });
        expect(await refusal(asked)).to.match(/^no node 77 in this group/);
      }));

    it("when the provider has as many as it allows", () =>
      withPair({ ...ALLOWED, unserveNum: 1 }, async (pair) => {
        const { hub, home, office, service } = pair;
        await borrow(pair);
        const second = await hub.service(startEcho);
        const limit = /allows 1 unserves at the same time and has them/;
        expect(await refusal(ask(office, home, second.port))).to.match(limit);
        const lab = await hub.node({ name: "lab" });
        expect(await refusal(ask(lab, home, service.port))).to.match(limit);
      }));

    it("to one of two requests at once for the last place", () =>
      withPair({ ...ALLOWED, unserveNum: 1 }, async (pair) => {
        const { hub, home, office, service } = pair;
        const lab = await hub.node({ name: "lab" });
        const outcomes = await Promise.allSettled([
          ask(office, home, service.port),
          ask(lab, home, service.port),
        ]);
        expect(outcomes.map(({ status }) => status)).to.have.members([
          "fulfilled",
          "rejected",
        ]);
        expect(home.control.serves()).to.have.length(1);
      }));

    it("and takes no place for that", () =>
      withPair({ ...ALLOWED, unserveNum: 1 }, async (pair) => {
        const { home, office, service } = pair;
        for (let n = 0; n < 3; n++)
          await refusal(ask(office, home, await reservePort()));
        await ask(office, home, service.port);
      }));
  });

  it("may be of an address that is not loopback where that is allowed", () =>
    withPair({ ...ALLOWED, unserveRemote: true }, async (pair) => {
      const { home, office, service } = pair;
      // A name counts as not loopback, whatever it is.
      expect(await ask(office, home, service.port, "0.0.0.0")).to.include({
        ip: "0.0.0.0",
      });
    }));

  it("may be of localhost", () =>
    withPair(ALLOWED, async ({ home, office, service }) => {
      const serve = await ask(office, home, service.port, "localhost");
      expect(serve).to.include({ ip: "localhost", temporary: true });
    }));

  describe("of a target that is registered", () => {
    it("is that serve, and takes no place", () =>
      withHub(async (hub) => {
        const service = await hub.service(startEcho);
        const home = await hub.node({
          name: "home",
          vnet: { allowUnserve: true, unserveNum: 1 },
          serves: [serveSettings("web", { serveid: 700, port: service.port })],
        });
        await home.untilServe("web", "registered");
        const office = await hub.node({ name: "office" });
        for (let n = 0; n < 3; n++)
          expect(await ask(office, home, service.port)).to.include({
            serveid: 700,
            temporary: false,
          });
        expect(home.control.serves()).to.have.length(1);

        const port = await reservePort();
        const local = { ip: "127.0.0.1", port };
        const use = await office.control.mapUnserve(700, local);
        expect(use).to.include({ origin: "terminal", state: "listening" });
        await expectEcho(hub, port);
        office.control.withdrawUnserve(700);
        await office.control.ping(null, 1);
        await home.control.ping(null, 1);
        expect(home.serve("web").state).to.equal("registered");

        const other = await hub.service(startEcho);
        await ask(office, home, other.port);
      }));

    it("is the same unserve for the same requester, and takes no second place", () =>
      withPair({ ...ALLOWED, unserveNum: 1 }, async (pair) => {
        const { home, office, service } = pair;
        const first = await ask(office, home, service.port);
        expect(await ask(office, home, service.port)).to.deep.equal(first);
        expect(home.control.serves()).to.have.length(1);
      }));

    it("is another unserve for another requester", () =>
      withPair(ALLOWED, async ({ hub, home, office, service }) => {
        const lab = await hub.node({ name: "lab" });
        const first = await ask(office, home, service.port);
        const second = await ask(lab, home, service.port);
        expect(second.serveid).not.to.equal(first.serveid);
        expect(home.control.serves()).to.have.length(2);
      }));
  });

  it("is not seen by others", () =>
    withPair(ALLOWED, async ({ hub, home, office, service }) => {
      const lab = await hub.node({ name: "lab" });
      const { serveid } = await ask(office, home, service.port);
      const late = await hub.node({ name: "late" });
      for (const node of [home, lab, late]) {
        await node.control.ping(null, 1);
        expect(node.seen(serveid)).to.be.undefined;
      }
      expect(office.seen(serveid)).to.exist;
    }));

  it("is not reached by others, though they know its serveid", () =>
    withPair(ALLOWED, async ({ hub, home, office, service }) => {
      const { serveid } = await ask(office, home, service.port);
      const before = service.connections.length;
      const identity = Identity.generate();
      const client = await hub.client({ name: "thief" }, identity);
      const thief = { client, identity };
      expect(await openByHand(hub, thief, home.vnetid, serveid)).to.equal(
        `this node has no serve ${String(serveid).padStart(3, "0")}`,
      );
      expect(service.connections).to.have.length(before);
    }));

  describe("goes", () => {
    const SHORT = { unserveTtlSeconds: 0.08, unserveLingerSeconds: 0.08 };

    it("when it is not used in time, with the requester's use and notices", () =>
      withPair({ ...ALLOWED, ...SHORT }, async (pair) => {
        const use = await borrow(pair);
        await untilReturned(pair);
        await pair.home.untilNotice(
          /^unserve 001 is gone: it was not used any more$/,
        );
        await pair.office.untilNotice(
          new RegExp(`^unserve 001 is gone, and use ${use.label} with it$`),
        );
      }));

    it("not while a stream runs, but some time after the last one", () =>
      withPair({ ...ALLOWED, ...SHORT }, async (pair) => {
        const { hub, home, port } = {
          ...pair,
          port: (await borrow(pair)).port,
        };
        const users = [await hub.user(port), await hub.user(port)];
        for (const user of users) user.socket.write("x");
        for (const user of users) await within("echo", user.untilBytes(1));
        // A second unserve is born later and dies of its age meanwhile.
        const other = await hub.service(startEcho);
        await ask(pair.office, home, other.port);
        await home.untilNotice(/unserve 002 is gone/);
        users[0]!.socket.end();
        await within("the end", users[0]!.ended);
        await ask(pair.office, home, other.port);
        await eventually(
          "the second one is gone again",
          () => home.control.serves().length === 1,
        );
        users[1]!.socket.write("y");
        await within("the echo", users[1]!.untilBytes(2));

        users[1]!.socket.end();
        await untilReturned(pair);
      }));

    it("later than its first term when a stream was there meanwhile", () =>
      withPair(
        { ...ALLOWED, unserveTtlSeconds: 0.05, unserveLingerSeconds: 60 },
        async (pair) => {
          const { port } = await borrow(pair);
          await expectEcho(pair.hub, port);
          const other = await pair.hub.service(startEcho);
          await ask(pair.office, pair.home, other.port);
          await pair.home.untilNotice(/unserve 002 is gone/);
          expect(pair.home.control.serves()).to.have.length(1);
          await expectEcho(pair.hub, port);
        },
      ));

    it("when its use is deleted, which frees the provider's place", () =>
      withPair({ ...ALLOWED, unserveNum: 1 }, async (pair) => {
        for (let n = 0; n < 3; n++) {
          const { label } = await borrow(pair);
          await pair.office.control.deleteUse(label);
          await untilReturned(pair);
        }
        await pair.home.untilNotice(/unserve \d+ is gone: it was given back/);
      }));

    it("when its use is closed", () =>
      withPair(ALLOWED, async (pair) => {
        const { label } = await borrow(pair);
        await pair.office.control.closeUse(label);
        await untilReturned(pair);
      }));

    it("when it is given back without having been mapped", () =>
      withPair({ ...ALLOWED, unserveNum: 1 }, async (pair) => {
        const { home, office, service } = pair;
        const { serveid } = await ask(office, home, service.port);
        office.control.withdrawUnserve(serveid);
        await untilReturned(pair);
        const gone = await failureOf(
          office.control.mapUnserve(serveid, { ip: "127.0.0.1", port: 0 }),
        );
        expect(gone).to.include({ code: "closed" });
        expect(gone.message).to.match(/unserve 001 is gone already/);
      }));

    it("when it could not be mapped, which leaves no use behind", () =>
      withPair({ ...ALLOWED, unserveNum: 1 }, async (pair) => {
        const { home, office, service } = pair;
        const { serveid } = await ask(office, home, service.port);
        const local = { ip: "127.0.0.1", port: service.port };
        const error = await failureOf(
          office.control.mapUnserve(serveid, local),
        );
        expect(error).to.include({ code: "network" });
        expect(office.control.uses()).to.deep.equal([]);
        office.control.withdrawUnserve(serveid);
        await untilReturned(pair);
      }));

    for (const act of ["closeServe", "deleteServe"] as const)
      it(`by the provider's ${act}, and frees the place`, () =>
        withPair({ ...ALLOWED, unserveNum: 1 }, async (pair) => {
          await borrow(pair);
          const [serve] = pair.home.control.serves();
          await pair.home.control[act](serve!.label);
          await untilReturned(pair);
          await borrow(pair);
        }));

    it("when the requester closes", () =>
      withPair({ ...ALLOWED, unserveNum: 1 }, async (pair) => {
        await borrow(pair);
        await pair.office.close();
        await eventually(
          "the place is free",
          () => pair.home.control.serves().length === 0,
        );
      }));

    it("with its streams", () =>
      withPair(ALLOWED, async (pair) => {
        const { port } = await borrow(pair);
        const user = await pair.hub.user(port);
        user.socket.write("x");
        await within("the echo", user.untilBytes(1));
        const [serve] = pair.home.control.serves();
        await pair.home.control.deleteServe(serve!.label);
        expect(await within("the end", user.ended)).to.equal("reset");
      }));
  });

  it("is back after the hub's restart, with its use", async () => {
    const port = await reservePort();
    await withHub(
      async (hub) => {
        const service = await hub.service(startEcho);
        const home = await hub.node({ name: "home", vnet: ALLOWED });
        const office = await hub.node({ name: "office" });
        const pair = { hub, home, office, service };
        const use = await borrow(pair);
        await hub.stop();
        await office.untilUse(use.label, "waiting");
        await hub.open();
        await office.untilUse(use.label, "listening");
        await expectEcho(hub, use.port);
      },
      { port },
    );
  });

  it("is its requester's also under another name, as the key is the same", () =>
    withPair({ ...ALLOWED, unserveNum: 1 }, async (pair) => {
      const { home, office, service } = pair;
      await ask(office, home, service.port);
      const { config } = office.control;
      await office.control.reload({
        ...config,
        vnet: { ...config.vnet, name: "renamed" },
      });
      await eventually(
        "its new name",
        () =>
          home.control.knownNodes().some(({ name }) => name === "renamed") &&
          office.control.knownNodes().length === 2,
      );
      const { serveid } = await ask(office, home, service.port);
      expect(home.control.serves().map((serve) => serve.serveid)).to.deep.equal(
        [serveid],
      );
    }));

  it("is gone when its provider moves to another group", () =>
    withPair(ALLOWED, async (pair) => {
      const { hub, home } = pair;
      await borrow(pair);
      const { config } = home.control;
      await home.control.reload({
        ...config,
        vnet: { ...config.vnet, group: "elsewhere" },
      });
      await home.online();
      expect(home.control.serves()).to.deep.equal([]);
      await eventually("nothing at the hub", () => hub.counts.serves === 0);
    }));

  it("is waited for while its provider is away, though the node is seen before its serve", () =>
    withHub(async (hub) => {
      const session = "ab".repeat(16);
      const self = Identity.generate();
      const home = await hub.client({ name: "home", session }, self);
      const office = await hub.node({ name: "office" });
      const grant = async (client: HubClient) => {
        const reply = await client.register(9, {}, office.vnetid);
        expect(reply).to.include({ serveid: 9 });
      };
      const asked = office.control.requestUnserve({
        vnetid: home.vnetid,
        ip: "127.0.0.1",
        port: 22,
      });
      const { request } = await home.next("unserve-ask");
      await grant(home);
      const answer = { type: "unserve-answer", request, serveid: 9 };
      home.send({ ...answer, reason: "" });
      await within("the answer", asked);
      const { label } = await office.control.mapUnserve(9, {
        ip: "127.0.0.1",
        port: await reservePort(),
      });
      const { vnetid } = home;
      const back = await hub.client({ name: "home", session, vnetid }, self);
      await office.untilUse(label, "waiting");
      await office.control.ping(null, 1);
      await grant(back);
      await office.untilUse(label, "listening");
    }));

  it("is waited for after the hub's restart, though the node is seen before its serve", async () => {
    const port = await reservePort();
    await withHub(
      async (hub) => {
        // First to be told goodbye, and slow to come back: it hears of nobody
        // leaving, and finds the other node there again.
        const backoff = {
          firstMs: 300,
          maxMs: 300,
          growth: 2,
          healthyMs: 10_000,
        };
        const office = await hub.node({ name: "office" }, { backoff });
        const self = Identity.generate();
        const home = await hub.client({ name: "home" }, self);
        const asked = office.control.requestUnserve({
          vnetid: home.vnetid,
          ip: "127.0.0.1",
          port: 22,
        });
        const { request } = await home.next("unserve-ask");
        await home.register(9, {}, office.vnetid);
        home.send({ type: "unserve-answer", request, serveid: 9, reason: "" });
        await within("the answer", asked);
        const { label } = await office.control.mapUnserve(9, {
          ip: "127.0.0.1",
          port: await reservePort(),
        });
        const { vnetid } = office;
        await hub.stop();
        await office.untilUse(label, "waiting");
        await hub.open();
        const back = await hub.client({ name: "home" }, self);
        await office.online();
        await eventually("office has joined", () => office.vnetid === vnetid);
        await office.control.ping(null, 1);
        await back.register(9, {}, office.vnetid);
        await office.untilUse(label, "listening");
      },
      { port },
    );
  });

  it("taken back at the provider while the hub is away is the only one that goes", () =>
    withPair(ALLOWED, async ({ hub, home, office, service }) => {
      const other = await hub.service(startEcho);
      await ask(office, home, service.port);
      await ask(office, home, other.port);
      await hub.stop();
      await eventually("the loss", () => home.control.view().link !== "online");
      const [first] = home.control.serves();
      await home.control.deleteServe(first?.label ?? "");
      expect(home.control.serves()).to.have.length(1);
      await hub.open();
    }));

  it("is taken back when the guest that asked for it leaves", () =>
    withPair(ALLOWED, async ({ hub, home, service }) => {
      const guest = await hub.node({ name: "guest" }, { guest: true });
      await ask(guest, home, service.port);
      await guest.close();
      await home.untilNotice(/unserve 001 is gone/);
      expect(home.control.serves()).to.deep.equal([]);
    }));
});
