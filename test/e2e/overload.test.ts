// More than there is room for: of open files, of connections at once, of
// messages. Who is too many is told so at once, and the others go on.

import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import { Identity } from "../../src/keys/identity.js";
import { encodeFrame } from "../../src/wire/frame.js";
import { eventually, within } from "../support/deadline.js";
import { connectTo, startEcho, type TestServer } from "../support/echo.js";
import { skip } from "../support/find-program.js";
import { HubClient, SERVE } from "../support/hub-client.js";
import {
  askJson,
  nodeConfig,
  serveSection,
  startMember,
  untilRow,
  untilUse,
  untilVnet,
  useSection,
} from "../support/lan.js";
import {
  closeLaunched,
  run,
  startHub,
  startNode,
  type Hub,
  type Launched,
} from "../support/launch.js";
import { canMeasure, openSockets, residentBytes } from "../support/memory.js";
import { reservePort } from "../support/ports.js";
import { besidePulse } from "../support/pulse.js";
import { exchange, untilEchoed } from "../support/reach.js";

const MIB = 1024 * 1024;
const ID = 700;
const FEW_FILES = 96;
const REACHED = /the limit of \d+ open files is reached \(raise it: /;

/** Becomes the program with no more open files than that. */
const withFiles = (count: number) => ({
  prefix: ["sh", "-c", `ulimit -n ${count} && exec "$@"`, "sh"],
});

type Outcome = "echo" | "reset" | "end";

/** So many users at once who say a byte and stay; what became of each. */
async function crowd(
  port: number,
  count: number,
): Promise<{ users: Socket[]; outcomes: Outcome[] }> {
  const users: Socket[] = [];
  const outcomes = Array.from({ length: count }, (_, n) => {
    const user = connect({ host: "127.0.0.1", port });
    users.push(user);
    user.write("x");
    return within(
      `an answer to user ${n}`,
      new Promise<Outcome>((resolve) => {
        user.once("data", () => resolve("echo"));
        user.once("end", () => resolve("end"));
        user.on("error", () => resolve("reset"));
      }),
      60_000,
    );
  });
  return { users, outcomes: await Promise.all(outcomes) };
}

function count(outcomes: readonly Outcome[], outcome: Outcome): number {
  return outcomes.filter((each) => each === outcome).length;
}

function linesWith(program: Launched, pattern: RegExp): number {
  return program.lines.filter((line) => pattern.test(line)).length;
}

describe("more than there is room for", function () {
  this.timeout(180_000);
  let echo: TestServer;
  let hub: Hub;
  let home: Launched;
  let office: Launched;
  let port: number;
  const sockets: Socket[] = [];

  before(async function () {
    if (!canMeasure) skip(this, "needs /proc, and limits of a process");
    echo = await startEcho();
  });

  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    await closeLaunched();
    echo.connections.length = 0;
  });

  after(async () => {
    await echo?.close();
  });

  /** A hub, and two nodes with a service between them; one of the three with few files. */
  async function start(
    poor?: "hub" | "home" | "office",
    files = 0,
  ): Promise<void> {
    const limit = (who: typeof poor) => (who === poor ? withFiles(files) : {});
    hub = await startHub({}, limit("hub"));
    const member = async (name: "home" | "office", sections: string) => {
      const config = nodeConfig(hub.port, { name, sections });
      const node = startNode(config, limit(name));
      await node.waitForOutput("connected to the hub");
      return node;
    };
    port = await reservePort();
    home = await member("home", serveSection(ID, echo.port));
    office = await member("office", useSection(ID, port));
    await untilUse(office, ID, "listening");
    await untilEchoed(port);
  }

  /** Connections to the hub's port that say these bytes, if any, and stay. */
  async function strangers(number: number, words?: Buffer): Promise<void> {
    for (let n = 0; n < number; n++) {
      const socket = connect({ host: "127.0.0.1", port: hub.port });
      socket.on("error", () => undefined).resume();
      if (words) socket.write(words);
      sockets.push(socket);
      if (n % 50 === 49) await sleep(1);
    }
  }

  describe("of open files", () => {
    for (const poor of ["hub", "home", "office"] as const)
      it(`at ${poor === "hub" ? "the hub" : poor}: who finds none is reset at once and told why, the others stay, and it passes`, async () => {
        // Node itself takes more than 64 while it loads the program.
        await start(poor, FEW_FILES);
        const process = { hub, home, office }[poor];
        const { users, outcomes } = await crowd(port, FEW_FILES);
        sockets.push(...users);
        const echoed = count(outcomes, "echo");
        expect(echoed).to.be.within(3, FEW_FILES / 2);
        expect(count(outcomes, "reset")).to.equal(FEW_FILES - echoed);
        // At home it may be the channel that was turned away, or the stream on one.
        const reason = poor === "home" ? /limit of 96|logs say why/ : REACHED;
        const told = /refused a connection: .*/;
        const [line] = await office.waitForOutput(told);
        expect(line).to.match(reason);
        expect(linesWith(office, told)).to.be.within(1, 5);
        await process.waitForOutput(REACHED);
        if (poor !== "office")
          expect(linesWith(process, REACHED), process.output).to.equal(1);
        for (const [n, user] of users.entries()) {
          if (outcomes[n] !== "echo") continue;
          user.write("still there?");
          await within("the echo", once(user, "data"));
        }
        for (const user of users) user.destroy();
        await untilVnet(
          office,
          ({ streams }) => streams.now === 0,
          "all streams are over",
        );
        await untilEchoed(port);
        const again = await crowd(port, 3);
        sockets.push(...again.users);
        expect(again.outcomes).to.deep.equal(["echo", "echo", "echo"]);
      });

    it("by strangers at the hub: streams go on, nodes come and go, and the log says it once", async () => {
      await start("hub", 96);
      const stream = await connectTo(port);
      sockets.push(stream.socket);
      await besidePulse(port, async () => {
        await strangers(200);
        await hub.waitForOutput(REACHED);
        const late = await startMember(hub, { name: "late" });
        await late.close();
        stream.socket.write("x");
        await within("the echo", stream.untilBytes(1));
      });
      expect(linesWith(hub, REACHED)).to.equal(1);
      for (const socket of sockets.splice(0)) socket.destroy();
      await eventually("they are gone", () => openSockets(hub.pid) < 30);
      await untilEchoed(port);
      expect(linesWith(hub, /came to nothing|before it said/)).to.be.below(20);
    });

    it("by strangers at the hub: they go first where somebody wants a new channel", async () => {
      await start("hub", 96);
      await strangers(200);
      await hub.waitForOutput(REACHED);
      // Who came less than a second ago may be a leg that is about to say so.
      const since = performance.now();
      await eventually("they stay", () => performance.now() - since > 1_200);
      const { users, outcomes } = await crowd(port, 12);
      sockets.push(...users);
      expect(count(outcomes, "echo")).to.equal(12);
    });

    it("is told at the start, and by --check, where they are few", async () => {
      const few = /may have 200 open files, enough for about 82 streams/;
      hub = await startHub({}, withFiles(200));
      await hub.waitForOutput(few);
      home = startNode(nodeConfig(hub.port, { name: "home" }), withFiles(200));
      await home.waitForOutput(few);
      const { prefix } = withFiles(200);
      const checked = await run("route", ["config.ini", "--check"], {
        config: "[route]\nip = 127.0.0.1\nport = 4000\n",
        prefix,
      });
      expect(checked.stdout).to.match(few);
    });
  });

  describe("of connections at once", () => {
    it("5,000 strangers at the hub do not stop those who work, and leave nothing behind", async () => {
      await start();
      const before = openSockets(hub.pid);
      const memory: number[] = [];
      const lines = hub.lines.length;
      for (const words of [undefined, Buffer.from("1603010200010001fc", "hex")])
        await besidePulse(port, async () => {
          await strangers(2_500, words);
          const late = await startMember(hub, { name: "late" });
          await late.close();
          for (const socket of sockets.splice(0)) socket.destroy();
          await eventually(
            "they are gone",
            () => openSockets(hub.pid) <= before + 10,
          );
          memory.push(residentBytes(hub.pid));
        });
      expect(Math.max(...memory) / MIB).to.be.below(300);
      expect(hub.lines.length - lines, hub.output).to.be.below(100);
    });

    it("800 users of one use are all served, and those of another one meanwhile, too", async () => {
      await start();
      const other = await reservePort();
      const away = await startMember(hub, {
        name: "away",
        sections: useSection(ID, other),
      });
      await untilUse(away, ID, "listening");
      await untilEchoed(other);
      await besidePulse(other, async () => {
        const { users, outcomes } = await crowd(port, 800);
        expect(count(outcomes, "echo")).to.equal(800);
        for (const user of users) user.destroy();
      });
      await untilVnet(
        office,
        ({ streams, channels }) => streams.now === 0 && channels.busy === 0,
        "all streams are over",
      );
    });
  });

  describe("of messages", () => {
    it("by one node: it is slowed down, and the others notice nothing", async () => {
      await start();
      const flooder = await HubClient.connect(hub.port);
      await flooder.join({ name: "flooder" });
      await flooder.register(900);
      await untilRow<{ name: string }>(
        office,
        "show vnets",
        ({ name }) => name === "flooder",
        "the flooder",
      );
      const home = 1;
      let request = 0;
      const floods: (() => object)[] = [
        () => ({ type: "ping", request }),
        () => ({ type: "channel", request, vnetid: home }),
        () => ({ type: "channel", request, vnetid: flooder.vnetid }),
        () => ({
          ...{ type: "register", request, serveid: 0 },
          serve: { ...SERVE, name: `s${request}` },
        }),
        () => ({ type: "unregister", serveid: 1 + (request % 499) }),
        () => ({
          ...{ type: "update", serveid: 900 },
          serve: { ...SERVE, info: `news ${request}` },
        }),
      ];
      const before = residentBytes(hub.pid);
      let sent = 0;
      await besidePulse(port, async () => {
        for (const message of floods) {
          const many = Array.from({ length: 3_000 }, () => {
            request++;
            return encodeFrame(message());
          });
          flooder.sendBytes(Buffer.concat(many));
          sent += many.length;
          const vnets = await askJson<unknown[]>(office, "show vnets");
          expect(vnets).to.have.length(3);
        }
        await startMember(hub, { name: "late" });
      });
      // 4,000 are in stock, and 2,000 come each second; the rest waits with the flooder.
      const legs = flooder.pending("leg").length;
      expect(sent).to.equal(3_000 * floods.length);
      // 256 for each of the two that it asked for.
      expect(legs).to.be.at.most(512);
      expect((residentBytes(hub.pid) - before) / MIB).to.be.below(100);
      flooder.close();
      await untilRow<{ name: string }>(
        office,
        "show vnets",
        ({ name }) => name === "late",
        "the new node",
      );
      await untilRows(office, (rows) => rows.length === 1);
      await untilEchoed(port);
    });
  });

  describe("of changes", () => {
    it("a node with 880 serves that comes and goes 20 times leaves everybody with the right list", async () => {
      await start();
      const late = await startMember(hub, { name: "late" });
      const identity = Identity.generate();
      // Of each kind the last tenth is kept for others.
      const ids = [1, 500]
        .flatMap((first) => Array.from({ length: 441 }, (_, n) => first + n))
        .filter((id) => id !== ID && id !== 441);
      const register = Buffer.concat(
        ids.map((serveid) =>
          encodeFrame({
            ...{ type: "register", request: serveid, serveid },
            serve: { ...SERVE, name: `s${serveid}` },
          }),
        ),
      );
      let flapper = await HubClient.connect(hub.port);
      await besidePulse(port, async () => {
        for (let round = 0; round < 20; round++) {
          flapper = await HubClient.connect(hub.port);
          await flapper.join({ name: "flapper" }, identity);
          flapper.sendBytes(register);
          // Sometimes it stays until all are registered, mostly it is gone before.
          if (round % 5 === 0)
            await eventually(
              "all are registered",
              () => flapper.pending("registered").length === ids.length,
            );
          if (round % 2 === 0) flapper.close();
          else flapper.end();
          await flapper.closed;
        }
        flapper = await HubClient.connect(hub.port);
        await flapper.join({ name: "flapper" }, identity);
        flapper.sendBytes(register);
      });
      const seen = [home, office, late].map((node) =>
        untilRows(node, (rows) => rows.length === 882 - 1),
      );
      for (const rows of await Promise.all(seen)) {
        const numbers = rows.map(({ serveid }) => Number(serveid));
        expect(new Set(numbers).size).to.equal(882 - 1);
        // A dynamic id rests for its owner: each serve has the one it had.
        for (const { name, serveid } of rows)
          if (Number(serveid) !== ID)
            expect(name).to.equal(`s${Number(serveid)}`);
      }
      flapper.close();
      for (const node of [home, office, late])
        await untilRows(node, (rows) => rows.length === 1);
      expect(await exchange(port, "still here")).to.equal("still here");
    });
  });
});

interface ServeRow {
  serveid: string;
  name: string;
}

/** Asks again until the list fits. */
async function untilRows(
  node: Launched,
  fits: (rows: ServeRow[]) => boolean,
): Promise<ServeRow[]> {
  const end = performance.now() + 60_000;
  for (;;) {
    const rows = await askJson<ServeRow[]>(node, "show serves");
    if (fits(rows)) return rows;
    if (performance.now() > end)
      throw new Error(`${rows.length} serves after 60 s`);
    await sleep(30);
  }
}
