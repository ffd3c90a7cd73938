// Many nodes, many serves, many connections: they work, and everything is given
// back afterwards. What it costs is counted in bytes, not in time.

import { connect, type Socket } from "node:net";
import { once } from "node:events";
import { expect } from "chai";
import { Identity } from "../../src/keys/identity.js";
import { KnownHubs } from "../../src/keys/known-hubs.js";
import { Node } from "../../src/node/node.js";
import { startEcho, type TestServer } from "../support/echo.js";
import {
  askJson,
  serveSection,
  startMember,
  untilRow,
  untilUse,
  untilVnet,
  useSection,
} from "../support/lan.js";
import {
  closeLaunched,
  startHub,
  type Hub,
  type Launched,
} from "../support/launch.js";
import { canMeasure, openSockets, residentBytes } from "../support/memory.js";
import { parseNodeConfig } from "../../src/config/node-config.js";
import { nodeConfig } from "../support/lan.js";
import { reservePort } from "../support/ports.js";
import { HubClient } from "../support/hub-client.js";
import { HubEar } from "../support/hub-ear.js";
import { skip } from "../support/find-program.js";

const MIB = 1024 * 1024;

describe("100 nodes and 900 serves in one group", function () {
  this.timeout(300_000);
  const NODES = 100;
  const SERVES_EACH = 9;
  const nodes: Node[] = [];
  let hub: Hub;
  let office: Launched;
  let ear: HubEar;

  function member(number: number): Node {
    const sections = Array.from({ length: SERVES_EACH }, (_, i) => {
      // Half of them choose static ids, the others take what the hub gives.
      const id = i < 5 ? 500 + (number * 5 + i) : 0;
      return `[serve.n${number}-${i}]\nserveid = ${id}\nport = ${1000 + i}\ninfo = service ${i} of node ${number}\n`;
    });
    const text = nodeConfig(hub.port, {
      name: `node-${number}`,
      sections: sections.join("\n"),
    });
    const config = parseNodeConfig(text, "test", "host");
    return Node.start({
      config,
      software: "test",
      identity: Identity.generate(),
      knownHubs: new KnownHubs(null),
    });
  }

  before(async () => {
    // All of one address: nothing is kept for others.
    const at = `ip=127.0.0.1\nport=${await reservePort()}`;
    hub = await startHub(`[route]\n${at}\n[limits]\nreserve=0\n`);
    office = await startMember(hub, { name: "office" });
    ear = await HubEar.join(hub.port, "listener");
  });

  after(async () => {
    for (const node of nodes) await node.close();
    ear?.close();
    await closeLaunched();
  });

  it("are all registered and shown", async () => {
    for (let number = 0; number < NODES; number++) nodes.push(member(number));
    await Promise.all(nodes.map((node) => node.online(60_000)));
    await untilRow<{ serveid: string }>(
      office,
      "show serves",
      ({ serveid }) => serveid === "999",
      "the last static id is there",
      60_000,
    );
    await ear.until(() => ear.serves === NODES * SERVES_EACH);
    const rows = await askJson<{ serveid: string }[]>(office, "show serves");
    expect(rows).to.have.length(NODES * SERVES_EACH);
    expect(new Set(rows.map(({ serveid }) => serveid))).to.have.property(
      "size",
      NODES * SERVES_EACH,
    );
    office.send("show serves");
    await office.waitForOutput(
      `- ${NODES} nodes, ${NODES * SERVES_EACH} serves -`,
    );
  });

  it("tell a change as a change, not as the whole list", async () => {
    const before = ear.bytes;
    await nodes[0]?.closeServe("n0-0");
    await ear.until(() => ear.serves === NODES * SERVES_EACH - 1);
    expect(ear.bytes - before).to.be.below(400);
    await nodes[0]?.openServe("n0-0");
    await ear.until(() => ear.serves === NODES * SERVES_EACH);
    expect(ear.bytes - before).to.be.below(1_000);
  });

  it("cost each member a number of bytes that grows with the serves alone", () => {
    // About 130 bytes a serve, however many were there before it.
    expect(ear.bytes / (NODES * SERVES_EACH)).to.be.below(400);
  });

  it("leave no trace when they go", async () => {
    for (const node of nodes.splice(0)) await node.close();
    await ear.until(() => ear.serves === 0);
    let left: unknown[];
    do left = await askJson<unknown[]>(office, "show serves");
    while (left.length > 0);
  });
});

describe("a change in a group", function () {
  this.timeout(180_000);

  afterEach(closeLaunched);

  /** Bytes that each member hears: of a serve that comes and goes, and of a node that does. */
  async function heard(members: number, serves: number): Promise<number[]> {
    const hub = await startHub();
    const owner = await HubClient.connect(hub.port);
    await owner.join({ name: "owner" });
    for (let id = 1; id <= serves; id++) await owner.register(id);
    const ears = await Promise.all(
      Array.from({ length: members }, (_, n) =>
        HubEar.join(hub.port, `ear-${n}`),
      ),
    );
    const all = (count: number) =>
      Promise.all(ears.map((ear) => ear.until(() => ear.serves === count)));
    await all(serves);
    const before = ears.map(({ bytes }) => bytes);
    // One by one: what happens at the same time is told together.
    const news = async (act: () => unknown) => {
      const marks = ears.map(({ bytes }) => bytes);
      await act();
      await Promise.all(
        ears.map((ear, n) => ear.until(() => ear.bytes > (marks[n] ?? 0))),
      );
    };
    const newcomer = await HubClient.connect(hub.port);
    await news(() => newcomer.join({ name: "newcomer" }));
    await news(() => newcomer.close());
    await news(() => owner.register(999));
    await news(() => owner.send({ type: "unregister", serveid: 999 }));
    await all(serves);
    const bytes = ears.map((ear, n) => ear.bytes - (before[n] ?? 0));
    for (const ear of ears) ear.close();
    owner.close();
    await closeLaunched();
    return bytes;
  }

  it("costs each member the same, however many members and serves there are", async () => {
    const [first = 0] = await heard(1, 1);
    expect(first).to.be.within(300, 1_000);
    expect(new Set(await heard(10, 10))).to.deep.equal(new Set([first]));
    expect(new Set(await heard(30, 400))).to.deep.equal(new Set([first]));
  });
});

