import { expect } from "chai";
import { randomBytes } from "node:crypto";
import { VnetError } from "../../src/errors.js";
import { eventually, within } from "../support/deadline.js";
import {
  connectTo,
  startEcho,
  startSink,
  startSpeakFirst,
  TestServer,
} from "../support/echo.js";
import { failureOf } from "../support/failure.js";
import { withHub, type TestHub } from "../support/hub.js";
import { withNode, type TestNode } from "../support/node.js";
import { reservePort } from "../support/ports.js";
import {
  nodeSettings,
  serveSettings,
  useSettings,
} from "../support/settings.js";

/** Says nothing and ends nothing by itself. */
function startSilent(): Promise<TestServer> {
  return TestServer.start(() => undefined);
}

interface Pair {
  hub: TestHub;
  home: TestNode;
  office: TestNode;
  service: TestServer;
  /** where office's use of home's serve 700 listens */
  port: number;
}

/** `home` serves a service as 700, and `office` uses it. */
function withPair(
  startService: () => Promise<TestServer>,
  body: (pair: Pair) => Promise<void>,
): Promise<void> {
  return withHub(async (hub) => {
    const service = await hub.service(startService);
    const home = await hub.node({
      name: "home",
      serves: [serveSettings("web", { serveid: 700, port: service.port })],
    });
    await home.untilServe("web", "registered");
    const port = await reservePort();
    const office = await hub.node({
      name: "office",
      uses: [useSettings("web", { serveid: 700, port })],
    });
    await office.untilUse("web", "listening");
    await body({ hub, home, office, service, port });
  });
}

/** No stream is open, and every channel is idle. */
function calm(...nodes: TestNode[]): Promise<true> {
  return eventually("no stream is left", () => {
    for (const { control } of nodes) {
      expect(control.view().streams.now).to.equal(0);
      expect(control.view().channels.busy).to.equal(0);
      for (const view of [...control.serves(), ...control.uses()])
        expect(view.streams).to.equal(0);
    }
    return true as const;
  });
}

