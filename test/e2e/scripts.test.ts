// Commands that come from no person: of -e, and of a standard input that is a pipe, a file or a device.

import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  closeSync,
  constants,
  openSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { needs, skip } from "../support/find-program.js";
import { makeFolder, removeFolder } from "../support/folder.js";
import {
  nodeConfig,
  serveSection,
  startMember,
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
import { canMeasure, peakResidentBytes } from "../support/memory.js";
import { reservePort } from "../support/ports.js";

const MIB = 1024 * 1024;

describe("a script without end, or with lines without end", function () {
  this.timeout(180_000);
  let folder: string;
  let hub: Hub;
  /** what a node takes whose script is empty */
  let usualBytes: number;

  /** A node that reads its commands from one file and prints to another. */
  const start = (
    input: string,
    output = "/dev/null",
    name = "home",
  ): Launched =>
    startNode(nodeConfig(hub.port, { name }), {
      prefix: ["sh", "-c", 'exec "$@" <"$0" >"$OUTPUT"', input],
      env: { OUTPUT: output },
    });

  before(async function () {
    needs(this, "sh", "mkfifo");
    if (!canMeasure) skip(this, "needs /proc to measure processes");
    folder = makeFolder();
    hub = await startHub();
    const node = start("/dev/null");
    await node.waitForOutput("ready: ");
    usualBytes = peakResidentBytes(node.pid);
    await node.close();
  });
  after(async () => {
    await closeLaunched();
    removeFolder(folder);
  });

  /** What was read and is garbage counts, too: with Node 26 some 60 MiB, of 700 MB as of 2,800. */
  const expectFlat = (node: Launched) => {
    const more = peakResidentBytes(node.pid) - usualBytes;
    expect(more / MIB, "MiB more than with an empty script").to.be.below(128);
  };

  const ENDLESS = "help\n".repeat(8 * MIB);

  for (const what of ["stopped", "has all the time"])
    it(`leaves the network its turn, and takes no memory, and ends at a signal, where a reader of its output ${what}`, async () => {
      const lines = join(folder, "lines");
      const pipe = join(folder, "pipe");
      writeFileSync(lines, ENDLESS);
      execFileSync("mkfifo", [pipe]);
      // Held open, and never read.
      const { O_RDWR, O_NONBLOCK } = constants;
      const stopped = openSync(pipe, O_RDWR | O_NONBLOCK);
      const name = what === "stopped" ? "stopped" : "busy";
      const node = start(lines, name === "stopped" ? pipe : "/dev/null", name);
      await node.waitForOutput("ready: ");
      const other = await startMember(hub, { name: "other" });
      other.send(`ping ${name}`);
      await other.waitForOutput(/1: .* ms/);
      expectFlat(node);
      // What is not read is lost after a while, when a signal asks for the end.
      node.kill("SIGTERM");
      expect((await node.exited).status).to.equal(0);
      await other.close();
      closeSync(stopped);
      execFileSync("rm", [pipe]);
    });

  it("refuses a line of 700 MB by its number and length, takes no memory for it, and goes on", async () => {
    const lines = join(folder, "long");
    writeFileSync(lines, "show vnet --json\n");
    truncateSync(lines, 700_000_000);
    appendFileSync(lines, "\nnonsense\n");
    const node = start(lines);
    await node.waitForOutput(
      "line 2 is longer than 65,536 bytes (699,999,983 bytes) and is left out\n",
    );
    await node.waitForOutput("unknown command");
    expectFlat(node);
    await node.close();
  });

  it("says of one that never ends that it is left out, and stays on the network (/dev/zero)", async () => {
    const node = start("/dev/zero");
    await node.waitForOutput("its end is still to come");
    await node.waitForOutput("ready: ");
    expectFlat(node);
    node.kill("SIGTERM");
    expect((await node.exited).status).to.equal(0);
  });

  it("runs the lines of a file, of the same kinds as those of a configuration: CR LF, a byte order mark, no end", async () => {
    const lines = join(folder, "windows");
    const output = join(folder, "output");
    writeFileSync(lines, "\ufeffnonsense\r\n\r\nexit");
    const node = start(lines, output);
    expect((await node.exited).status, node.output).to.equal(2);
    expect(node.output).to.include('unknown command "nonsense"');
  });

  it("refuses bytes that are not UTF-8, and a NUL, by line and byte, instead of storing something else", async () => {
    const lines = join(folder, "gbk");
    writeFileSync(lines, "# a script\n");
    appendFileSync(lines, "serve new 80 name=");
    appendFileSync(lines, Buffer.from([0xc3, 0xfb]));
    appendFileSync(lines, "\nserve new\0 81\nexit\n");
    const node = start(lines);
    expect((await node.exited).status).to.equal(2);
    expect(node.output).to.include(
      "line 2 is not text in UTF-8 (byte 19; GBK or CP949 perhaps?) and is left out; save it as UTF-8\n",
    );
    expect(node.output).to.include(
      "line 3 has a NUL (byte 10): it is no text, and is left out\n",
    );
  });

  it("goes on where its input cannot be read at all, as a node whose script is over", async () => {
    const node = startNode(nodeConfig(hub.port, { name: "home" }), {
      // What nohup makes of a terminal.
      prefix: ["sh", "-c", 'exec "$@" 0>/dev/null', "sh"],
    });
    await node.waitForOutput("ready: ");
    node.kill("SIGTERM");
    expect((await node.exited).status).to.equal(0);
    expect(node.output).to.include("SIGTERM ends this program");
  });
});

describe("the command line", function () {
  this.timeout(60_000);

  it("is refused where it has bytes that are not UTF-8, also in a command of -e", async function () {
    needs(this, "sh");
    // A string of JavaScript cannot hold them.
    const prefix = [
      ...["sh", "-c", `"$@" "$(printf 'show na\\303\\373')"`, "sh"],
    ];
    for (const launcher of ["vnet", "route"] as const) {
      const { status, stderr } = await run(launcher, ["-e"], { prefix });
      expect(status).to.equal(2);
      expect(stderr).to.include(
        `${launcher}: the command line has bytes that are not UTF-8 (GBK or CP949 perhaps?), in show na`,
      );
    }
  });
});

describe("a script", function () {
  this.timeout(180_000);
  afterEach(closeLaunched);

  it("waits for the hub and for what its node offers and uses, and leaves with its last command's status", async () => {
    const hub = await startHub();
    const [port, usePort] = [await reservePort(), await reservePort()];
    const sections = serveSection(700, port) + useSection(701, usePort);
    await startMember(hub, {
      name: "far",
      sections: serveSection(701, hub.port),
    });
    const config = nodeConfig(hub.port, { name: "home", sections });
    const input =
      "show serves --json\nshow serve --json\nshow use --json\nexit\n";
    const { status, stdout, stderr } = await run("vnet", ["config.ini"], {
      config,
      input,
    });
    expect(stderr).not.to.include("is not reached");
    expect(status, stderr).to.equal(0);
    type Rows = { serveid: string; state: string }[];
    const [serves, own, uses] = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Rows);
    expect(serves?.map(({ serveid }) => serveid)).to.include.members([
      "700",
      "701",
    ]);
    expect(own?.[0]?.state).to.equal("registered");
    expect(uses?.[0]?.state).to.equal("listening");
    const failing = await run("vnet", ["config.ini"], {
      config,
      input: "show serve\nping nobody\n# the end\nexit\n",
    });
    expect(failing.status, failing.stderr).to.equal(2);
  });

  it("says after a second that it waits for the hub, and is carried out when the hub comes; its end leaves the node", async () => {
    const port = await reservePort();
    const node = startNode(nodeConfig(port, { name: "home" }));
    node.send("show vnet --json");
    node.endInput();
    await node.waitForOutput(`waiting for the hub 127.0.0.1:${port}: `);
    expect(node.stdout).to.equal("");
    await startHub({ port });
    await node.waitForOutput('"link_state":"online"');
    node.kill("SIGTERM");
    expect((await node.exited).status).to.equal(0);
  });

  it("goes on without a hub that does not come, and says so; none waits with --no-wait", async () => {
    const config = nodeConfig(await reservePort(), { name: "home" });
    const start = (...args: string[]) =>
      run("vnet", ["config.ini", ...args], {
        config,
        input: "show serves\nexit\n",
      });
    const waiting = await start();
    expect(waiting.status).to.equal(1);
    expect(waiting.stderr).to.match(
      /waiting for the hub .*\n(.*\n)*the hub .* is not reached: .*; the commands do not wait any longer\n/,
    );
    const hasty = await start("--no-wait");
    expect(hasty.status).to.equal(1);
    expect(hasty.stderr).to.include("is not reached");
    expect(hasty.stderr).not.to.include("wait");
    const guest = ["config.ini", "--no-wait", "-e", "help exit"];
    expect((await run("vnet", guest, { config })).status).to.equal(0);
    const hub = await run("route", ["--no-wait"]);
    expect(hub.status).to.equal(2);
    expect(hub.stderr).to.include("--no-wait is an option of vnet only");
  });

  it("that waits for the hub does not hold up the end of its node", async () => {
    const node = startNode(nodeConfig(await reservePort(), { name: "home" }));
    node.send("show vnet --json");
    await node.waitForOutput("waiting for the hub ");
    node.kill("SIGTERM");
    expect((await node.exited).status).to.equal(0);
    expect(node.output).not.to.include("do not wait any longer");
    expect(node.stdout).to.equal("");
  });
});
