import { expect } from "chai";
import type { NodeConfig } from "../../src/config/config.js";
import { formatChange, type ConfigChange } from "../../src/config/diff.js";
import { eventually, within } from "../support/deadline.js";
import {
  startEcho,
  startSpeakFirst,
  type Observed,
  type TestServer,
} from "../support/echo.js";
import { failureOf } from "../support/failure.js";
import { withHub, type TestHub } from "../support/hub.js";
import { reservePort } from "../support/ports.js";
import { serveSettings, useSettings } from "../support/settings.js";
import type { TestNode } from "../support/node.js";

interface Stage {
  hub: TestHub;
  service: TestServer;
  /** serves `kept` (700) and `other` (701), and uses both itself */
  home: TestNode;
  config: NodeConfig;
  ports: { kept: number; other: number };
  /** a stream over `kept` */
  user: Observed;
}

function withStage(body: (stage: Stage) => Promise<void>): Promise<void> {
  return withHub(async (hub) => {
    const service = await hub.service(startEcho);
    const { port } = service;
    const ports = { kept: await reservePort(), other: await reservePort() };
    const home = await hub.node({
      name: "home",
      serves: [
        serveSettings("kept", { serveid: 700, port }),
        serveSettings("other", { serveid: 701, port }),
      ],
      uses: [
        useSettings("kept", { serveid: 700, port: ports.kept }),
        useSettings("other", { serveid: 701, port: ports.other }),
      ],
    });
    for (const label of ["kept", "other"])
      await home.untilUse(label, "listening");
    const user = await hub.user(ports.kept);
    user.socket.write("x");
    await within("the echo", user.untilBytes(1));
    const { config } = home.control;
    await body({ hub, service, home, config, ports, user });
  });
}

/** The stream that ran before runs still. */
async function expectAlive(user: Observed): Promise<void> {
  const bytes = user.bytes + 1;
  user.socket.write("y");
  await within("the echo", user.untilBytes(bytes));
}

const kinds = (changes: ConfigChange[]) => changes.map(({ kind }) => kind);
const copy = (config: NodeConfig): NodeConfig => structuredClone(config);

