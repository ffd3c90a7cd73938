// port-proxy's example, with the ports adapted: the hub's configuration decides which ports of its nodes are reached,
// and nobody registers anything. Imported by ./vnet import, run by the real ./route and two ./vnet.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect } from "chai";
import { CLIENT, SERVER } from "../import/fixtures/port-proxy.js";
import { connectTo, startEcho, type TestServer } from "../support/echo.js";
import { findProgram, needs } from "../support/find-program.js";
import { askJson, untilRow } from "../support/lan.js";
import {
  closeLaunched,
  run,
  startHub,
  startNode,
  type Hub,
  type Launched,
} from "../support/launch.js";
import { reservePort } from "../support/ports.js";
import { startNginx, type Service } from "../support/programs.js";
import { exchange, untilEchoed, untilRefused } from "../support/reach.js";
import { Place } from "../support/trusting.js";

const runProgram = promisify(execFile);

interface ServeRow {
  serveid: string;
  port: number;
  origin?: string;
}

/** The hub's four ports and what is behind them, in the order of the document. */
interface Example {
  port: number;
  publics: number[];
  remotes: number[];
  hubConfig: string;
  /** of remote_client1 or 2 */
  nodeConfig: (name: string, more?: string) => string;
}

async function imported(config: string): Promise<string> {
  const outcome = await run("vnet", ["import", "config.ini"], { config });
  expect(outcome.stderr).to.equal("");
  return outcome.stdout;
}

/** @param remotes ports of the services: two machines are one here, so theirs differ */
async function makeExample(remotes: number[]): Promise<Example> {
  const port = await reservePort();
  const publics: number[] = [];
  let server = SERVER.replace("0.0.0.0:9015", `127.0.0.1:${port}`);
  for (const old of [6688, 6689, 6678, 6679]) {
    const now = await reservePort();
    publics.push(now);
    server = server.replace(`127.0.0.1:${old}`, `127.0.0.1:${now}`);
  }
  const left = [...remotes];
  server = server.replace(
    /remote: \d+/g,
    () => `remote: ${String(left.shift())}`,
  );
  const client = await imported(CLIENT.replace("9015", String(port)));
  const hubConfig = await imported(server);
  const nodeConfig = (name: string, more = "") =>
    client
      .replace("remote_client1", name)
      .replace(/^\[vnet\]$/m, `[vnet]\nterminal=true\nunserve_ttl=1\n${more}`);
  return { port, publics, remotes, hubConfig, nodeConfig };
}