describe("thousands of connections through one use", function () {
  this.timeout(300_000);
  const ID = 700;
  let service: TestServer;
  let hub: Hub;
  let home: Launched;
  let office: Launched;
  let port: number;

  before(async function () {
    if (!canMeasure) skip(this, "needs /proc to count a process's sockets");
    service = await startEcho();
    hub = await startHub();
    home = await startMember(hub, {
      name: "home",
      sections: serveSection(ID, service.port),
    });
    port = await reservePort();
    office = await startMember(hub, {
      name: "office",
      sections: useSection(ID, port),
    });
    await untilUse(office, ID, "listening");
  });

  after(async () => {
    await closeLaunched();
    await service?.close();
  });

  async function echo(text: string): Promise<void> {
    const socket = connect({ host: "127.0.0.1", port });
    let answer = "";
    socket.setEncoding("utf8").on("data", (piece: string) => (answer += piece));
    socket.end(text);
    await once(socket, "close");
    expect(answer).to.equal(text);
    forget();
  }

  /** The echo server of this process keeps what it saw; thousands are too many. */
  function forget(): void {
    service.connections.length = 0;
  }

  const processes = () => [hub, home, office];

  /** Resolves when nothing streams and only the warm channels are left. */
  async function calm(): Promise<void> {
    for (const node of [home, office])
      await untilVnet(
        node,
        ({ streams, channels }) =>
          streams.now === 0 && channels.busy === 0 && channels.idle === 1,
        "all streams are over and the surplus channels are gone",
        90_000,
      );
  }

  /** Fewer are possible: a user's socket may have been on its way out when they were counted first. */
  function expectNoMore(sockets: readonly number[]): void {
    for (const [i, { pid }] of processes().entries())
      expect(openSockets(pid)).to.be.at.most(sockets[i] ?? 0);
  }

  it("2,000 one after another leave counters, sockets and memory where they were", async () => {
    for (let n = 0; n < 200; n++) await echo(`warm ${n}`);
    await calm();
    const sockets = processes().map(({ pid }) => openSockets(pid));
    const memory = processes().map(({ pid }) => residentBytes(pid));
    for (let n = 0; n < 2_000; n++) await echo(`number ${n}`);
    await calm();
    expectNoMore(sockets);
    const growth = processes().map(
      ({ pid }, i) => (residentBytes(pid) - (memory[i] ?? 0)) / MIB,
    );
    process.stdout.write(
      `      memory of hub, home, office: ${growth.map((mib) => mib.toFixed(1)).join(", ")} MiB more\n`,
    );
    expect(Math.max(...growth)).to.be.below(24);
    const { streams } = await askJson<{ streams: { total: number } }>(
      office,
      "show vnet",
    );
    expect(streams.total).to.equal(2_200);
  });

  it("1,000 at once all work, six times, and leave sockets and memory where they were", async () => {
    await calm();
    const sockets = processes().map(({ pid }) => openSockets(pid));
    const memory: number[][] = [];
    for (let round = 0; round < 6; round++) {
      await thousandAtOnce();
      memory.push(processes().map(({ pid }) => residentBytes(pid) / MIB));
    }
    await calm();
    expectNoMore(sockets);
    // The first bursts fill the pools of V8, TLS and the allocator, which are emptied late; the last must fit into them.
    const last = memory.pop() ?? [];
    const before = last.map((_, i) =>
      Math.max(...memory.map((each) => each[i] ?? 0)),
    );
    const text = (each: number[]) =>
      each.map((mib) => mib.toFixed(0)).join(", ");
    process.stdout.write(
      `      memory of hub, home, office: at most ${text(before)}, after the last burst ${text(last)} MiB\n`,
    );
    last.forEach((mib, i) => {
      expect(mib - (before[i] ?? 0)).to.be.below(24);
    });
  });

  async function thousandAtOnce(): Promise<void> {
    const COUNT = 1_000;
    const clients: Socket[] = [];
    const answered = Array.from({ length: COUNT }, async (_, n) => {
      const socket = connect({ host: "127.0.0.1", port });
      clients.push(socket);
      socket.write(`client ${n}`);
      const [answer] = (await once(socket, "data")) as [Buffer];
      expect(answer.toString()).to.equal(`client ${n}`);
    });
    await Promise.all(answered).catch((error: unknown) => {
      throw new Error(`${String(error)}; office said: ${office.stderr}`);
    });
    // All are open at this moment.
    const { streams } = await askJson<{ streams: { now: number } }>(
      office,
      "show vnet",
    );
    expect(streams.now).to.equal(COUNT);
    const closed = clients.map((socket) => once(socket.resume(), "close"));
    for (const socket of clients) socket.end();
    await Promise.all(closed);
    forget();
  }
});
