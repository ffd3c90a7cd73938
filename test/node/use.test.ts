import { expect } from "chai";
import { Identity } from "../../src/keys/identity.js";
import { createServer, type Server } from "node:net";
import { once } from "node:events";
import type { Channels } from "../../src/node/channels.js";
import type { Provider } from "../../src/node/search.js";
import { Use } from "../../src/node/use.js";
import { openChoice } from "../support/choice.js";
import { eventually, within } from "../support/deadline.js";
import { connectTo, startEcho } from "../support/echo.js";
import { failureOf } from "../support/failure.js";
import { withHub, type TestHub } from "../support/hub.js";
import { reservePort } from "../support/ports.js";
import { directoryOf, provider } from "../support/remote-serve.js";
import { serveSettings, useSettings } from "../support/settings.js";

/** A connection to the port is refused at once. */
async function expectRefusal(port: number): Promise<void> {
  const code = await within(
    "the refusal",
    connectTo(port).then(
      ({ socket }) => {
        socket.destroy();
        return "accepted";
      },
      (error: unknown) => (error as NodeJS.ErrnoException).code,
    ),
  );
  expect(code).to.equal("ECONNREFUSED");
}

async function expectEcho(hub: TestHub, port: number): Promise<void> {
  const user = await hub.user(port);
  user.socket.end("hello");
  await within("the echo", user.ended);
  expect(user.text).to.equal("hello");
}

