// A terminal that is stopped with Ctrl-S, or that nobody reads: the programs behind it serve on, and end in time.

import { execFileSync } from "node:child_process";
import { chownSync, statSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { expect } from "chai";
import { eventually, within } from "../support/deadline.js";
import {
  connectTo,
  startEcho,
  TestServer,
  type Observed,
} from "../support/echo.js";
import { isNonblocking } from "../support/descriptor.js";
import { needs, skip } from "../support/find-program.js";
import { makeFolder, removeFolder } from "../support/folder.js";
import {
  nodeConfig,
  serveSection,
  startMember,
  untilUse,
  useSection,
} from "../support/lan.js";
import { closeLaunched, run, startHub, type Hub } from "../support/launch.js";
import { reservePort } from "../support/ports.js";
import { accepts } from "../support/program.js";
import { projectRoot } from "../support/project.js";
import { TerminalWindow } from "../support/tmux.js";

const ID = 700;
/** A user and a group that own nothing. */
const NOBODY = 65_534;
const AS_NOBODY = [
  ...["setpriv", `--reuid=${NOBODY}`, `--regid=${NOBODY}`],
  "--clear-groups",
];

describe("a terminal that is stopped", function () {
  this.timeout(180_000);
  let service: TestServer;
  let folder: string;
  const windows: TerminalWindow[] = [];
  const streams: Observed[] = [];

  before(function () {
    needs(this, "tmux", "stty");
  });

  beforeEach(async () => {
    service = await startEcho();
    folder = makeFolder();
  });

  afterEach(async () => {
    for (const { socket } of streams.splice(0)) socket.destroy();
    for (const window of windows.splice(0)) window.close();
    await closeLaunched();
    await service.close();
    removeFolder(folder);
  });

  function open(command: string[], config: string): TerminalWindow {
    writeFileSync(join(folder, "config.ini"), config);
    const window = new TerminalWindow({ command, cwd: folder });
    windows.push(window);
    return window;
  }

  function openNode(hub: Pick<Hub, "port">, sections = ""): TerminalWindow {
    return open(
      [join(projectRoot, "vnet"), "config.ini"],
      nodeConfig(hub.port, { name: "office", sections }),
    );
  }

  /** Its log is the screen. @param prefix a program with its arguments that becomes it */
  async function openHub(
    prefix: string[] = [],
  ): Promise<{ hub: TerminalWindow; port: number }> {
    const port = await reservePort();
    const hub = open(
      [...prefix, join(projectRoot, "route"), "config.ini"],
      `[route]\nip = 127.0.0.1\nport = ${port}\n`,
    );
    await hub.until(/ready: nodes can join/);
    return { hub, port };
  }

  /** There and back through both nodes. */
  async function echo(stream: Observed, text: string): Promise<void> {
    const before = stream.bytes;
    stream.socket.write(text);
    await within("an echo", stream.untilBytes(before + text.length));
  }

  async function openStream(port: number): Promise<Observed> {
    const stream = await connectTo(port);
    streams.push(stream);
    await echo(stream, "hello");
    return stream;
  }

  it("does not stop the hub that logs on it, and shows all lines when it goes on", async () => {
    const { hub, port } = await openHub();
    const local = await reservePort();
    await startMember(
      { port },
      {
        name: "home",
        sections: serveSection(ID, service.port),
      },
    );
    const office = await startMember(
      { port },
      {
        name: "office",
        sections: useSection(ID, local),
      },
    );
    await untilUse(office, ID, "listening");
    const stream = await openStream(local);
    hub.stop();
    for (const name of ["late1", "late2", "late3"]) {
      const late = await startMember({ port }, { name });
      await echo(stream, name);
      await late.close();
    }
    const nodes = await run("vnet", ["config.ini", "-e", "show vnets"], {
      config: nodeConfig(port, { name: "guest" }),
    });
    expect(nodes.stdout).to.include("office");
    expect(hub.screen()).not.to.include("late");
    hub.goOn();
    await hub.until(/late1[^]*late2[^]*late3/);
  });

  it("does not stop it where the terminal is another user's, as after su, and goes on as it was for the shell", async function () {
    needs(this, "setpriv");
    if (process.getuid?.() !== 0) skip(this, "needs root, to be another user");
    if (!canRunAs(AS_NOBODY)) skip(this, "another user may not run it here");
    chownSync(folder, NOBODY, NOBODY);
    const { hub, port } = await openHub(AS_NOBODY);
    const { pid } = hub;
    expect(statSync(`/proc/${pid}`).uid).to.equal(NOBODY);
    hub.stop();
    for (const name of ["late1", "late2"])
      await (await startMember({ port }, { name })).close();
    expect(hub.screen()).not.to.include("late");
    hub.goOn();
    await hub.until(/late1[^]*late2/);
    expect(isNonblocking(pid)).to.equal(true);
    const shell = hub.shellPid;
    process.kill(pid, "SIGTERM");
    await hub.until(/left with status 0/);
    expect(isNonblocking(shell)).to.equal(false);
  });

  it("does not stop the node behind it; when it goes on, the notices are there and below them the line that was typed", async () => {
    const hub = await startHub();
    const local = await reservePort();
    await startMember(hub, {
      name: "home",
      sections: serveSection(ID, service.port),
    });
    const office = openNode(hub, useSection(ID, local));
    await office.until(/connected/);
    while (!(await accepts(local))) await setImmediate();
    const stream = await openStream(local);
    office.type("show ");
    await office.until(/>: show$/m);
    office.stop();
    for (const name of ["late1", "late2"]) {
      const late = await startMember(hub, { name });
      await echo(stream, name);
      await late.close();
    }
    office.type("vnets");
    await echo(stream, "more");
    expect(office.screen()).not.to.include("late");
    office.goOn();
    const screen = await office.until(/late1[^]*late2[^]*>: show vnets$/);
    expect(screen.match(/>: /g)).to.have.length(1);
    office.press("Enter");
    await office.until(/home[^]*office[^]*>:$/);
  });

  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    it(`does not keep programs from ending at ${signal}`, async () => {
      const { hub, port } = await openHub();
      const node = openNode({ port });
      await node.until(/connected/);
      for (const window of [hub, node]) {
        const { pid } = window;
        window.stop();
        process.kill(pid, signal);
        await eventually(`the end of ${pid}`, () => !isAlive(pid));
      }
    });

  it("gets the whole output of a command when it goes on, also if the program had nothing else to do any more", async () => {
    const hub = await startHub();
    const way = await TestServer.start(({ socket }) => {
      socket.pipe(connect(hub.port, "127.0.0.1")).pipe(socket);
    });
    const command = `read go; '${join(projectRoot, "vnet")}' config.ini -e help`;
    const config = nodeConfig(way.port, { name: "guest" });
    const window = open(["sh", "-c", command], config);
    window.stop();
    const guest = way.nextConnection();
    window.press("Enter");
    await within("the guest's leave", (await guest).closed);
    await way.close();
    expect(window.screen()).not.to.include("exit");
    window.goOn();
    await window.until(/serve run[^]*exit[^]*\(left with status 0\)/);
  });
});

function canRunAs([setpriv = "", ...words]: readonly string[]): boolean {
  const route = join(projectRoot, "route");
  try {
    execFileSync(setpriv, [...words, route, "--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