describe("the hub decides which ports are reached", function () {
  this.timeout(180_000);
  let web: Service;
  let echo: TestServer;
  let example: Example;
  let hub: Hub;

  before(async function () {
    needs(this, "nginx", "curl");
    web = await startNginx({ "index.html": "the web service\n" });
    echo = await startEcho();
  });
  after(async () => {
    await web?.close();
    await echo?.close();
  });
  afterEach(closeLaunched);

  async function startExample(
    remotes = [web.port, echo.port, web.port, echo.port],
  ): Promise<void> {
    example = await makeExample(remotes);
    hub = await startHub(example.hubConfig);
  }

  const startRemote = (name: string, more?: string) =>
    startNode(example.nodeConfig(name, more));

  async function curl(port: number): Promise<string> {
    const { stdout } = await runProgram(findProgram("curl") ?? "curl", [
      ...["-sS", "--max-time", "5", "--retry", "20", "--retry-delay", "1"],
      ...["--retry-connrefused", `http://127.0.0.1:${port}/`],
    ]);
    return stdout;
  }

  /** What this node lends now. */
  async function lent(node: Launched): Promise<number[]> {
    const rows = await askJson<ServeRow[]>(node, "show serve");
    return rows.map(({ port }) => port).sort((a, b) => a - b);
  }

  it("all four ports of the example lead to where it says, each to its own node", async () => {
    await startExample();
    const [first, second] = [1, 2].map((n) => startRemote(`remote_client${n}`));
    const [http1 = 0, tcp1 = 0, http2 = 0, tcp2 = 0] = example.publics;
    await untilEchoed(tcp1);
    await untilEchoed(tcp2);
    expect(await curl(http1)).to.equal("the web service\n");
    expect(await curl(http2)).to.equal("the web service\n");
    second?.kill("SIGKILL");
    await untilRefused(tcp2);
    await untilRefused(http2);
    await untilEchoed(tcp1);
    expect(first?.running).to.equal(true);
  });

  it("a node that is killed and comes back gets its ports by itself, and so it is with the hub", async () => {
    await startExample();
    const [, tcp = 0] = example.publics;
    const node = startRemote("remote_client1");
    await untilEchoed(tcp);
    node.kill("SIGKILL");
    await node.exited;
    await untilRefused(tcp);
    const back = startNode(example.nodeConfig("remote_client1"), {
      folder: node.folder,
    });
    await untilEchoed(tcp);

    hub.kill("SIGKILL");
    await hub.exited;
    await startHub(example.hubConfig, { folder: hub.folder });
    await untilEchoed(tcp);
    // The same ones again, and none twice.
    await untilLent(back, (ports) => ports.length === 2);
  });

  it("an end on one side is an end on the other, by halves, and a reset is a reset", async () => {
    await startExample();
    startRemote("remote_client1");
    const [, tcp = 0] = example.publics;
    await untilEchoed(tcp);

    // The document's steps: HelloWorld there and back, then the service ends.
    let coming = echo.nextConnection();
    const user = await connectTo(tcp);
    user.socket.write("HelloWorld");
    const served = await coming;
    await user.untilBytes(10);
    served.socket.unpipe(served.socket).resume();
    served.socket.end(" and that is all");
    expect(await user.ended).to.equal("fin");
    expect(user.text).to.equal("HelloWorld and that is all");
    user.socket.end("the user's last words");
    expect(await served.ended).to.equal("fin");
    expect(served.text).to.equal("HelloWorldthe user's last words");

    for (const side of ["user", "service"] as const) {
      coming = echo.nextConnection();
      const one = await connectTo(tcp);
      one.socket.write("x");
      const other = await coming;
      await one.untilBytes(1);
      const [from, to] = side === "user" ? [one, other] : [other, one];
      from.socket.resetAndDestroy();
      expect(await to.ended).to.equal("reset");
    }
  });

  it("a service that comes later is reached when it is there", async () => {
    const later = await reservePort();
    await startExample([web.port, later, web.port, later]);
    startRemote("remote_client1");
    const [, tcp = 0] = example.publics;
    await hub.waitForOutput(
      new RegExp(
        `public \\S+ \\(remote_client1:${later} at \\S+\\) is closed: .*nothing listens`,
      ),
    );
    await untilRefused(tcp);
    const service = await startEcho(later);
    try {
      await untilEchoed(tcp);
    } finally {
      await service.close();
    }
  });

  it("the node has the last word: unserve_num refuses one of two, the hub's log says why, a reload lets it through", async () => {
    await startExample();
    const whole = example.nodeConfig("remote_client1");
    const place = new Place(whole);
    const node = place.start("vnet");
    await untilEchoed(example.publics[1] ?? 0);
    node.kill("SIGTERM");
    await node.exited;

    const one = whole.replace(/unserve_num ?= ?100/, "unserve_num=1");
    // The same node again: another one of its name would be refused.
    place.write(one);
    const narrow = place.start("vnet");
    const from = hub.output.length;
    await hub.waitForOutput(
      /remote_client1:\d+ at \S+\) is closed: that node allows 1 unserves at the same time and has them \(unserve_num\)/,
      30_000,
      from,
    );
    await untilLent(narrow, (ports) => ports.length === 1);
    place.write(one.replace("unserve_num=1", "unserve_num=2"));
    narrow.send("reload");
    await curl(example.publics[0] ?? 0);
    await untilEchoed(example.publics[1] ?? 0);
  });

  it("what the hub lends out stays unused for longer than unserve_ttl, which ends what a person borrowed", async () => {
    await startExample();
    const lender = startRemote("remote_client1");
    const [, tcp = 0] = example.publics;
    await untilEchoed(tcp);
    const service = await startEcho();
    const person = startRemote("remote_client2");
    try {
      await person.waitForOutput("connected to the hub");
      const nodes = await askJson<{ vnetid: string; name: string }[]>(
        person,
        "show vnets",
      );
      const { vnetid } = nodes.find(
        ({ name }) => name === "remote_client1",
      ) ?? { vnetid: "" };
      const local = await reservePort();
      person.send(
        `unserve ${vnetid} 127.0.0.1 ${service.port} 127.0.0.1 ${local}`,
      );
      await person.waitForOutput(/unserve u\d+ is gone/);
    } finally {
      await service.close();
    }
    expect(await exchange(tcp, "still there")).to.equal("still there");
    expect(await lent(lender)).to.deep.equal(
      [web.port, echo.port].sort((a, b) => a - b),
    );
  });

  it("what the hub lends out goes when its public ports go, and when a use of another node is deleted", async () => {
    await startExample();
    const lender = startRemote("remote_client1");
    await untilEchoed(example.publics[1] ?? 0);
    hub.kill("SIGTERM");
    await hub.exited;
    const bare = example.hubConfig.replace(/\[public[^]*$/, "");
    await startHub(bare, { folder: hub.folder });
    await untilLent(lender, isEmpty);

    const port = await reservePort();
    const user = startNode(
      `${example.nodeConfig("office")}\n[use.far]\nto=remote_client1:${echo.port}\nport=${port}\n`,
    );
    await untilEchoed(port);
    const row = await untilRow<{ serveid: string; state: string }>(
      user,
      "show use",
      ({ state }) => state === "listening",
      "the use listens",
    );
    expect(row.serveid).to.match(/^u\d+$/);
    expect(await lent(lender)).to.deep.equal([echo.port]);
    user.send("use delete far");
    await untilRefused(port);
    await untilLent(lender, isEmpty);
  });

  const isEmpty = (ports: number[]) => ports.length === 0;

  async function untilLent(
    node: Launched,
    fits: (ports: number[]) => boolean,
  ): Promise<void> {
    const end = performance.now() + 30_000;
    for (;;) {
      const now = await lent(node);
      if (fits(now)) return;
      if (performance.now() > end)
        throw new Error(`it still lends ${String(now) || "nothing"}`);
    }
  }
});
