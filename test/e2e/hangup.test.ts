// What signals mean: SIGHUP with and without a terminal, those that were ignored at the start, and all of them with pid 1.

import { spawnSync } from "node:child_process";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Context } from "mocha";
import { expect } from "chai";
import { eventually } from "../support/deadline.js";
import { needs, skip } from "../support/find-program.js";
import { makeFolder, removeFolder } from "../support/folder.js";
import { nodeConfig, serveSection } from "../support/lan.js";
import {
  closeLaunched,
  startBare,
  startHub,
  startNode,
  type Launched,
} from "../support/launch.js";
import { reservePort } from "../support/ports.js";
import { projectRoot } from "../support/project.js";
import { TerminalWindow } from "../support/tmux.js";

const OK = { status: 0, signal: null };
/** In a session of its own, which has no terminal. */
const SERVICE = ["setsid"];

const hubConfig = (port: number, more = "") =>
  `[route]\nip = 127.0.0.1\nport = ${port}\n${more}`;

describe("SIGHUP of a service", function () {
  this.timeout(180_000);
  before(function () {
    needs(this, "setsid");
  });
  afterEach(closeLaunched);

  it("has a node read its configuration again, as `reload` does, and an error changes nothing", async () => {
    const hub = await startHub();
    const config = (sections: string) =>
      nodeConfig(hub.port, { name: "home", sections }).replace(
        /^terminal.*$/m,
        "",
      );
    const node = startNode(config(""), { prefix: SERVICE });
    await node.waitForOutput("ready: ");
    node.writeConfig(config(serveSection(700, 9)));
    node.kill("SIGHUP");
    await node.waitForOutput(
      "SIGHUP: the log is opened anew, the configuration read; what differs is applied",
    );
    await node.waitForOutput("+ serve s700 700 → 127.0.0.1:9");
    await hub.waitForOutput(/serves 700/);
    node.writeConfig("[route]\nip=127.0.0.1\nnonsense=1\n");
    node.kill("SIGHUP");
    await node.waitForOutput(
      /error SIGHUP: the configuration stays as it was: config\.ini:3: \[route\] nonsense/,
    );
    node.writeConfig(config(serveSection(700, 9)));
    node.kill("SIGHUP");
    await node.waitForOutput("the configuration read; nothing differs");
    node.kill("SIGTERM");
    expect(await node.exited).to.deep.equal(OK);
  });

  it("has a hub open its log anew, also one that was renamed while nothing was written", async () => {
    const folder = makeFolder();
    const log = join(folder, "hub.log");
    const port = await reservePort();
    const hub = await startHub(hubConfig(port, `[log]\nfile = ${log}\n`), {
      prefix: SERVICE,
    });
    await eventually("ready", () =>
      readFileSync(log, "utf8").includes("ready"),
    );
    renameSync(log, `${log}.1`);
    hub.kill("SIGHUP");
    await eventually("the new file", () =>
      readFileSync(log, "utf8").includes("SIGHUP: the log is opened anew"),
    );
    expect(readFileSync(`${log}.1`, "utf8")).not.to.include("SIGHUP");
    hub.kill("SIGTERM");
    expect(await hub.exited).to.deep.equal(OK);
    removeFolder(folder);
  });
});

describe("a signal in the first moments", function () {
  this.timeout(180_000);
  afterEach(closeLaunched);

  it("that asks for the configuration to be read again does not end a service", function () {
    needs(this, "setsid");
    const early = join(projectRoot, "scripts", "early-signals.cjs");
    const hangUp = `process.kill(process.pid, "SIGHUP"); setTimeout(() => console.log("alive"), 100)`;
    const start = (...more: string[]) =>
      spawnSync(
        "setsid",
        [...["-w", process.execPath], ...more, ...["-e", hangUp]],
        { encoding: "utf8" },
      ).stdout;
    expect(start()).to.equal("");
    expect(start("--require", early)).to.equal("alive\n");
  });

  it("or later: SIGUSR1 opens no debugger, neither at a hub nor at a node", async () => {
    const hub = await startHub();
    hub.kill("SIGUSR1");
    const node = startNode(nodeConfig(hub.port, { name: "home" }));
    await node.waitForOutput("ready: ");
    node.kill("SIGUSR1");
    // A start takes longer than Node's debugger.
    const other = startNode(nodeConfig(hub.port, { name: "office" }));
    await other.waitForOutput("ready: ");
    for (const program of [node, hub]) {
      program.kill("SIGTERM");
      await program.exited;
      expect(program.output).not.to.match(/debugger/i);
    }
  });
});