describe("a reload", () => {
  it("does nothing where nothing differs", () =>
    withStage(async ({ hub, home, config, user }) => {
      const told = home.notices.length;
      expect(await home.control.reload(copy(config))).to.deep.equal([]);
      await expectAlive(user);
      await home.control.ping(null, 1);
      expect(home.notices).to.have.length(told);
      expect(hub.counts).to.include({ nodes: 1, serves: 2 });
    }));

  it("adds serves and uses, and touches no others", () =>
    withStage(async ({ hub, home, config, user, service }) => {
      const port = await reservePort();
      const after = copy(config);
      after.serves.push(
        serveSettings("new", { serveid: 702, port: service.port }),
        serveSettings("idle", { port: 1, active: false }),
      );
      after.uses.push(
        useSettings("new", { serveid: 702, port }),
        useSettings("idle", { serveid: 703, port: 0, active: false }),
        useSettings("no id", { serveid: 0, port: 0 }),
      );
      expect(kinds(await home.control.reload(after))).to.deep.equal([
        "serve-added",
        "serve-added",
        "use-added",
        "use-added",
        "use-added",
      ]);
      expect(home.serve("new").state).to.equal("registered");
      expect(home.serve("idle").state).to.equal("inactive");
      expect(home.use("idle").state).to.equal("inactive");
      expect(home.use("no id").state).to.equal("inactive");
      await home.untilUse("new", "listening");
      const second = await hub.user(port);
      second.socket.end("z");
      await within("the echo", second.ended);
      await expectAlive(user);
      expect(home.control.config).to.equal(after);
    }));

  it("tells of each serve and use whether it is active afterwards", () =>
    withStage(async ({ home, config, service }) => {
      const after = copy(config);
      Object.assign(after.vnet, { startserve: false, startuse: false });
      after.serves[1] = { ...after.serves[1]!, info: "changed" };
      after.serves.push(
        serveSettings("redis", { port: service.port }),
        serveSettings("idle", { port: 1, active: false }),
      );
      after.uses.push(
        useSettings("db", { serveid: 702, port: 0 }),
        useSettings("no id", { serveid: 0, port: 0 }),
      );
      const lines = async (of: NodeConfig) =>
        (await home.control.reload(of)).map(formatChange);
      const later = "(for what is added, and at the next start)";
      expect(await lines(after)).to.deep.equal([
        `~ vnet: startserve true → false ${later}, startuse true → false ${later}`,
        '~ serve other: info "" → changed (active)',
        `+ serve redis 000 → 127.0.0.1:${service.port} (inactive until \`serve open\`)`,
        "+ serve idle 000 → 127.0.0.1:1 (inactive)",
        "+ use db 127.0.0.1:(the serve's own port) → 702 (inactive until `use open`)",
        "+ use no id 127.0.0.1:(the serve's own port) → 000 (inactive as it has no serveid)",
      ]);
      await home.control.openServe("redis");
      const again = copy(after);
      again.serves[2] = { ...again.serves[2]!, port: service.port, info: "x" };
      again.serves[3] = { ...again.serves[3]!, active: true };
      again.uses.pop();
      expect(await lines(again)).to.deep.equal([
        '~ serve redis: info "" → x (active)',
        "~ serve idle: active false → true (inactive until `serve open`)",
        "- use no id",
      ]);
    }));

  it("removes serves and uses with their streams, and touches no others", () =>
    withStage(async ({ hub, home, config, ports, user }) => {
      const going = await hub.user(ports.other);
      going.socket.write("x");
      await within("the echo", going.untilBytes(1));
      const after = copy(config);
      after.serves.pop();
      after.uses.pop();
      expect(kinds(await home.control.reload(after))).to.deep.equal([
        "serve-removed",
        "use-removed",
      ]);
      expect(await within("the end", going.ended)).to.equal("reset");
      expect(home.control.serves().map((s) => s.label)).to.deep.equal(["kept"]);
      expect(home.control.uses().map((u) => u.label)).to.deep.equal(["kept"]);
      await home.untilUnseen(701);
      await expectAlive(user);
    }));

  it("applies what changed, and touches no others", () =>
    withStage(async ({ hub, home, config, user }) => {
      const greeting = await hub.service(() => startSpeakFirst("new"));
      const port = await reservePort();
      const after = copy(config);
      Object.assign(after.serves[1]!, { serveid: 705, port: greeting.port });
      Object.assign(after.uses[1]!, { serveid: 705, port });
      expect(kinds(await home.control.reload(after))).to.deep.equal([
        "serve-changed",
        "use-changed",
      ]);
      expect(home.serve("other").serveid).to.equal(705);
      await home.untilUse("other", "listening");
      const second = await hub.user(port);
      await within("the greeting", second.untilBytes(3));
      await expectAlive(user);
    }));

  it("opens and closes what became active or inactive", () =>
    withStage(async ({ home, config, user }) => {
      const off = copy(config);
      off.serves[1]!.active = false;
      off.uses[1]!.active = false;
      await home.control.reload(off);
      expect(home.serve("other").state).to.equal("inactive");
      expect(home.use("other").state).to.equal("inactive");
      await home.untilUnseen(701);
      await home.control.reload(copy(config));
      await home.untilServe("other", "registered");
      await home.untilUse("other", "listening");
      await expectAlive(user);
    }));

  it("lets two serves change their static ids with each other", () =>
    withStage(async ({ home, config }) => {
      const after = copy(config);
      after.serves[0]!.serveid = 701;
      after.serves[1]!.serveid = 700;
      await home.control.reload(after);
      expect(home.serve("kept")).to.include({
        serveid: 701,
        state: "registered",
      });
      expect(home.serve("other")).to.include({
        serveid: 700,
        state: "registered",
      });
      await eventually("the group knows", () => {
        expect(home.seen(700)?.name).to.equal("other");
        expect(home.seen(701)?.name).to.equal("kept");
        return true;
      });
    }));

  it("lets two uses change their ports with each other", () =>
    withStage(async ({ home, config, ports }) => {
      const after = copy(config);
      after.uses[0]!.port = ports.other;
      after.uses[1]!.port = ports.kept;
      await home.control.reload(after);
      for (const label of ["kept", "other"])
        await home.untilUse(label, "listening");
      expect(home.use("kept").port).to.equal(ports.other);
    }));

  it("hands an id from a serve that goes to one that comes", () =>
    withStage(async ({ home, config }) => {
      const after = copy(config);
      after.serves[1]!.label = "heir";
      await home.control.reload(after);
      expect(home.serve("heir")).to.include({
        serveid: 701,
        state: "registered",
      });
    }));

  it("republishes a changed name, type, info and target without cutting streams", () =>
    withStage(async ({ hub, home, config, user, ports }) => {
      const office = await hub.node({ name: "office" });
      const greeting = await hub.service(() => startSpeakFirst("moved"));
      const particulars = {
        name: "shop",
        type: "http",
        info: "open",
        port: greeting.port,
      };
      const after = copy(config);
      Object.assign(after.serves[0]!, particulars);
      const [change] = await home.control.reload(after);
      expect(change).to.deep.include({ kind: "serve-changed" });
      await eventually("the group knows", () => {
        expect(office.seen(700)).to.include(particulars);
        return true;
      });
      expect(office.notices.some(({ text }) => text.includes("gone"))).to.be
        .false;
      await expectAlive(user);
      const next = await hub.user(ports.kept);
      await within("the new service", next.untilBytes(5));
    }));

  it("rejoins in another group, and takes its serves along", () =>
    withStage(async ({ hub, home, config }) => {
      const red = await hub.node({ name: "red", group: "red" });
      const after = copy(config);
      after.vnet.group = "red";
      expect(kinds(await home.control.reload(after))).to.deep.equal(["vnet"]);
      await red.untilSeen(700);
      await home.untilServe("kept", "registered");
      await home.untilUse("kept", "listening");
      expect(home.control.view().group).to.equal("red");
      expect(hub.counts).to.include({ groups: 1, nodes: 2 });
    }));

  it("rejoins under another name", () =>
    withStage(async ({ hub, home, config }) => {
      const office = await hub.node({ name: "office" });
      const after = copy(config);
      after.vnet.name = "castle";
      await home.control.reload(after);
      await eventually("the new name", () => {
        const names = [...office.control.knownNodes()].map(({ name }) => name);
        expect(names).to.have.members(["castle", "office"]);
        expect(office.seen(700)?.vnet).to.equal("castle");
        return true;
      });
    }));

  it("cuts no stream for keys of [route] that leave hub and group as they are", () =>
    withStage(async ({ home, config, user }) => {
      const after = copy(config);
      after.route.heartbeatIntervalMs = 1_000;
      after.route.retryIntervalMs = 200;
      expect(kinds(await home.control.reload(after))).to.deep.equal(["route"]);
      await home.online();
      await home.untilUse("kept", "listening");
      await expectAlive(user);
      const told = home.notices.length;
      const again = copy(after);
      again.route.proxyProtocol = true;
      expect(kinds(await home.control.reload(again))).to.deep.equal(["route"]);
      await expectAlive(user);
      const texts = home.notices.slice(told).map(({ text }) => text);
      expect(texts.join()).not.to.include("lost");
    }));

  it("moves to another hub", () =>
    withStage(async ({ home, config }) => {
      await withHub(async (second) => {
        const after = copy(config);
        after.route.port = second.port;
        expect(kinds(await home.control.reload(after))).to.deep.equal([
          "route",
        ]);
        await eventually("it is there", () => second.counts.serves === 2);
        await home.untilUse("kept", "listening");
        expect(home.control.view().hub).to.equal(`127.0.0.1:${second.port}`);
        await home.close();
      });
    }));

  it("keeps open what was opened by hand where nothing is opened by itself", () =>
    withStage(async ({ home, config, ports }) => {
      const quiet = copy(config);
      quiet.vnet.startuse = false;
      quiet.vnet.startserve = false;
      await home.control.reload(quiet);
      await home.control.closeUse("other");
      const after = copy(quiet);
      for (const use of after.uses) use.ip = "127.0.0.2";
      after.serves[0]!.serveid = 702;
      after.uses[0]!.serveid = 702;
      await home.control.reload(after);
      await home.untilServe("kept", "registered");
      await home.untilUse("kept", "listening");
      expect(home.use("kept")).to.include({
        ip: "127.0.0.2",
        port: ports.kept,
      });
      expect(home.use("other").state).to.equal("inactive");
      const off = copy(after);
      off.uses[0]!.active = false;
      await home.control.reload(off);
      expect(home.use("kept").state).to.equal("inactive");
      await home.control.openUse("kept");
      off.uses[0]!.ip = "127.0.0.3";
      await home.control.reload(off);
      await home.untilUse("kept", "listening");
    }));

  it("takes over settings that need no reconnection", () =>
    withStage(async ({ hub, home, config, user, service }) => {
      const office = await hub.node({ name: "office" });
      const target = {
        vnetid: home.vnetid,
        ip: "localhost",
        port: service.port,
      };
      const told = home.notices.length;
      const after = copy(config);
      after.vnet.allowUnserve = true;
      await home.control.reload(after);
      expect(await office.control.requestUnserve(target)).to.include({
        unserve: 1,
      });
      expect(home.notices.slice(told).map(({ text }) => text)).not.to.include(
        "lost",
      );
      await expectAlive(user);
    }));

  it("leaves what was made in the terminal as it is", () =>
    withStage(async ({ home, config, service }) => {
      const port = await reservePort();
      await home.control.addServe(
        serveSettings("mine", { serveid: 800, port: service.port }),
      );
      await home.control.addUse(useSettings("mine", { serveid: 800, port }));
      const after = copy(config);
      after.serves.pop();
      after.uses.pop();
      await home.control.reload(after);
      expect(home.serve("mine")).to.include({
        state: "registered",
        origin: "terminal",
      });
      expect(home.use("mine")).to.include({ origin: "terminal" });
      await home.untilUse("mine", "listening");
      expect(home.serve("kept").origin).to.equal("config");
    }));

  it("brings back what was deleted in the terminal", () =>
    withStage(async ({ home, config }) => {
      await home.control.deleteServe("other");
      await home.control.deleteUse("other");
      expect(kinds(await home.control.reload(copy(config)))).to.deep.equal([
        "serve-added",
        "use-added",
      ]);
      await home.untilUse("other", "listening");
    }));

  const clashes: [
    what: string,
    entries: (port: number) => Partial<Pick<NodeConfig, "serves" | "uses">>,
    reason: RegExp,
  ][] = [
    [
      "a serve of the same name",
      (port) => ({ serves: [serveSettings("mine", { port })] }),
      /^nothing changed: serve mine of the file clashes with serve mine made in this terminal \(same name\); delete one of them$/,
    ],
    [
      "a serve of the same serveid",
      (port) => ({ serves: [serveSettings("new", { serveid: 800, port })] }),
      /serve new of the file clashes with serve mine .*\(same serveid\)/,
    ],
    [
      "a use of the same name",
      () => ({ uses: [useSettings("mine", { serveid: 1, port: 0 })] }),
      /use mine of the file clashes with use mine .*\(same name\)/,
    ],
  ];
  for (const [what, entries, reason] of clashes)
    it(`changes nothing where the file has ${what} as one made in the terminal`, () =>
      withStage(async ({ home, config, service, user }) => {
        const { port } = service;
        await home.control.addServe(
          serveSettings("mine", { serveid: 800, port }),
        );
        await home.control.addUse(
          useSettings("mine", { serveid: 800, port: await reservePort() }),
        );
        const before = [home.control.serves(), home.control.uses()];
        const after = copy({ ...config, serves: [], uses: [] });
        after.vnet.group = "red";
        const error = await failureOf(
          home.control.reload({ ...after, ...entries(port) }),
        );
        expect(error).to.include({ code: "usage" });
        expect(error.message).to.match(reason);
        expect([home.control.serves(), home.control.uses()]).to.deep.equal(
          before,
        );
        expect(home.control.config).to.equal(config);
        expect(home.control.view()).to.include({
          group: "default",
          link: "online",
        });
        await expectAlive(user);
      }));

  it("tells as a notice what the hub or a port refuses, and applies the rest", () =>
    withStage(async ({ hub, home, config, service }) => {
      const office = await hub.node({ name: "office" });
      await office.control.addServe(
        serveSettings("theirs", { serveid: 900, port: 1 }),
      );
      const after = copy(config);
      after.serves.push(serveSettings("clash", { serveid: 900, port: 1 }));
      after.uses.push(
        useSettings("clash", { serveid: 700, port: service.port }),
      );
      await home.control.reload(after);
      await home.untilNotice(/serve clash is not registered: serveid 900/);
      await home.untilNotice(/use clash is tried again: cannot listen on/);
      expect(home.serve("clash").state).to.equal("refused");
      expect(home.use("clash").state).to.equal("error");
    }));

  it("into another group reaches nobody of the old one, though the numbers are the same", () =>
    withHub(async (hub) => {
      for (const group of ["one", "two"]) {
        const service = await hub.service(() => startSpeakFirst(group));
        const home = await hub.node({
          name: "home",
          vnet: { group },
          serves: [serveSettings("web", { serveid: 700, port: service.port })],
        });
        await home.untilServe("web", "registered");
      }
      const port = await reservePort();
      const office = await hub.node({
        name: "office",
        vnet: { group: "one" },
        uses: [useSettings("web", { serveid: 700, port })],
      });
      const greeting = async () => {
        await office.untilUse("web", "listening");
        const user = await hub.user(port);
        await within("the greeting", user.untilBytes(3));
        return user.text;
      };
      expect(await greeting()).to.equal("one");
      const after = copy(office.control.config);
      after.vnet.group = "two";
      await office.control.reload(after);
      await office.online();
      expect(await greeting()).to.equal("two");
    }));
});
