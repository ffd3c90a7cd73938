import { expect } from "chai";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { RemoteServe, UseView } from "../../src/node/control.js";
import type { VnetSettings } from "../../src/config/config.js";
import { Identity } from "../../src/keys/identity.js";
import { fingerprintOf } from "../../src/keys/fingerprint.js";
import { frame } from "../support/channel-peer.js";
import { eventually, within } from "../support/deadline.js";
import { startEcho, type TestServer } from "../support/echo.js";
import { failureOf } from "../support/failure.js";
import { makeFolder, removeFolder } from "../support/folder.js";
import { withHub, type TestHub } from "../support/hub.js";
import type { TestNode } from "../support/node.js";
import { reservePort } from "../support/ports.js";
import { Relay } from "../support/relay.js";
import { Hand } from "../support/stream-by-hand.js";
import { serveSettings, useSettings } from "../support/settings.js";

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
  const target = { vnetid: to.vnetid, ip, port };
  return within("the answer", from.control.requestUnserve(target));
}

/** The provider knows by then that its requester has it. */
async function untilTaken({ home, office }: Pair): Promise<void> {
  await office.control.ping(home.vnetid, 1);
}

/** The provider's or the hub's reason for a refusal. */
async function refusal(asked: Promise<RemoteServe>): Promise<string> {
  const error = await failureOf(asked);
  expect(error).to.include({ code: "refused" });
  return error.message;
}