describe("a signal that was ignored at the start", function () {
  this.timeout(180_000);
  afterEach(closeLaunched);

  /** Answers, and the signal before that did nothing. */
  async function expectUntouched(program: Launched): Promise<void> {
    program.send("show vnet --json");
    await program.waitForOutput('"name":"home"');
    expect(program.output).not.to.match(/SIG(HUP|INT|TERM)/);
  }

  const cases: [what: string, prefix: string[], signals: NodeJS.Signals[]][] = [
    ["by nohup", ["nohup"], ["SIGHUP"]],
    [
      "by trap '' HUP",
      ["sh", "-c", `trap '' HUP; exec "$@"`, "sh"],
      ["SIGHUP"],
    ],
    [
      "by trap '' HUP INT, without a terminal",
      ["setsid", "sh", "-c", `trap '' HUP INT; exec "$@"`, "sh"],
      ["SIGHUP", "SIGINT"],
    ],
  ];
  for (const [what, prefix, signals] of cases)
    it(`stays ignored: ${what}; the others end the program`, async function () {
      needs(this, "nohup", "setsid");
      const hub = await startHub();
      const node = startNode(nodeConfig(hub.port, { name: "home" }), {
        prefix,
      });
      await node.waitForOutput("ready: ");
      for (const signal of signals) node.kill(signal);
      await expectUntouched(node);
      node.kill("SIGTERM");
      expect(await node.exited).to.deep.equal(OK);
      // Nor did it have an effect that came later.
      for (const signal of signals) expect(node.output).not.to.include(signal);
    });

  it("stays ignored from the first moment, while modules are loaded", async () => {
    const hub = await startHub();
    const node = startNode(nodeConfig(hub.port, { name: "home" }), {
      prefix: ["sh", "-c", `trap '' HUP; exec "$@"`, "sh"],
    });
    // Node takes signals as its own before it reads the first line.
    let sent = 0;
    await eventually(
      "ready",
      () => {
        if (isNode(node.pid) && node.kill("SIGHUP")) sent++;
        return node.output.includes("ready: ") || !node.running;
      },
      60_000,
    );
    expect(node.running, node.output).to.equal(true);
    expect(sent).to.be.greaterThan(0);
  });

  it("is what --no-hup makes of SIGHUP where no sh starts the program", async () => {
    const hub = await startHub();
    const node = startNode(nodeConfig(hub.port, { name: "home" }), {
      prefix: [process.execPath],
      args: ["--no-hup"],
    });
    await node.waitForOutput("ready: ");
    node.kill("SIGHUP");
    await expectUntouched(node);
    node.kill("SIGINT");
    expect(await node.exited).to.deep.equal(OK);
    expect(node.output).not.to.include("SIGHUP");
  });

  it("lets a program outlive its window, as one with nohup is meant to", async function () {
    needs(this, "tmux", "nohup");
    const hub = await startHub();
    const folder = makeFolder();
    writeFileSync(
      join(folder, "config.ini"),
      nodeConfig(hub.port, { name: "home" }),
    );
    const vnet = join(projectRoot, "vnet");
    const window = new TerminalWindow({
      command: [
        "sh",
        "-c",
        `nohup ${vnet} config.ini </dev/null >out 2>&1 & echo pid $!; wait`,
      ],
      cwd: folder,
      env: { VNET_STATE: join(folder, "state") },
    });
    const [, pid] = /pid (\d+)/.exec(await window.until(/pid \d+/)) ?? [];
    const out = () => readFileSync(join(folder, "out"), "utf8");
    await eventually("ready", () => out().includes("ready: "));
    window.hangUp();
    const from = hub.output.length;
    const other = startNode(nodeConfig(hub.port, { name: "other" }));
    await other.waitForOutput("ready: ");
    await hub.waitForOutput("(other) joined");
    expect(hub.output.slice(from)).not.to.include("left");
    process.kill(Number(pid), "SIGTERM");
    await hub.waitForOutput(/\(home\) .*left/);
    expect(out()).to.include("SIGTERM ends this program");
    window.close();
    removeFolder(folder);
  });
});

