// Lists of 10,000 rows: whatever is asked of them, the event loop goes round, so that the node does what it is there for.

import { Writable } from "node:stream";
import { expect } from "chai";
import { Directory } from "../../src/node/directory.js";
import type { ListedServe } from "../../src/node/control.js";
import { commands } from "../../src/terminal/commands/commands.js";
import { complete } from "../../src/terminal/completion.js";
import { runCommands } from "../../src/terminal/script.js";
import { Terminal } from "../../src/terminal/terminal.js";
import { fakeConfig, FakeNode, SSH } from "../support/fake-node.js";
import { FakeTerminal } from "../support/fake-terminal.js";
import { withHub } from "../support/hub.js";
import { turnsOf } from "../support/turns.js";

const ROWS = 10_000;

const config = fakeConfig();

function crowdedDirectory(rows = ROWS): Directory {
  const directory = new Directory();
  const ids = Array.from({ length: rows }, (_, at) => at + 1);
  const { vnet: _, trusted: __, ...ssh } = SSH;
  directory.apply({
    type: "directory",
    nodes: ids.map((vnetid) => ({
      vnetid,
      name: `node-${vnetid}`,
      key: Buffer.alloc(32, `key ${vnetid}`).toString("base64"),
      encrypt: true,
    })),
    serves: ids.map((vnetid) => ({
      ...ssh,
      vnetid,
      // Not in their order.
      serveid: ((vnetid * 7919) % rows) + 1,
      name: `service-${vnetid}`,
    })),
    ...{ goneNodes: [], goneServes: [], complete: true },
  });
  return directory;
}

describe("a list of 10,000 rows", function () {
  this.timeout(120_000);
  const directory = crowdedDirectory();
  let node: FakeNode;
  let bytes: number;

  beforeEach(() => {
    bytes = 0;
    node = new FakeNode();
    Object.assign(node, {
      remoteServes: () => directory.serves(() => "unknown"),
      knownServes: () => directory.serves(() => "unknown"),
      remoteNodes: () => directory.nodes(1, () => "unknown"),
      knownNodes: () => directory.nodes(1, () => "unknown"),
    });
  });

  const output = () =>
    new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        bytes += chunk.length;
        done();
      },
    });

  const run = async (line: string, columns = Infinity) => {
    const screen = output();
    const status = await runCommands([line], {
      control: node,
      ...{ output: screen, errorOutput: screen, screen: { columns } },
      loadConfig: () => Promise.resolve(config),
    });
    expect(status).to.equal(0);
    expect(bytes).to.be.above(ROWS);
  };

  const works: [string, () => Promise<unknown>][] = [
    ["show serves", () => run("show serves")],
    ["show serves on a screen", () => run("show serves", 120)],
    ["show serves on a narrow screen", () => run("show serves", 50)],
    ["show serves in cards", () => run("show serves", 16)],
    ["show serves --json", () => run("show serves --json")],
    ["show serves with a pattern", () => run("show serves service*")],
    ["show vnets", () => run("show vnets", 120)],
    ["show vnets --json", () => run("show vnets --json")],
    ["TAB behind use run", () => complete(commands, node, "use run ")],
    ["TAB behind a word", () => complete(commands, node, "use run serv")],
    ["TAB behind ping", () => complete(commands, node, "ping ")],
  ];
  for (const [name, work] of works)
    it(`holds up the event loop for a small part of the whole: ${name}`, async () => {
      // The first time is the compiler's.
      await work();
      const { longestMs, allowedMs } = await turnsOf(work);
      expect(longestMs).to.be.below(allowedMs);
    });

  it("is written to a terminal in portions, coloured too", async () => {
    const screen = new FakeTerminal(120, { color: true });
    const terminal = Terminal.start({
      control: node,
      ...{ input: screen.input, output: screen.output, screen: screen.screen },
      loadConfig: () => Promise.resolve(config),
      historyFile: null,
      onExit: () => undefined,
    });
    try {
      let writes = 0;
      screen.output.write = ((chunk: string | Buffer) => {
        writes++;
        screen.raw += chunk.toString();
        bytes = Math.max(bytes, chunk.length);
        return true;
      }) as typeof screen.output.write;
      screen.type("show serves\r");
      const isDone = () => screen.raw.includes(`${ROWS} serves -`);
      while (!isDone()) await new Promise((done) => setImmediate(done));
      // Some kilobytes each, as much as a terminal takes at once.
      expect(writes).to.be.above(ROWS / 40);
      expect(bytes).to.be.below(10_000);
    } finally {
      terminal.close();
    }
  });
});

describe("a ping to the hub", () => {
  for (const line of ["show serves", "show serves --json"])
    it(`comes back again and again while \`${line}\` prints 30,000 rows`, () =>
      withHub(async (hub) => {
        const home = await hub.node({ name: "home" });
        const directory = crowdedDirectory(30_000);
        const control = Object.create(home.control, {
          remoteServes: {
            value: (): Iterable<ListedServe> =>
              directory.serves(() => "unknown"),
          },
        }) as typeof home.control;
        const screen = new Writable({ write: (_c, _e, done) => done() });
        let isOver = false;
        const showing = runCommands([line], {
          control,
          ...{ output: screen, errorOutput: screen },
          loadConfig: () => Promise.resolve(config),
        }).finally(() => (isOver = true));
        let pings = 0;
        while (!isOver) {
          await home.control.ping(null, 1);
          pings++;
        }
        expect(await showing).to.equal(0);
        expect(pings).to.be.above(2);
      }));
});