describe("a node", () => {
  describe("carrying streams", () => {
    it("brings the bytes over exactly, both ways, and each side's end", () =>
      withPair(startEcho, async ({ hub, home, office, port }) => {
        const bytes = randomBytes(3_000_000);
        const user = await hub.user(port);
        user.socket.end(bytes);
        await within("the echo's end", user.ended);
        expect(user.received.equals(bytes)).to.be.true;
        expect(user.state).to.equal("fin");
        await calm(home, office);
      }));

    it("goes on in one direction when the other has ended", () =>
      withPair(startSilent, async ({ hub, service, port }) => {
        const coming = service.nextConnection();
        const user = await hub.user(port);
        user.socket.write("x");
        const connection = await within("the connection", coming);
        connection.socket.end("bye");
        await within("the service's end", user.ended);
        expect(user.text).to.equal("bye");
        user.socket.write(Buffer.alloc(100_000));
        user.socket.end();
        await within("the user's end", connection.ended);
        expect(connection.bytes).to.equal(100_001);
        await within("the close", user.closed);
      }));

    it("lets a service answer a user that has ended already", () =>
      withPair(startSilent, async ({ hub, service, port }) => {
        const coming = service.nextConnection();
        const user = await hub.user(port);
        user.socket.end();
        const connection = await within("the connection", coming);
        await within("the user's end", connection.ended);
        connection.socket.end("late answer");
        await within("the service's end", user.ended);
        expect(user.text).to.equal("late answer");
      }));

    it("lets a service speak first", () =>
      withPair(
        () => startSpeakFirst("220 hello\r\n"),
        async ({ hub, port }) => {
          const user = await hub.user(port);
          await within("the greeting", user.untilBytes(11));
          expect(user.text).to.equal("220 hello\r\n");
        },
      ));

    it("resets the user when the service resets", () =>
      withPair(startSink, async ({ hub, home, office, service, port }) => {
        const coming = service.nextConnection();
        const user = await hub.user(port);
        (await within("the connection", coming)).socket.resetAndDestroy();
        expect(await within("the end", user.ended)).to.equal("reset");
        await calm(home, office);
      }));

    it("resets the service when the user resets", () =>
      withPair(startSink, async ({ hub, home, office, service, port }) => {
        const coming = service.nextConnection();
        const user = await hub.user(port);
        user.socket.write("x");
        const connection = await within("the connection", coming);
        user.socket.resetAndDestroy();
        expect(await within("the end", connection.ended)).to.equal("reset");
        await calm(home, office);
      }));

    it("resets the user at once when the service refuses, and says why", () =>
      withPair(startEcho, async ({ hub, home, office, service, port }) => {
        await service.close();
        const user = await hub.user(port);
        user.socket.write("anybody there?");
        expect(await within("the reset", user.ended)).to.equal("reset");
        const why = `cannot connect to 127.0.0.1:${service.port}: connection refused, nothing listens there`;
        await office.untilNotice(/refused a connection/);
        expect(office.use("web")).to.include({
          state: "listening",
          error: why,
        });
        expect(office.notices.at(-1)).to.deep.equal({
          level: "warn",
          text: `use web (127.0.0.1:${port} to 700) refused a connection: ${why}`,
        });
        await calm(home, office);
      }));

    it("tells the same refusal once, and forgets it after a success", () =>
      withPair(startEcho, async ({ hub, office, service, port }) => {
        await service.close();
        for (let n = 0; n < 5; n++)
          await within("the reset", (await hub.user(port)).ended);
        expect(
          office.notices.filter(({ text }) => text.includes("refused")),
        ).to.have.length(1);
        const { port: servicePort } = service;
        await hub.service(() =>
          TestServer.start(({ socket }) => socket.pipe(socket), {
            port: servicePort,
          }),
        );
        const user = await hub.user(port);
        user.socket.write("x");
        await within("the echo", user.untilBytes(1));
        expect(office.use("web").error).to.be.null;
      }));

    it("counts streams and bytes, and has neither left at the end", () =>
      withPair(startEcho, async ({ hub, home, office, port }) => {
        const users = [await hub.user(port), await hub.user(port)];
        for (const user of users) user.socket.write("12345");
        for (const user of users) await within("the echo", user.untilBytes(5));
        for (const node of [home, office]) {
          const { streams, channels } = node.control.view();
          expect(streams).to.deep.equal({
            now: 2,
            total: 2,
            bytesIn: 10,
            bytesOut: 10,
          });
          expect(channels.busy).to.equal(2);
        }
        expect(office.use("web").streams).to.equal(2);
        expect(home.serve("web").streams).to.equal(2);
        for (const user of users) user.socket.end();
        await calm(home, office);
        expect(home.control.view().streams.total).to.equal(2);
        expect(office.control.view().channels.idle).to.be.at.least(1);
      }));

    it("uses an idle channel again instead of a new one", () =>
      withPair(startEcho, async ({ hub, home, office, port }) => {
        const warm = () => office.control.view().channels.idle;
        await eventually("a warm channel", () => warm() === 1);
        for (let n = 0; n < 20; n++) {
          const user = await hub.user(port);
          user.socket.end("x");
          await within("the echo", user.ended);
          await calm(home, office);
        }
        expect(warm()).to.be.at.most(2);
        expect(office.control.view().streams.total).to.equal(20);
      }));

    it("serves its own uses, too", () =>
      withHub(async (hub) => {
        const service = await hub.service(startEcho);
        const port = await reservePort();
        const node = await hub.node({
          name: "home",
          serves: [serveSettings("web", { port: service.port })],
          uses: [useSettings("web", { serveid: 1, port })],
        });
        await node.untilUse("web", "listening");
        const user = await hub.user(port);
        user.socket.end("to myself");
        await within("the echo", user.ended);
        expect(user.text).to.equal("to myself");
      }));
  });

  describe("whose entries are closed", () => {
    const streaming = async ({ hub, port }: Pair) => {
      const user = await hub.user(port);
      user.socket.write("x");
      await within("the echo", user.untilBytes(1));
      return user;
    };

    const ways: [string, (pair: Pair) => Promise<unknown>][] = [
      ["closing a serve", ({ home }) => home.control.closeServe("web")],
      ["deleting a serve", ({ home }) => home.control.deleteServe("web")],
      ["closing a use", ({ office }) => office.control.closeUse("web")],
      ["deleting a use", ({ office }) => office.control.deleteUse("web")],
      ["closing the provider", ({ home }) => home.close()],
      ["closing the user's node", ({ office }) => office.close()],
    ];
    for (const [way, act] of ways)
      it(`ends its streams at both ends by ${way}`, () =>
        withPair(startEcho, async (pair) => {
          const user = await streaming(pair);
          const [connection] = pair.service.connections;
          await act(pair);
          expect(await within("the user's end", user.ended)).to.equal("reset");
          await within("the service's end", connection!.ended);
          await calm(pair.home, pair.office);
        }));

    it("unregisters and keeps a closed serve, and registers it again", () =>
      withPair(startEcho, async ({ home, office, port }) => {
        expect(await home.control.closeServe("web")).to.include({
          state: "inactive",
          active: false,
          serveid: 700,
        });
        await office.untilUse("web", "waiting");
        expect(await home.control.openServe("web")).to.include({
          state: "registered",
          active: true,
        });
        await office.untilUse("web", "listening");
        (await connectTo(port)).socket.destroy();
      }));

    it("stops and keeps a closed use, and listens again", () =>
      withPair(startEcho, async ({ office, port }) => {
        expect(await office.control.closeUse("web")).to.include({
          state: "inactive",
          active: false,
        });
        expect((await refusal(port)).code).to.equal("ECONNREFUSED");
        expect(await office.control.openUse("web")).to.include({
          state: "listening",
          active: true,
          port,
        });
      }));

    it("knows a deleted serve or use no more", () =>
      withPair(startEcho, async ({ home, office, port }) => {
        await home.control.deleteServe("web");
        await office.untilUnseen(700);
        await office.control.deleteUse("web");
        expect(home.control.serves()).to.be.empty;
        expect(office.control.uses()).to.be.empty;
        expect((await refusal(port)).code).to.equal("ECONNREFUSED");
        for (const act of [
          home.control.openServe("web"),
          home.control.closeServe("web"),
          home.control.deleteServe("web"),
          office.control.openUse("web"),
          office.control.closeUse("web"),
          office.control.deleteUse("web"),
        ])
          expect(await failureOf(act)).to.include({ code: "usage" });
      }));

    it("may be closed and opened in quick succession", () =>
      withPair(startEcho, async ({ home, office, port, hub }) => {
        for (let n = 0; n < 10; n++) {
          void home.control.closeServe("web");
          void home.control.openServe("web").catch(() => undefined);
          void office.control.closeUse("web");
          void office.control.openUse("web");
        }
        await home.untilServe("web", "registered");
        await office.untilUse("web", "listening");
        expect(hub.counts.serves).to.equal(1);
        const user = await hub.user(port);
        user.socket.end("x");
        await within("the echo", user.ended);
        expect(user.text).to.equal("x");
      }));
  });

  it("renames a serve without cutting its streams", () =>
    withPair(startEcho, async ({ hub, home, office, port, service }) => {
      const user = await hub.user(port);
      user.socket.write("x");
      await within("the echo", user.untilBytes(1));
      await home.control.reload({
        ...home.control.config,
        serves: [
          serveSettings("web", {
            serveid: 700,
            port: service.port,
            name: "shop",
            info: "open all day",
          }),
        ],
      });
      await eventually("the new name", () => {
        expect(office.seen(700)).to.include({
          name: "shop",
          info: "open all day",
        });
        expect(office.use("web").remote).to.include({ name: "shop" });
        return true;
      });
      user.socket.write("y");
      await within("the echo", user.untilBytes(2));
      expect(home.notices.filter(({ level }) => level !== "info")).to.be.empty;
      expect(office.notices.filter(({ text }) => text.includes("gone"))).to.be
        .empty;
    }));

  describe("defining entries", () => {
    it("refuses a serve whose name or serveid it has already", () =>
      withHub(async (hub) => {
        const node = await hub.node({
          name: "home",
          serves: [serveSettings("web", { serveid: 700, port: 1 })],
        });
        for (const [settings, message] of [
          [serveSettings("web", { port: 2 }), /a serve called web is there/],
          [
            serveSettings("db", { serveid: 700, port: 2 }),
            /serveid 700 is serve web's already/,
          ],
        ] as const) {
          const error = await failureOf(node.control.addServe(settings));
          expect(error.code).to.equal("usage");
          expect(error.message).to.match(message);
        }
        expect(node.control.serves()).to.have.length(1);
      }));

    it("takes several serves that leave the choice of an id to the hub", () =>
      withHub(async (hub) => {
        const node = await hub.node({ name: "home" });
        for (const label of ["a", "b"])
          await node.control.addServe(serveSettings(label, { port: 1 }));
        expect(node.control.serves().map((s) => s.serveid)).to.deep.equal([
          1, 2,
        ]);
      }));

    it("refuses a use whose name it has already", () =>
      withHub(async (hub) => {
        const uses = [useSettings("web", { serveid: 700, port: 0 })];
        const node = await hub.node({ name: "office", uses });
        const error = await failureOf(node.control.addUse(uses[0]!));
        expect(error).to.include({ code: "usage" });
        expect(error.message).to.match(/a use called web is there/);
      }));

    it("says which id it got instead of a dynamic one that is taken", () =>
      withHub(async (hub) => {
        const other = await hub.node({ name: "other" });
        await other.control.addServe(
          serveSettings("x", { serveid: 7, port: 1 }),
        );
        const node = await hub.node({ name: "home" });
        const wanted = serveSettings("web", { serveid: 7, port: 1 });
        expect(await node.control.addServe(wanted)).to.include({
          state: "registered",
          serveid: 1,
        });
        // The answer says it, so no notice does.
        await node.control.ping(null, 1);
        expect(textsOf(node)).not.to.match(/serve web .*(got|taken)/);
      }));

    it("rejects a serve that the hub refuses, says so once, and leaves nothing behind", () =>
      withHub(async (hub) => {
        const settings = serveSettings("web", { serveid: 700, port: 1 });
        const other = await hub.node({ name: "other" });
        await other.control.addServe(settings);
        const node = await hub.node({ name: "home" });
        const error = await failureOf(node.control.addServe(settings));
        expect(error).to.include({ code: "refused" });
        expect(node.control.serves()).to.deep.equal([]);
        await node.control.ping(null, 1);
        expect(textsOf(node)).not.to.match(/serve web/);
      }));

    it("says once that a serve cannot be opened, and keeps it", () =>
      withHub(async (hub) => {
        const settings = serveSettings("web", { serveid: 700, port: 1 });
        const other = await hub.node({ name: "other" });
        await other.control.addServe(settings);
        const serves = [{ ...settings, active: false }];
        const node = await hub.node({ name: "home", serves });
        const error = await failureOf(node.control.openServe("web"));
        expect(node.serve("web")).to.include({
          state: "refused",
          active: true,
          error: error.message,
        });
        expect(textsOf(node)).not.to.match(/serve web/);
      }));

    it("lets two serves of one node prefer the same dynamic id", () =>
      withHub(async (hub) => {
        const node = await hub.node({ name: "home" });
        const settings = serveSettings("a", { serveid: 7, port: 1 });
        await node.control.addServe(settings);
        const second = { ...settings, label: "b", name: "b" };
        expect(await node.control.addServe(second)).to.include({ serveid: 1 });
      }));

    it("rejects a use that cannot listen, says so once, and leaves nothing behind", () =>
      withHub(async (hub) => {
        const service = await hub.service(startEcho);
        const home = await hub.node({
          name: "home",
          serves: [serveSettings("web", { serveid: 700, port: 1 })],
        });
        await home.untilServe("web", "registered");
        const node = await hub.node({ name: "office" });
        const use = useSettings("web", { serveid: 700, port: service.port });
        const error = await failureOf(node.control.addUse(use));
        expect(error).to.include({ code: "network" });
        expect(error.message).to.match(
          /^cannot listen on 127\.0\.0\.1:\d+: that port is already in use; no use is made, try another port$/,
        );
        expect(node.control.uses()).to.deep.equal([]);
        expect(textsOf(node)).not.to.match(/use web/);
      }));

    it("says once that a use cannot be opened, and tries it again", () =>
      withHub(async (hub) => {
        const service = await hub.service(startEcho);
        const settings = { serveid: 700, port: service.port, active: false };
        const node = await hub.node({
          name: "home",
          serves: [serveSettings("web", { serveid: 700, port: 1 })],
          uses: [useSettings("web", settings)],
        });
        await eventually(
          "the serve is seen",
          () => [...node.control.knownServes()].length === 1,
        );
        const view = await node.control.openUse("web");
        expect(view).to.include({ state: "error", active: true });
        expect(textsOf(node)).not.to.match(/use web/);
      }));

    it("refuses a second use of one address as a file does, and takes a second use of one serve", () =>
      withHub(async (hub) => {
        const [port, other] = [await reservePort(), await reservePort()];
        const node = await hub.node({
          name: "home",
          serves: [serveSettings("web", { serveid: 700, port: 1 })],
          uses: [useSettings("a", { serveid: 700, port })],
        });
        await node.untilUse("a", "listening");
        const second = useSettings("b", { serveid: 700, port });
        const error = await failureOf(node.control.addUse(second));
        expect(error).to.include({ code: "usage" });
        expect(error.message).to.match(
          /^use a has 127\.0\.0\.1 port \d+ already/,
        );
        expect(
          await node.control.addUse({ ...second, port: other }),
        ).to.include({ state: "listening" });
      }));

    it("keeps what is inactive inactive until it is opened", () =>
      withHub(async (hub) => {
        const node = await hub.node({
          name: "home",
          serves: [serveSettings("web", { port: 1, active: false })],
          uses: [useSettings("web", { serveid: 1, port: 0, active: false })],
        });
        await node.control.ping(null, 1);
        expect(hub.counts.serves).to.equal(0);
        expect(node.serve("web").state).to.equal("inactive");
        expect(node.use("web").state).to.equal("inactive");
        expect(await node.control.openServe("web")).to.include({
          state: "registered",
          serveid: 1,
        });
      }));

    it("starts no serve or use where its settings say so", () =>
      withHub(async (hub) => {
        const node = await hub.node({
          name: "home",
          vnet: { startserve: false, startuse: false, terminal: true },
          serves: [serveSettings("web", { port: 1 })],
          uses: [useSettings("web", { serveid: 1, port: 0 })],
        });
        await node.control.ping(null, 1);
        expect(node.serve("web").state).to.equal("inactive");
        expect(node.use("web").state).to.equal("inactive");
      }));

    it("waits with a serve until there is a hub", async () => {
      const port = await reservePort();
      await withHub(
        async (hub) => {
          await hub.stop();
          const node = hub.nodeOffline({ name: "home" });
          const settings = serveSettings("web", { serveid: 700, port: 1 });
          expect(await node.control.addServe(settings)).to.include({
            state: "waiting",
            error: null,
          });
          await hub.open();
          await node.untilServe("web", "registered");
        },
        { port },
      );
    });
  });

  describe("as a guest", () => {
    it("sees everybody and is seen by nobody", () =>
      withPair(startEcho, async ({ hub, home, office }) => {
        const guest = await hub.node({ name: "guest" }, { guest: true });
        expect(
          [...guest.control.remoteNodes()].map((n) => n.name),
        ).to.deep.equal(["home", "office"]);
        expect([...guest.control.remoteServes()]).to.have.length(1);
        for (const node of [home, office]) {
          await node.control.ping(null, 1);
          expect(
            [...node.control.remoteNodes()].map((n) => n.name),
          ).to.deep.equal(["home", "office"]);
          expect(node.notices.some(({ text }) => text.includes("guest"))).to.be
            .false;
        }
      }));

    it("registers no serve and opens no use of its configuration", () =>
      withPair(startEcho, async ({ hub }) => {
        const guest = await hub.node(
          {
            name: "guest",
            serves: [serveSettings("mine", { serveid: 701, port: 1 })],
            uses: [useSettings("web", { serveid: 700, port: 0 })],
          },
          { guest: true },
        );
        await guest.control.ping(null, 1);
        expect(guest.serve("mine").state).to.equal("inactive");
        expect(guest.use("web").state).to.equal("inactive");
        expect(hub.counts.serves).to.equal(1);
      }));

    it("uses none of the numbers that nodes have", () =>
      withHub(async (hub) => {
        const guest = await hub.node({ name: "guest" }, { guest: true });
        const node = await hub.node({ name: "home" });
        expect(node.vnetid).to.equal(1);
        expect(guest.vnetid).to.be.above(10_000);
      }));
  });

  describe("measuring round trips", () => {
    it("to the hub has one value for each probe", () =>
      withPair(startEcho, async ({ office }) => {
        const { rttMs, path } = await office.control.ping(null, 3);
        expect(rttMs).to.have.length(3);
        for (const ms of rttMs) expect(ms).to.be.within(0, 5_000);
        expect(path).to.be.null;
      }));

    it("to a node has both parts of the way, which make up the whole", () =>
      withPair(startEcho, async ({ home, office }) => {
        const result = await office.control.ping(home.vnetid, 3);
        expect(result.rttMs).to.have.length(3);
        expect(result.path?.kind).to.equal("relay");
        for (const [n, ms] of result.rttMs.entries()) {
          const { hubMs, nodeMs } = result.path!;
          expect(hubMs[n]).to.be.at.least(0);
          expect(nodeMs[n]).to.be.at.least(0);
          expect(hubMs[n]! + nodeMs[n]!).to.be.closeTo(ms, 0.001);
        }
        await calm(home, office);
      }));

    it("works beside a stream, and towards a node that is not used", () =>
      withPair(startEcho, async ({ hub, home, office, port }) => {
        const user = await hub.user(port);
        user.socket.write("x");
        await within("the echo", user.untilBytes(1));
        await office.control.ping(home.vnetid, 1);
        await home.control.ping(office.vnetid, 1);
        user.socket.write("y");
        await within("the echo", user.untilBytes(2));
      }));

    it("fails for a node that is not there, with what to do", () =>
      withPair(startEcho, async ({ office }) => {
        const error = await failureOf(office.control.ping(77, 1));
        expect(error).to.include({
          code: "usage",
          message: "no node 77 in this group; `show vnets` lists them",
        });
      }));

    it("fails for a hub that is not there", async () => {
      const config = nodeSettings(await reservePort(), { name: "home" });
      await withNode(config, async (node) => {
        expect(await failureOf(node.control.ping(null, 1))).to.include({
          code: "closed",
        });
      });
    });
  });

  it("reports what it runs", () =>
    withPair(startEcho, async ({ hub, home, office, service, port }) => {
      expect(home.control.view()).to.deep.include({
        name: "home",
        group: "default",
        vnetid: 1,
        hub: `127.0.0.1:${hub.port}`,
        link: "online",
        linkError: null,
        streams: { now: 0, total: 0, bytesIn: 0, bytesOut: 0 },
      });
      const remote = {
        serveid: 700,
        vnetid: 1,
        vnet: "home",
        name: "web",
        type: "tcp",
        ip: "127.0.0.1",
        port: service.port,
        info: "",
        share: "exclusive",
        service: "up",
      };
      expect([...office.control.remoteServes()]).to.deep.equal([
        { ...remote, trusted: "unknown", overtaken: false },
      ]);
      expect(office.control.uses()).to.deep.equal([
        {
          label: "web",
          serveid: 700,
          wanted: "700",
          ip: "127.0.0.1",
          port,
          active: true,
          state: "listening",
          error: null,
          remote,
          providers: 1,
          refusedKey: null,
          origin: "config",
          streams: 0,
        },
      ]);
      expect([...office.control.remoteNodes()]).to.deep.equal([
        {
          vnetid: 1,
          name: "home",
          serves: 1,
          self: false,
          fingerprint: home.control.view().fingerprint,
          trusted: "unknown",
        },
        {
          vnetid: 2,
          name: "office",
          serves: 0,
          self: true,
          fingerprint: office.control.view().fingerprint,
          trusted: "yes",
        },
      ]);
      await eventually("a heartbeat", () => home.control.view().rttMs !== null);
    }));

  it("closes but once, and tells nothing any more", () =>
    withPair(startEcho, async ({ office }) => {
      const told = office.notices.length;
      await Promise.all([office.close(), office.close()]);
      await office.close();
      expect(office.control.view().link).to.equal("closed");
      expect(office.notices).to.have.length(told);
    }));

  it("closes while it is still looking for its hub", async () => {
    const config = nodeSettings(await reservePort(), { name: "home" });
    await withNode(config, async (node) => {
      expect(await failureOf(node.control.online(30))).to.include({
        code: "timeout",
      });
      expect(() => node.control.remoteServes()).to.throw(
        VnetError,
        /is not reached/,
      );
      expect([...node.control.knownServes()]).to.deep.equal([]);
    });
  });
});

/** The error of a connection that is refused at once. */
async function refusal(port: number): Promise<NodeJS.ErrnoException> {
  return within(
    "the refusal",
    connectTo(port).then(
      ({ socket }) => {
        socket.destroy();
        throw new Error(`port ${port} accepts`);
      },
      (error: unknown) => error as NodeJS.ErrnoException,
    ),
  );
}

function textsOf({ notices }: TestNode): string {
  return notices.map(({ text }) => text).join("\n");
}