describe("a program with pid 1", function () {
  this.timeout(180_000);
  const NAMESPACE = ["-p", "-f", "--mount-proc", "--kill-child"];

  function needsPidNamespaces(context: Context): void {
    needs(context, "unshare", "nsenter");
    const made = spawnSync("unshare", [...NAMESPACE, "true"]);
    if (made.status !== 0)
      skip(context, "needs pid namespaces, which are not permitted here");
  }

  before(function () {
    needsPidNamespaces(this);
  });
  afterEach(closeLaunched);

  async function start(...words: string[]): Promise<[Launched, number]> {
    const port = String(await reservePort());
    const program = startBare("route", ["--port", port, "--ip", "127.0.0.1"], {
      prefix: ["unshare", ...NAMESPACE, ...words],
    });
    const pid = await eventually("its pid", () => childrenOf(program.pid)[0]);
    return [program, pid];
  }

  /** Ends one then. Where this process was so slow that it was ready before, another one. */
  async function early(moment: (pid: number) => Promise<void>): Promise<void> {
    for (let round = 0; ; round++) {
      const [program, pid] = await start();
      await moment(pid);
      process.kill(pid, "SIGTERM");
      const { status } = await program.exited;
      expect(status, program.output).to.be.oneOf([0, 143]);
      if (!program.output.includes("ready")) return;
      expect(round, "all of them were ready").to.be.below(20);
    }
  }

  it("ends by a SIGTERM in its first moments, before it is Node", async () => {
    await early(async (pid) => {
      await eventually("it listens", () => listensFor(pid, 15));
    });
  });

  it("ends by a SIGTERM while Node loads the program", async () => {
    await early(async (pid) => {
      await eventually("Node", () => childrenOf(pid).find(isNamedNode));
    });
  });

  for (const [what, words] of [
    ["sh", []],
    ["node", [process.execPath]],
  ] as const)
    it(`ends in good order by a SIGTERM, with status 0 (${what} has the pid)`, async () => {
      const [program, pid] = await start(...words);
      await program.waitForOutput("ready: ");
      process.kill(pid, "SIGTERM");
      expect(await program.exited, program.output).to.deep.equal(OK);
      expect(program.output).to.include("SIGTERM ends this program");
    });

  it("buries processes that others left over, and reads its input", async () => {
    const [program, pid] = await start();
    await program.waitForOutput("ready: ");
    expect(childrenOf(pid)).to.have.length(1);
    const orphan = "sleep 0 & exit 0";
    for (let n = 0; n < 3; n++)
      spawnSync("nsenter", ["-t", String(pid), "-p", "sh", "-c", orphan]);
    await eventually("all are buried", () => childrenOf(pid).length === 1);
    process.kill(pid, "SIGTERM");
    await program.exited;
  });

  it("starts where its input is closed", () => {
    const closed = ["sh", "-c", 'exec "$@" <&-', "sh"];
    const route = [join(projectRoot, "route"), "--version"];
    const words = [...NAMESPACE, ...closed, ...route];
    const { status, stderr } = spawnSync("unshare", words, {
      encoding: "utf8",
    });
    expect({ status, stderr }).to.deep.equal({ status: 0, stderr: "" });
  });
});

function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8")
      .split(" ")
      .filter((text) => text.trim() !== "")
      .map(Number);
  } catch {
    return [];
  }
}

/** Whether a handler is there. */
function listensFor(pid: number, signal: number): boolean {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    const [, caught = "0"] = /^SigCgt:\s*(\w+)$/m.exec(status) ?? [];
    return ((BigInt(`0x${caught}`) >> BigInt(signal - 1)) & 1n) === 1n;
  } catch {
    return false;
  }
}

function isNamedNode(pid: number): boolean {
  return readFileSync(`/proc/${pid}/comm`, "utf8").startsWith("node");
}

/** Whether Node's own preparations are over: it hears what the program told it to. */
function isNode(pid: number): boolean {
  return isNamedNode(pid) && listensFor(pid, 1);
}