describe("a use", () => {
  it("refuses at once while nobody offers its serve, and listens when somebody does", () =>
    withHub(async (hub) => {
      const port = await reservePort();
      const office = await hub.node({
        name: "office",
        uses: [useSettings("web", { serveid: 700, port })],
      });
      expect(office.use("web")).to.include({
        state: "waiting",
        error: "nobody offers 700 just now",
        remote: null,
        port,
      });
      await expectRefusal(port);

      const service = await hub.service(startEcho);
      const serves = [
        serveSettings("web", { serveid: 700, port: service.port }),
      ];
      // The id is kept for that node's key.
      const identity = Identity.generate();
      for (let round = 0; round < 2; round++) {
        const home = await hub.node({ name: "home", serves }, { identity });
        const { error, remote } = await office.untilUse("web", "listening");
        expect(error).to.be.null;
        expect(remote).to.include({ vnet: "home", name: "web" });
        await expectEcho(hub, port);

        await home.close();
        await office.untilUse("web", "waiting");
        await expectRefusal(port);
        await office.untilNotice(/vnet 02 \(home\) left/);
      }
    }));

  it("follows its serve as that is closed and opened", () =>
    withHub(async (hub) => {
      const service = await hub.service(startEcho);
      const home = await hub.node({
        name: "home",
        serves: [serveSettings("web", { serveid: 700, port: service.port })],
      });
      const port = await reservePort();
      const office = await hub.node({
        name: "office",
        uses: [useSettings("web", { serveid: 700, port })],
      });
      await office.untilUse("web", "listening");
      await home.control.closeServe("web");
      await office.untilUse("web", "waiting");
      await expectRefusal(port);
      await home.control.openServe("web");
      await office.untilUse("web", "listening");
      await expectEcho(hub, port);
    }));

  it("refuses at once while the hub is away, and says why", async () => {
    const hubPort = await reservePort();
    await withHub(
      async (hub) => {
        const serves = [serveSettings("web", { serveid: 700, port: 1 })];
        await hub.node({ name: "home", serves });
        const port = await reservePort();
        const office = await hub.node({
          name: "office",
          uses: [useSettings("web", { serveid: 700, port })],
        });
        await office.untilUse("web", "listening");
        await hub.stop();
        const { error } = await office.untilUse("web", "waiting");
        expect(error).to.match(/^the hub is not reached: /);
        await expectRefusal(port);
        await hub.open();
        await office.untilUse("web", "listening");
      },
      { port: hubPort },
    );
  });

  it("listens on the serve's own port where it has none", () =>
    withHub(async (hub) => {
      // Nobody listens there: on one machine, the service and the use of its
      // port could not both.
      const port = await reservePort();
      const office = await hub.node({
        name: "office",
        uses: [useSettings("web", { serveid: 700, port: 0 })],
      });
      expect(office.use("web")).to.include({ state: "waiting", port: 0 });
      const home = await hub.node({
        name: "home",
        serves: [serveSettings("web", { serveid: 700, port })],
      });
      expect(await office.untilUse("web", "listening")).to.include({ port });

      const moved = await reservePort();
      await home.control.reload({
        ...home.control.config,
        serves: [serveSettings("web", { serveid: 700, port: moved })],
      });
      await eventually("the new port", () => {
        expect(office.use("web")).to.include({
          state: "listening",
          port: moved,
        });
        return true;
      });
      await expectRefusal(port);
    }));

  describe("whose port is taken", () => {
    let holder: Server;
    let port: number;

    beforeEach(async () => {
      port = await reservePort();
      holder = createServer();
      holder.listen(port, "127.0.0.1");
      await once(holder, "listening");
    });

    afterEach(() => {
      holder.close();
    });

    it("says so, is tried again when the port is free, and the rest of the node runs", () =>
      withHub(async (hub) => {
        const service = await hub.service(startEcho);
        const other = await reservePort();
        const node = await hub.node({
          name: "home",
          serves: [serveSettings("web", { serveid: 700, port: service.port })],
          uses: [
            useSettings("taken", { serveid: 700, port }),
            useSettings("free", { serveid: 700, port: other }),
          ],
        });
        const { error } = await node.untilUse("taken", "error");
        expect(error).to.equal(
          `cannot listen on 127.0.0.1:${port}: that port is already in use`,
        );
        expect(await node.untilNotice(/^use taken /)).to.deep.equal({
          level: "warn",
          text: `use taken is tried again: ${error}`,
        });
        await node.untilUse("free", "listening");
        await expectEcho(hub, other);
        holder.close();
        await node.untilUse("taken", "listening");
        expect(node.use("taken").error).to.be.null;
        await expectEcho(hub, port);
      }));

    it("is not tried again once it was closed", () =>
      withHub(async (hub) => {
        const node = await hub.node({
          name: "home",
          serves: [serveSettings("web", { serveid: 700, port: 1 })],
          uses: [useSettings("taken", { serveid: 700, port })],
        });
        await node.untilUse("taken", "error");
        expect(await node.control.closeUse("taken")).to.include({
          state: "inactive",
          error: null,
        });
        holder.close();
        await expectRefusal(port);
      }));

    it("reports two uses of one port, of which one listens", () =>
      withHub(async (hub) => {
        const own = await reservePort();
        const node = await hub.node({
          name: "home",
          serves: [serveSettings("web", { serveid: 700, port: 1 })],
          uses: [
            useSettings("a", { serveid: 700, port: own }),
            useSettings("b", { serveid: 700, port: own }),
          ],
        });
        await eventually("both are settled", () => {
          const states = node.control.uses().map((use) => use.state);
          expect(states).to.have.members(["listening", "error"]);
          return true;
        });
      }));
  });

  it("stays inactive without a serveid, and says what to do when it is opened", () =>
    withHub(async (hub) => {
      const uses = [useSettings("web", { serveid: 0, port: 0 })];
      const node = await hub.node({ name: "office", uses });
      expect(node.use("web")).to.include({ state: "inactive", active: false });
      const error = await failureOf(node.control.openUse("web"));
      expect(error).to.include({ code: "usage" });
      expect(error.message).to.match(/use web has no serveid/);
      expect(node.use("web").state).to.equal("inactive");
    }));

  it("does not use a dynamic id that has passed to another owner, until it is opened anew", () =>
    withHub(
      async (hub) => {
        const service = await hub.service(startEcho);
        const { port } = service;
        const home = await hub.node({
          name: "home",
          serves: [serveSettings("web", { serveid: 7, port })],
        });
        const local = await reservePort();
        const office = await hub.node({
          name: "office",
          uses: [useSettings("mine", { serveid: 7, port: local })],
        });
        await office.untilUse("mine", "listening");
        await home.close();
        await office.untilUse("mine", "waiting");

        const thief = await hub.node({ name: "thief" });
        const settings = serveSettings("trap", { serveid: 7, port });
        expect(await thief.control.addServe(settings)).to.include({
          serveid: 7,
        });
        await office.untilSeen(7);
        const other =
          /^007 is now trap of vnet \d\d \(thief\), this use means web of home; close and open it/;
        await eventually("it says whose it is now", () => {
          const { error, state } = office.use("mine");
          expect(state).to.equal("waiting");
          return other.test(error ?? "");
        });
        await expectRefusal(local);

        await office.control.closeUse("mine");
        expect(await office.control.openUse("mine")).to.include({
          state: "listening",
        });
      },
      { restMs: 0 },
    ));

  it("uses a static id that has passed to another owner", () =>
    withHub(async (hub) => {
      const service = await hub.service(startEcho);
      const serves = [
        serveSettings("web", { serveid: 700, port: service.port }),
      ];
      const local = await reservePort();
      const office = await hub.node({
        name: "office",
        uses: [useSettings("web", { serveid: 700, port: local })],
      });
      const first = await hub.node({ name: "first", serves });
      await office.untilUse("web", "listening");
      // Without this the id would be kept for its key.
      await first.control.deleteServe("web");
      await office.untilUse("web", "waiting");
      await hub.node({ name: "second", serves });
      const { remote } = await office.untilUse("web", "listening");
      expect(remote?.vnet).to.equal("second");
      await expectEcho(hub, local);
    }));

  it("resets a user who is on the way while the serve goes", () =>
    withHub(async (hub) => {
      const service = await hub.service(startEcho);
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
      const user = await hub.user(port);
      await home.control.closeServe("web");
      expect(await within("the end", user.ended)).to.equal("reset");
    }));

  it("misses no change, at whatever step of settling it comes", async () => {
    for (let steps = 0; steps < 20; steps++) {
      let found: Provider[] | string = "nobody offers it";
      const use = new Use({
        settings: useSettings("web", { serveid: 700, port: 1 }),
        wanted: () => "700",
        origin: "config",
        channels: Object.create(null) as Channels,
        listen: ({ host, port }) =>
          Promise.resolve({ host, port, close: () => Promise.resolve() }),
        search: () => ({
          search: {
            find: () => found,
            interrupt: () => undefined,
            close: () => undefined,
          },
          choice: openChoice(directoryOf()),
        }),
        warn: () => undefined,
        onFault: () => undefined,
        onStop: () => undefined,
        onWait: () => undefined,
        onListen: () => undefined,
        onSettled: () => undefined,
      });
      const opening = use.open();
      for (let step = 0; step < steps; step++) await Promise.resolve();
      found = [provider(1)];
      await use.settle();
      await opening;
      expect(use.view().state, `after ${steps} steps`).to.equal("listening");
      await use.close("the end");
    }
  });
});