/** Asks for the service and maps it to a port of its own. */
async function borrow({ home, office, service }: Pair): Promise<UseView> {
  const granted = await ask(office, home, service.port);
  const local = { ip: "127.0.0.1", port: await reservePort() };
  const use = await office.control.mapUnserve(granted, local);
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
async function untilReturned({ home, office }: Pair): Promise<void> {
  await eventually("the unserve is gone", () => {
    expect(home.control.serves()).to.deep.equal([]);
    expect(office.control.uses()).to.deep.equal([]);
    return true;
  });
}

/** Gives the node another name while all that it has runs on. */
async function rename(node: TestNode, name: string): Promise<void> {
  const { config } = node.control;
  await node.control.reload({ ...config, vnet: { ...config.vnet, name } });
  await node.online();
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
        serveid: 0,
        unserve: 1,
        vnetid: home.vnetid,
        vnet: "home",
        ip: "127.0.0.1",
        port: service.port,
      });
      expect(home.control.serves()[0]).to.include({
        label: "u1",
        unserve: 1,
        origin: "unserve",
        state: "lent",
        info: "for office",
      });
      await home.untilNotice(/^unserve u1 opens .* to vnet office$/);
      const local = { ip: "127.0.0.1", port: await reservePort() };
      const use = await office.control.mapUnserve(serve, local);
      expect(use).to.deep.include({
        ...local,
        label: `unserve-${service.port}`,
        unserve: 1,
        state: "listening",
        origin: "unserve",
        remote: serve,
      });
      await expectEcho(hub, local.port);
      await expectEcho(hub, local.port);
    }));

  it("is nothing to the hub: it registers no serve, and hears of none", () =>
    withPair(ALLOWED, async (pair) => {
      await borrow(pair);
      expect(pair.hub.counts.serves).to.equal(0);
      expect(pair.hub.log.texts.join()).not.to.match(/unserve|serves/);
    }));

  it("works the same in channels that are not encrypted", () =>
    withHub(async (hub) => {
      const service = await hub.service(startEcho);
      const plain = { encrypt: false };
      const home = await hub.node({
        name: "home",
        vnet: { ...ALLOWED, ...plain },
      });
      const office = await hub.node({ name: "office", vnet: plain });
      const pair = { hub, home, office, service };
      const use = await borrow(pair);
      await expectEcho(hub, use.port);
      await office.control.deleteUse(use.label);
      await untilReturned(pair);
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

    it("to one that asks too often, and to nobody else", () =>
      withPair({ ...ALLOWED, unserveNum: 1 }, async (pair) => {
        const { hub, home, office, service } = pair;
        const closed = await reservePort();
        await eventually("it is told so", async () => {
          const reason = await refusal(ask(office, home, closed));
          return reason.includes("asks that node for unserves too often");
        });
        const lab = await hub.node({ name: "lab" });
        await ask(lab, home, service.port);
      }));

    it("where the target is that of a serve which is not for the requester, however it is written", () =>
      withHub(async (hub) => {
        const service = await hub.service(startEcho);
        const home = await hub.node({
          name: "home",
          vnet: ALLOWED,
          serves: [
            serveSettings("web", {
              port: service.port,
              allow: fingerprintOf(Buffer.alloc(32, 1)),
            }),
          ],
        });
        await home.untilServe("web", "registered");
        const office = await hub.node({ name: "office" });
        for (const ip of ["127.0.0.1", "localhost", "127.0.0.2", "::1"])
          expect(await refusal(ask(office, home, service.port, ip))).to.match(
            /^that is serve web of that node, .*\(allow=\)$/,
          );
        expect(home.control.serves()).to.have.length(1);
      }));
  });

  it("stays, with its streams, when it is asked for again and that answer is lost", () =>
    withPair(ALLOWED, async ({ hub, home, service }) => {
      const hand = await Hand.join(hub, "hand");
      const { peer } = await hand.borrow(home.vnetid, service.port, true);
      const stream = await hand.open(home.vnetid, { unserve: 1 });
      stream.say(frame("data", "a"));
      await eventually("the echo", () => stream.heard.includes("data a"));
      peer.duplex.destroy();
      const lend = { ip: "127.0.0.1", port: service.port, keep: true };
      const again = await hand.open(home.vnetid, { lend });
      await eventually("the answer", () => again.heard.length >= 2);
      expect(again.heard[1]).to.include('{"unserve":1}');
      again.duplex.destroy();
      // The provider has seen that by the time it answers on a channel that was made later.
      for (let n = 0; n < 2; n++)
        expect(await hand.refusal(home.vnetid, { unserve: 7 + n })).to.be.a(
          "string",
        );
      stream.say(frame("data", "b"));
      await eventually("the echo", () =>
        /data a?b/.test(stream.heard.at(-1) ?? ""),
      );
      expect(home.control.serves()).to.have.length(1);
    }));

  describe("where all places are taken", () => {
    it("goes to a node that has fewer, from the one that has most: what nobody uses first", () =>
      withPair({ ...ALLOWED, unserveNum: 3 }, async (pair) => {
        const { hub, home, office } = pair;
        const uses: UseView[] = [];
        for (let n = 0; n < 3; n++) {
          const service = await hub.service(startEcho);
          uses.push(await borrow({ ...pair, service }));
        }
        const user = await hub.user(uses[0]!.port);
        user.socket.write("x");
        await within("the echo", user.untilBytes(1));
        const lab = await hub.node({ name: "lab" });
        await ask(lab, home, pair.service.port);
        await office.untilNotice(
          /^unserve u2 is gone, .*: vnet lab needed a place, and had fewer \(unserve_num\)$/,
        );
        expect(
          home.control.serves().map(({ label, info }) => `${label} ${info}`),
        ).to.deep.equal(["u1 for office", "u3 for office", "u4 for lab"]);
        // Nobody has more than a fair share now, and nobody is cut off.
        const third = await hub.node({ name: "third" });
        await ask(lab, home, (await hub.service(startEcho)).port).catch(
          () => undefined,
        );
        await ask(third, home, pair.service.port);
        user.socket.write("y");
        await within("the echo", user.untilBytes(2));
        expect(
          await refusal(ask(office, home, (await hub.service(startEcho)).port)),
        ).to.match(/allows 3 unserves at the same time and has them/);
      }));

    it("is not to be had by asking without end, nor kept from others by that", () =>
      withPair({ ...ALLOWED, unserveNum: 2 }, async (pair) => {
        const { hub, home, office } = pair;
        const services: TestServer[] = [];
        for (let n = 0; n < 4; n++) services.push(await hub.service(startEcho));
        const asked = Array.from({ length: 60 }, (_, n) =>
          ask(office, home, services[n % 4]!.port).catch(() => undefined),
        );
        const lab = await hub.node({ name: "lab" });
        const { unserve } = await ask(lab, home, pair.service.port);
        await Promise.all(asked);
        const lent = home.control.serves();
        expect(lent).to.have.length(2);
        expect(lent.map((serve) => serve.unserve)).to.include(unserve);
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
      expect(serve).to.include({ ip: "localhost", unserve: 1 });
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
          expect(await ask(office, home, service.port))
            .to.include({ serveid: 700, vnetid: home.vnetid, name: "web" })
            .and.not.to.have.property("unserve");
        expect(home.control.serves()).to.have.length(1);

        const port = await reservePort();
        const local = { ip: "127.0.0.1", port };
        const granted = office.seen(700)!;
        const use = await office.control.mapUnserve(granted, local);
        expect(use).to.include({ origin: "terminal", state: "listening" });
        await expectEcho(hub, port);
        office.control.withdrawUnserve(granted);
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
        const second = await ask(office, home, service.port);
        expect(second).to.deep.equal(first);
        expect(home.control.serves()).to.have.length(1);
        office.control.withdrawUnserve(first);
        await office.control.ping(home.vnetid, 1);
        expect(home.control.serves(), "one wants it still").to.have.length(1);
        office.control.withdrawUnserve(second);
        await untilReturned(pair);
      }));

    it("is another unserve for another requester", () =>
      withPair(ALLOWED, async ({ hub, home, office, service }) => {
        const lab = await hub.node({ name: "lab" });
        const first = await ask(office, home, service.port);
        const second = await ask(lab, home, service.port);
        expect(second.unserve).not.to.equal(first.unserve);
        expect(home.control.serves()).to.have.length(2);
      }));
  });

  it("is not seen by others", () =>
    withPair(ALLOWED, async ({ hub, home, office, service }) => {
      const lab = await hub.node({ name: "lab" });
      await ask(office, home, service.port);
      const late = await hub.node({ name: "late" });
      for (const node of [home, office, lab, late]) {
        await node.control.ping(null, 1);
        expect([...node.control.knownServes()]).to.deep.equal([]);
      }
    }));

  it("is not reached by others, though they know its number", () =>
    withPair(ALLOWED, async ({ hub, home, office, service }) => {
      const { unserve = 0 } = await ask(office, home, service.port);
      const before = service.connections.length;
      const thief = await Hand.join(hub, "thief");
      expect(await thief.refusal(home.vnetid, { unserve })).to.equal(
        `this node lends you nothing as u${unserve}`,
      );
      expect(service.connections).to.have.length(before);
    }));

  it("is no serve: nobody reaches it by an id", () =>
    withPair(ALLOWED, async ({ hub, home, office, service }) => {
      const { unserve = 0 } = await ask(office, home, service.port);
      const thief = await Hand.join(hub, "thief");
      for (const serveid of [0, unserve])
        expect(await thief.refusal(home.vnetid, { serveid })).to.match(
          /^this node has no serve 00/,
        );
    }));

  describe("goes", () => {
    const SHORT = { unserveTtlSeconds: 0.2, unserveLingerSeconds: 0.2 };

    it("when it is not used in time, with the requester's use and notices", () =>
      withPair({ ...ALLOWED, ...SHORT }, async (pair) => {
        const use = await borrow(pair);
        await untilReturned(pair);
        await pair.home.untilNotice(
          /^unserve u1 is gone: it was not used for 0.2 s$/,
        );
        await pair.office.untilNotice(
          new RegExp(
            `^unserve u1 is gone, and use ${use.label} with it: it was not used for 0.2 s$`,
          ),
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
        await home.untilNotice(/unserve u2 is gone/);
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
        await pair.office.untilNotice(
          /^unserve u1 is gone, .*: nobody used it after its last connection for 0.2 s$/,
        );
      }));

    it("later than its first term when a stream was there meanwhile", () =>
      withPair(
        { ...ALLOWED, unserveTtlSeconds: 0.3, unserveLingerSeconds: 60 },
        async (pair) => {
          const { port } = await borrow(pair);
          await expectEcho(pair.hub, port);
          const other = await pair.hub.service(startEcho);
          await ask(pair.office, pair.home, other.port);
          await pair.home.untilNotice(/unserve u2 is gone/);
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
        await pair.home.untilNotice(/unserve u\d+ is gone: it was given back/);
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
        const granted = await ask(office, home, service.port);
        office.control.withdrawUnserve(granted);
        await untilReturned(pair);
        const gone = await failureOf(
          office.control.mapUnserve(granted, { ip: "127.0.0.1", port: 0 }),
        );
        expect(gone).to.include({ code: "closed" });
        expect(gone.message).to.equal(
          "unserve u1 is gone already: it was given back",
        );
      }));

    it("when it could not be mapped, which leaves no use behind", () =>
      withPair({ ...ALLOWED, unserveNum: 1 }, async (pair) => {
        const { home, office, service } = pair;
        const granted = await ask(office, home, service.port);
        const local = { ip: "127.0.0.1", port: service.port };
        const error = await failureOf(
          office.control.mapUnserve(granted, local),
        );
        expect(error).to.include({ code: "network" });
        expect(office.control.uses()).to.deep.equal([]);
        office.control.withdrawUnserve(granted);
        await untilReturned(pair);
      }));

    it("while its requester is still asked for an address, who hears why when he has chosen", () =>
      withPair({ ...ALLOWED, ...SHORT }, async (pair) => {
        const { home, office, service } = pair;
        const granted = await ask(office, home, service.port);
        await home.untilNotice(/unserve u1 is gone/);
        await office.control.ping(home.vnetid, 1);
        const gone = await failureOf(
          office.control.mapUnserve(granted, { ip: "127.0.0.1", port: 0 }),
        );
        expect(gone.message).to.equal(
          "unserve u1 is gone already: it was not used for 0.2 s",
        );
        expect(office.control.uses()).to.deep.equal([]);
      }));

    for (const [what, vnet] of [
      ["allow_unserve", { allowUnserve: false }],
      ["unserve_remote", { unserveRemote: false }],
    ] as const)
      it(`when its provider sets ${what}=false`, () =>
        withPair({ ...ALLOWED, unserveRemote: true }, async (pair) => {
          const { home, office, service } = pair;
          const granted = await ask(office, home, service.port, "0.0.0.0");
          const local = { ip: "127.0.0.1", port: await reservePort() };
          await office.control.mapUnserve(granted, local);
          const { config } = home.control;
          const after = { ...config, vnet: { ...config.vnet, ...vnet } };
          await home.control.reload(after);
          await untilReturned(pair);
          await office.untilNotice(
            new RegExp(`^unserve u1 is gone, .*: its owner set ${what}=false$`),
          );
        }));

    it("when its provider has fewer places than before, of the node that has most", () =>
      withPair({ ...ALLOWED, unserveNum: 3 }, async (pair) => {
        const { hub, home, office, service } = pair;
        const lab = await hub.node({ name: "lab" });
        await ask(lab, home, service.port);
        for (let n = 0; n < 2; n++)
          await ask(office, home, (await hub.service(startEcho)).port);
        const { config } = home.control;
        const vnet = { ...config.vnet, unserveNum: 2 };
        await home.control.reload({ ...config, vnet });
        expect(home.control.serves().map(({ info }) => info)).to.deep.equal([
          "for lab",
          "for office",
        ]);
        await home.untilNotice(
          /^unserve u2 is gone: its owner set unserve_num=2$/,
        );
        await home.control.reload({
          ...config,
          vnet: { ...vnet, unserveNum: 0 },
        });
        expect(home.control.serves()).to.deep.equal([]);
      }));

    for (const act of ["closeServe", "deleteServe"] as const)
      it(`by the provider's ${act}, which frees the place, and is not lent to that node again before a reload`, () =>
        withPair({ ...ALLOWED, unserveNum: 1 }, async (pair) => {
          const { hub, home, office, service } = pair;
          await borrow(pair);
          const [serve] = pair.home.control.serves();
          await pair.home.control[act](serve!.label);
          await untilReturned(pair);
          await pair.office.untilNotice(
            /^unserve u1 is gone, .*: its owner took it back$/,
          );
          for (const ip of ["127.0.0.1", "localhost"])
            expect(await refusal(ask(office, home, service.port, ip))).to.equal(
              "its owner took it back",
            );
          const lab = await hub.node({ name: "lab" });
          const granted = await ask(lab, home, service.port);
          lab.control.withdrawUnserve(granted);
          await eventually(
            "the place is free",
            () => home.control.serves().length === 0,
          );
          await borrow({ ...pair, service: await hub.service(startEcho) });
          await home.control.closeServe(home.control.serves()[0]!.label);
          await home.control.reload(home.control.config);
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

  it("is back after the hub's restart, with its use, its number and its streams' ends", async () => {
    const port = await reservePort();
    await withHub(
      async (hub) => {
        const service = await hub.service(startEcho);
        const home = await hub.node({ name: "home", vnet: ALLOWED });
        const office = await hub.node({ name: "office" });
        const pair = { hub, home, office, service };
        const use = await borrow(pair);
        await untilTaken(pair);
        await hub.stop();
        await office.untilUse(use.label, "waiting");
        await hub.open();
        const back = await office.untilUse(use.label, "listening");
        expect(back.unserve).to.equal(use.unserve);
        await expectEcho(hub, use.port);
        expect(home.control.serves()).to.have.length(1);
        expect(
          notices(home).filter((text) => text.includes(" opens ")),
        ).to.have.length(1);
      },
      { port },
    );
  });

  it("keeps its streams when the hub says goodbye to its requester alone, and is asked for again", () =>
    withHub(async (hub) => {
      const service = await hub.service(startEcho);
      const home = await hub.node({ name: "home", vnet: ALLOWED });
      const identity = Identity.generate();
      const office = await hub.node({ name: "office" }, { identity });
      const use = await borrow({ hub, home, office, service });
      const user = await hub.user(use.port);
      user.socket.write("x");
      await within("the echo", user.untilBytes(1));
      await rename(office, "renamed");
      await office.untilUse(use.label, "listening");
      user.socket.write("y");
      await within("the echo", user.untilBytes(2));
      await expectEcho(hub, use.port);
      expect(home.control.serves()).to.have.length(1);
    }));

  it("is asked for again when its channels break, and is the same", () =>
    withHub(async (hub) => {
      const relay = await Relay.start(hub.port);
      try {
        const service = await hub.service(startEcho);
        const home = await hub.node({ name: "home", vnet: ALLOWED });
        const office = await hub.node({
          name: "office",
          route: { port: relay.port },
        });
        const pair = { hub, home, office, service };
        const use = await borrow(pair);
        await untilTaken(pair);
        relay.cut("reset", "legs");
        await eventually("the lease is lost", () => {
          return office.use(use.label).state === "waiting";
        });
        const back = await office.untilUse(use.label, "listening");
        expect(back.unserve).to.equal(use.unserve);
        await expectEcho(hub, use.port);
        expect(home.control.serves()).to.have.length(1);
        await office.close();
        await home.untilNotice(/^unserve u1 is gone: it was given back/);
      } finally {
        await relay.close();
      }
    }));

  it("is no user's stream: nobody waits for its end, and nobody counts it", () =>
    withPair(ALLOWED, async (pair) => {
      await borrow(pair);
      for (const { control } of [pair.home, pair.office]) {
        expect(control.running).to.equal(0);
        expect(control.view().streams).to.include({ now: 0, total: 0 });
      }
    }));

  for (const who of ["home", "office"] as const)
    it(`lives on when ${who} gets another name`, () =>
      withPair({ ...ALLOWED, unserveNum: 1 }, async (pair) => {
        const { hub, home, office, service } = pair;
        const use = await borrow(pair);
        await rename(pair[who], "renamed");
        const other = who === "home" ? office : home;
        await eventually("the new name", () =>
          [...other.control.knownNodes()].some(
            ({ name }) => name === "renamed",
          ),
        );
        await office.untilUse(use.label, "listening");
        await expectEcho(hub, use.port);
        // It has one, and no more for its new name.
        const again = await ask(office, home, service.port);
        expect(again.unserve).to.equal(use.unserve);
        expect(home.control.serves()).to.have.length(1);
        const lender = who === "home" ? "renamed" : "home";
        expect(again.vnet).to.equal(lender);
        // Both sides call it what it is called now.
        expect(office.use(use.label)).to.include({
          wanted: `${lender}:127.0.0.1:${service.port}`,
        });
        const [lent] = home.control.serves();
        const borrower = who === "home" ? "office" : "renamed";
        expect(lent!.info).to.equal(`for ${borrower}`);
      }));

  it("that a use with to= has is given back when its node is called otherwise, and the use says so", () =>
    withPair(ALLOWED, async (pair) => {
      const { home, office, service } = pair;
      await office.control.addUse(
        useSettings("web", {
          to: `home:${service.port}`,
          port: await reservePort(),
        }),
      );
      await office.untilUse("web", "listening");
      await rename(home, "renamed");
      const use = await office.untilUse("web", "waiting");
      expect(use.error).to.match(/no node home in this group just now/);
      await eventually("it is given back", () => {
        return home.control.serves().length === 0;
      });
    }));

  for (const who of ["home", "office"] as const)
    it(`goes when ${who} moves to another group, and says why`, () =>
      withPair(ALLOWED, async (pair) => {
        const { home, office } = pair;
        await borrow(pair);
        const { config } = pair[who].control;
        await pair[who].control.reload({
          ...config,
          vnet: { ...config.vnet, group: "elsewhere" },
        });
        await untilReturned(pair);
        const whose = who === "home" ? "its" : "this";
        await office.untilNotice(
          new RegExp(
            `^unserve u1 is gone, .*: ${whose} node went to another group or hub$`,
          ),
        );
        await home.untilNotice(/^unserve u1 is gone/);
      }));

  it("is asked for again under a new secret, when both have it", () =>
    withPair(
      { ...ALLOWED, secret: "the first secret of all" },
      async (pair) => {
        const { hub, home, office } = pair;
        const withSecret = async (node: TestNode, secret: string) => {
          const { config } = node.control;
          const vnet = { ...config.vnet, secret };
          await node.control.reload({ ...config, vnet });
        };
        await withSecret(office, "the first secret of all");
        const use = await borrow(pair);
        await untilTaken(pair);
        await withSecret(home, "the second secret of all");
        await withSecret(office, "the second secret of all");
        await eventually("it is back", () =>
          expectEcho(hub, use.port).then(
            () => true,
            () => false,
          ),
        );
        const back = await office.untilUse(use.label, "listening");
        expect(back.unserve).to.equal(use.unserve);
        expect(home.control.serves()).to.have.length(1);
      },
    ));

  it("taken back at the provider while the hub is away is the only one that goes", () =>
    withPair(ALLOWED, async ({ hub, home, office, service }) => {
      const other = await hub.service(startEcho);
      await ask(office, home, service.port);
      await ask(office, home, other.port);
      await office.control.ping(home.vnetid, 1);
      await hub.stop();
      await eventually("the loss", () => home.control.view().link !== "online");
      const [first] = home.control.serves();
      await home.control.deleteServe(first?.label ?? "");
      expect(home.control.serves()).to.have.length(1);
      await hub.open();
    }));

  it("is taken back when the guest that asked for it leaves, and no earlier use of the same key with it", () =>
    withHub(async (hub) => {
      const service = await hub.service(startEcho);
      const home = await hub.node({ name: "home", vnet: ALLOWED });
      const identity = Identity.generate();
      const guest = await hub.node(
        { name: "office" },
        { guest: true, identity },
      );
      await ask(guest, home, service.port);
      const office = await hub.node({ name: "office" }, { identity });
      await borrow({ hub, home, office, service });
      await guest.close();
      await office.control.ping(home.vnetid, 1);
      expect(home.control.serves()).to.have.length(1);
      await office.close();
      await home.untilNotice(/unserve u1 is gone: it was given back/);
      expect(home.control.serves()).to.deep.equal([]);
    }));

  it("is not granted to one that gave up asking before the answer", () =>
    withPair(ALLOWED, async ({ hub, home, service }) => {
      const hasty = await Hand.join(hub, "hasty");
      const peer = await hasty.channel(home.vnetid);
      const lend = { ip: "127.0.0.1", port: service.port, keep: true };
      peer.say(
        frame("open", JSON.stringify({ lend })),
        frame("reset", "gave up"),
      );
      await eventually("the end", () => peer.state !== "open");
      await home.control.ping(null, 1);
      expect(home.control.serves()).to.deep.equal([]);
    }));
});

function notices(node: TestNode): string[] {
  return node.notices.map(({ text }) => text);
}
