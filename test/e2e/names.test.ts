// Host names in a network of the test's own, with its own name server, hosts file and addresses: names whose server is
// silent beside names that are answered, and names that have several addresses.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { makeFolder, removeFolder } from "../support/folder.js";
import {
  closeLaunched,
  startHub as launchHub,
  startNode,
} from "../support/launch.js";
import { needsMounts, withMounts } from "../support/mounts.js";
import { Namespace, needsNamespaces } from "../support/namespace.js";
import type { Program } from "../support/program.js";

const HUB_PORT = 7749;
const ECHO_PORT = 9000;
const SILENT = 10;

/** Answers for *.good.test, and to other names nothing; tells which it was asked. */
const NAME_SERVER = `
  const server = require("node:dgram").createSocket("udp4");
  server.on("message", (query, { port, address }) => {
    const labels = [];
    let at = 12;
    for (; query[at] > 0; at += query[at] + 1)
      labels.push(query.toString("latin1", at + 1, at + 1 + query[at]));
    const name = labels.join(".");
    console.log("asked " + name);
    if (!name.endsWith("good.test")) return;
    const question = query.subarray(12, at + 5);
    const isA = query.readUInt16BE(at + 1) === 1;
    const head = Buffer.from([...query.subarray(0, 2), 0x81, 0x80, 0, 1, 0, isA ? 1 : 0, 0, 0, 0, 0]);
    const answer = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 127, 0, 0, 1]);
    server.send(Buffer.concat([head, question, ...(isA ? [answer] : [])]), port, address);
  });
  server.bind(53, "127.0.0.53", () => console.log("ready"));
`;

const ECHO = `
  require("node:net").createServer((socket) => socket.on("error", () => {}).pipe(socket))
    .listen(${ECHO_PORT}, "127.0.0.1", () => console.log("ready"));
`;

/** Says "HOST PORT answered" or "HOST PORT failed" for each of its arguments. */
const CLIENT = `
  for (const at of process.argv.slice(1)) {
    const [host, port] = at.split(" ");
    const socket = require("node:net").connect({ host, port });
    socket.once("data", () => { console.log(at, "answered"); socket.destroy(); });
    socket.on("error", () => {}).on("close", () => { if (socket.bytesRead === 0) console.log(at, "failed"); });
    socket.write("?");
  }
`;

describe("host names", function () {
  this.timeout(180_000);
  let network: Namespace;
  let folder: string;
  const programs: Program[] = [];
  let prefix: readonly string[];

  before(function () {
    needsMounts(this);
    needsNamespaces(this);
  });

  beforeEach(async () => {
    network = await Namespace.make();
    folder = makeFolder();
    const file = (name: string, text: string) => {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    };
    const hosts = file(
      "hosts",
      "127.0.0.1 localhost\n127.0.0.1 here.example\n127.0.0.2 two.example\n127.0.0.3 two.example\n192.0.2.1 two.example\n192.0.2.1 away.example\n",
    );
    const server = file("resolv.conf", "nameserver 127.0.0.53\n");
    prefix = [
      ...network.prefix,
      ...withMounts(
        `mount --bind ${hosts} /etc/hosts; mount --bind ${server} /etc/resolv.conf; exec "$@"`,
      ),
    ];
  });

  afterEach(async () => {
    await closeLaunched();
    for (const program of programs.splice(0)) await program.close();
    await network.close();
    removeFolder(folder);
  });

  function run(script: string, ...args: string[]): Program {
    const program = network.run(process.execPath, "-e", script, ...args);
    programs.push(program);
    return program;
  }

  async function startHub(ip: string): Promise<void> {
    const config = `[route]\nip=${ip}\nport=${HUB_PORT}\n`;
    const hub = await launchHub(config, { prefix });
    await hub.waitForOutput("the hub listens on");
  }

  it("that are silent hold up no other name, nor the hub's", async () => {
    const server = run(NAME_SERVER);
    const echo = run(ECHO);
    await server.waitForOutput("ready");
    await echo.waitForOutput("ready");
    await startHub("127.0.0.1");
    const serve = (id: number, ip: string) =>
      `[serve.s${id}]\nserveid=${id}\nip=${ip}\nport=${ECHO_PORT}\n`;
    const use = (id: number) =>
      `[use.u${id}]\nserveid=${id}\nport=${port(id)}\n`;
    const port = (id: number) => 9_000 + id;
    const silent = Array.from({ length: SILENT }, (_, n) => 501 + n);
    const [hosts, answered] = [601, 602];
    const all = [...silent, hosts, answered];
    const home = startNode(
      [
        `[route]\nip=hub.good.test\nport=${HUB_PORT}\n[vnet]\nname=home\n`,
        ...silent.map((id) => serve(id, `s${id}.silent.test`)),
        serve(hosts, "here.example"),
        serve(answered, "echo.good.test"),
      ].join("\n"),
      { prefix },
    );
    await home.waitForOutput(`ready: ${all.length} of ${all.length} serves`);
    const office = startNode(
      [
        `[route]\nip=127.0.0.1\nport=${HUB_PORT}\n[vnet]\nname=office\n`,
        ...all.map(use),
      ].join("\n"),
      { prefix },
    );
    await office.waitForOutput(`${all.length} of ${all.length} uses listening`);
    const at = (id: number) => `127.0.0.1 ${port(id)}`;
    const first = run(CLIENT, ...silent.map(at));
    // All that may be looked up at once are.
    for (const id of silent)
      await server.waitForOutput(`asked s${id}.silent.test`);
    const second = run(CLIENT, at(hosts), at(answered));
    await second.waitForOutput(`${at(hosts)} answered`);
    await second.waitForOutput(`${at(answered)} answered`);
    expect(first.output).to.equal("");
    // The silent ones fail in the end, with a reason that says what it is.
    for (const id of silent)
      await first.waitForOutput(`${at(id)} failed`, 60_000);
    await office.waitForOutput("the host name cannot be looked up");
  });

  for (const hasIPv6 of [true, false])
    it(`localhost means both families${hasIPv6 ? "" : ", or the one that is there"}; other names all addresses that are here`, async () => {
      const off = "echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6";
      if (!hasIPv6) await network.run("sh", "-c", off).exited;
      const echo = run(ECHO);
      await echo.waitForOutput("ready");
      await startHub("localhost");
      const way = `[route]\nip=localhost\nport=${HUB_PORT}\n`;
      const serve = (id: number) =>
        `[serve.s${id}]\nserveid=${id}\nip=localhost\nport=${ECHO_PORT}\n`;
      const serves = [501, 502, 503].map(serve);
      const home = startNode(`${way}${serves.join("")}`, { prefix });
      await home.waitForOutput("3 of 3 serves registered");
      const use = (id: number, ip: string, port: number) =>
        `[use.u${id}]\nserveid=${id}\nip=${ip}\nport=${port}\n`;
      const uses = [
        way,
        use(501, "localhost", 9_001),
        use(502, "two.example", 9_002),
        use(503, "away.example", 9_003),
      ];
      const office = startNode(uses.join("\n"), { prefix });
      await office.waitForOutput(
        "cannot listen on away.example:9003 (192.0.2.1:9003): this machine has no such address",
      );
      const wanted = [
        ...["127.0.0.1 9001", "127.0.0.2 9002", "127.0.0.3 9002"],
        ...(hasIPv6 ? ["::1 9001"] : []),
      ];
      await office.waitForOutput("2 of 3 uses listening");
      const client = run(CLIENT, ...wanted);
      for (const at of wanted) await client.waitForOutput(`${at} answered`);
    });
});
