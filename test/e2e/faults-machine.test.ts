// When the machine itself is in trouble: no room on the disk, files that cannot be read, a name that moved, a sleep, another address.

import {
  existsSync,
  chmodSync,
  readdirSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { needs } from "../support/find-program.js";
import {
  closeLaunched,
  startBare,
  startHub,
  startNode,
} from "../support/launch.js";
import { makeFolder } from "../support/folder.js";
import { Namespace, needsNamespaces } from "../support/namespace.js";
import { needsMounts, withMounts } from "../support/mounts.js";
import { reservePort } from "../support/ports.js";

/** A disk of one page for the state. */
const SMALL_DISK = `
  mkdir -p "$VNET_STATE"
  mount -t tmpfs -o size=4k tmpfs "$VNET_STATE"`;

/** The same without any room; what is left on it is listed at the end. */
const FULL_DISK = `${SMALL_DISK}
  head -c 4096 /dev/zero > "$VNET_STATE/ballast"
  status=0; "$@" || status=$?
  find "$VNET_STATE" -type f ! -name ballast -exec echo LEFT {} +
  exit $status`;

describe("when the machine is in trouble", function () {
  this.timeout(180_000);

  afterEach(closeLaunched);

  for (const launcher of ["vnet", "route"] as const)
    it(`./${launcher} says that the disk is full, where, and what to do, and leaves nothing half-written`, async function () {
      needsMounts(this);
      const folder = makeFolder();
      const route = `[route]\nip = 127.0.0.1\nport = ${await reservePort()}\n`;
      const config = launcher === "vnet" ? `${route}[vnet]\nname = n\n` : route;
      writeFileSync(join(folder, "config.ini"), config);
      const prefix = withMounts(FULL_DISK);
      const program = startBare(launcher, ["config.ini"], { folder, prefix });
      const { status } = await program.exited;
      // It may pass: a service is to try again.
      expect(status).to.equal(1);
      expect(program.lines).to.have.length(1);
      expect(program.output).to.match(/\.key: cannot write this key file: /);
      expect(program.output).to.match(/the disk is full; make room/);
    });

  it("a node whose disk fills up at first contact says so, and works", async function () {
    needsMounts(this);
    const hub = await startHub();
    const node = startNode(
      `[route]\nip = 127.0.0.1\nport = ${hub.port}\n[vnet]\nname = n\n`,
      { prefix: withMounts(`${SMALL_DISK}; exec "$@"`) },
    );
    await node.waitForOutput(/known_hubs: cannot write .*the disk is full/);
    await node.waitForOutput("connected to the hub");
  });

  it("a key file that may not be read stops the program with one line and status 2", async function () {
    const isRoot = process.getuid?.() === 0;
    if (isRoot) needs(this, "setpriv");
    // Root may read everything, unless it gives that up.
    const prefix = isRoot ? ["setpriv", "--bounding-set=-all"] : [];
    const port = await reservePort();
    const config = `[route]\nip = 127.0.0.1\nport = ${port}\n[vnet]\nname = n\n`;
    const first = startNode(config);
    await first.waitForOutput(/not reached/);
    first.kill("SIGTERM");
    await first.exited;
    const [file] = filesIn(join(first.folder, "state"), "identity.key");
    chmodSync(file!, 0);
    const second = startNode(config, { folder: first.folder, prefix });
    expect((await second.exited).status).to.equal(2);
    expect(second.output).to.include(`${file}: cannot read this key file: `);
    expect(second.output).to.match(/not permitted.*user/);
    expect(statSync(file!).size).to.be.greaterThan(0);
  });

  it("a hub whose name leads elsewhere is found there", async function () {
    needsMounts(this);
    const port = await reservePort();
    const hosts = join(makeFolder(), "hosts");
    const leadsTo = (address: string) =>
      writeFileSync(hosts, `127.0.0.1 localhost\n${address} hub.example\n`);
    const config = (ip: string) => `[route]\nip = ${ip}\nport = ${port}\n`;
    leadsTo("127.0.0.1");
    const before = await startHub(config("127.0.0.1"));
    const node = startNode(
      `[route]\nip = hub.example\nport = ${port}\n[vnet]\nname = n\n`,
      { prefix: withMounts(`mount --bind ${hosts} /etc/hosts; exec "$@"`) },
    );
    await node.waitForOutput("connected to the hub");
    before.kill("SIGKILL");
    await before.exited;
    const from = node.output.length;
    const { folder } = before;
    const after = await startHub(config("127.0.0.2"), { folder });
    leadsTo("127.0.0.2");
    await node.waitForOutput("connected to the hub", 30_000, from);
    await after.waitForOutput(/vnet .*joined group default/);
  });

  it("a node that slept is back within seconds, with its number", async () => {
    const rhythm = "heartbeat_interval = 300\nheartbeat_timeout = 1000\n";
    const port = await reservePort();
    const route = `[route]\nip = 127.0.0.1\nport = ${port}\n${rhythm}`;
    const hub = await startHub(route);
    const node = startNode(`${route}[vnet]\nname = sleeper\n`);
    await node.waitForOutput("as vnet 01");
    node.kill("SIGSTOP");
    await hub.waitForOutput(/sleeper\).* left: nothing heard/);
    const from = node.output.length;
    node.kill("SIGCONT");
    await node.waitForOutput("as vnet 01", 30_000, from);
  });

  it("a node whose address changes is the same one from its new address, its service too", async function () {
    needs(this, "curl");
    needsNamespaces(this);
    const machine = await Namespace.make();
    const ip = async (...words: string[]) => {
      const program = machine.run("ip", ...words);
      expect((await program.exited).status, program.output).to.equal(0);
    };
    /** The hub is at 10.9.0.1; who dials it comes from that address. */
    const comeFrom = async (address: string) => {
      await ip("addr", "add", `${address}/32`, "dev", "lo");
      const route = ["local", "10.9.0.1", "dev", "lo", "src", address];
      await ip("route", "replace", ...route, "table", "local");
    };
    const site = machine.run(
      process.execPath,
      "-e",
      `require("http").createServer((_, answer) => answer.end("still here\\n"))
        .listen(8080, "127.0.0.1", () => console.log("ready"))`,
    );
    try {
      await site.waitForOutput("ready");
      await ip("addr", "add", "10.9.0.1/32", "dev", "lo");
      await comeFrom("10.9.0.2");
      const { prefix } = machine;
      const rhythm = "heartbeat_interval=300\nheartbeat_timeout=2000\n";
      const route = `[route]\nip=10.9.0.1\nport=7749\n${rhythm}`;
      const hub = await startHub(
        `${route}[public.web]\nserve=web\nip=127.0.0.1\nport=9090\n`,
        { prefix },
      );
      await hub.waitForOutput("ready:");
      startNode(`${route}[vnet]\nname=mover\n[serve.web]\nport=8080\n`, {
        prefix,
      });
      const ask = async () => {
        const curl = machine.run(
          ...["curl", "-sS", "--retry", "60", "--retry-all-errors"],
          ...["--retry-delay", "1", "http://127.0.0.1:9090/"],
        );
        expect(await curl.exited).to.include({ status: 0 });
        expect(curl.stdout).to.equal("still here\n");
      };
      const joined = async (address: string) => {
        const from = address.replaceAll(".", "\\.");
        const line = new RegExp(`vnet (\\d+) \\(mover\\) joined .* ${from}:`);
        return (await hub.waitForOutput(line))[1];
      };
      const number = await joined("10.9.0.2");
      await ask();
      await comeFrom("10.9.0.3");
      await ip("addr", "del", "10.9.0.2/32", "dev", "lo");
      expect(await joined("10.9.0.3")).to.equal(number);
      await ask();
    } finally {
      await closeLaunched();
      await site.close();
      await machine.close();
    }
  });
});

function filesIn(folder: string, name: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name === name)
    .map((entry) => join(entry.parentPath, entry.name));
}
