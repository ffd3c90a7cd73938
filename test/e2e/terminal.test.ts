// The terminal as people and scripts meet it: piped lines, -e, reload, and a
// real window, also a narrow one and without colour.

import { join } from "node:path";
import { readFileSync, writeFileSync } from "node:fs";
import { expect } from "chai";
import { eventually } from "../support/deadline.js";
import { connectTo, startEcho, TestServer } from "../support/echo.js";
import { needs } from "../support/find-program.js";
import { makeFolder, removeFolder } from "../support/folder.js";
import {
  askJson,
  nodeConfig,
  serveSection,
  startMember,
  untilRow,
  untilUse,
  useSection,
  type UseRow,
} from "../support/lan.js";
import {
  closeLaunched,
  run,
  startHub,
  type Hub,
  type Launched,
} from "../support/launch.js";
import { reservePort } from "../support/ports.js";
import { projectRoot } from "../support/project.js";
import { TerminalWindow } from "../support/tmux.js";

const ID = 700;

describe("a node driven by lines on its stdin", function () {
  this.timeout(180_000);
  let hub: Hub;
  let service: TestServer;
  let node: Launched;

  beforeEach(async () => {
    service = await startEcho();
    hub = await startHub();
    node = await startMember(hub, {
      name: "home",
      sections: serveSection(ID, service.port),
    });
    await untilRow<{ state: string }>(
      node,
      "show serve",
      ({ state }) => state === "registered",
      "the serve is registered",
    );
  });

  afterEach(async () => {
    await closeLaunched();
    await service.close();
  });

  it("runs each line as a command, prints no prompt and no colour, and stays at the end of input", async () => {
    node.send("show serve");
    node.send("nonsense");
    await node.waitForOutput(/nonsense/);
    node.send("show vnets --json");
    node.endInput();
    await node.waitForOutput(/\[\{"vnetid":"01","name":"home","serves":1/);
    expect(node.stdout).not.to.match(/>: |\u001b/);
    expect(node.running).to.equal(true);
    const guest = await run("vnet", ["config.ini", "-e", "show vnets"], {
      config: nodeConfig(hub.port, { name: "guest" }),
    });
    expect(guest.stdout).to.include("home");
  });

  it("makes, closes, opens and deletes serves and uses while it runs", async () => {
    const port = await reservePort();
    node.send(`serve run ${service.port} 127.0.0.1 701 extra`);
    await untilRow<{ serveid: string; state: string }>(
      node,
      "show serve",
      (row) => row.serveid === "701" && row.state === "registered",
      "the serve is registered",
    );
    node.send(`use run 701 127.0.0.1 ${port}`);
    await untilUse(node, 701, "listening");
    const client = await connectTo(port);
    client.socket.write("x");
    await client.untilBytes(1);
    node.send("serve close 701");
    expect(await client.ended).to.equal("reset");
    await untilUse(node, 701, "waiting");
    node.send("serve open extra");
    await untilUse(node, 701, "listening");
    node.send("use delete 701");
    node.send("serve delete extra");
    expect(await askJson<unknown[]>(node, "show use")).to.deep.equal([]);
    expect(await askJson<unknown[]>(node, "show serve")).to.have.length(1);
  });

  it("leaves with exit, status 0", async () => {
    node.send("exit");
    expect(await node.exited).to.deep.equal({ status: 0, signal: null });
  });

  it("reloads its file: prints the difference, applies only that, and streams go on", async () => {
    const [usePort, secondPort] = [await reservePort(), await reservePort()];
    const office = await startMember(hub, {
      name: "office",
      sections: useSection(ID, usePort),
    });
    await untilUse(office, ID, "listening");
    const client = await connectTo(usePort);
    client.socket.write("a");
    await client.untilBytes(1);
    office.send(`use run ${ID} 127.0.0.1 ${await reservePort()} mine`);
    await untilRow<UseRow & { origin: string }>(
      office,
      "show use",
      (row) => row.origin === "terminal" && row.state === "listening",
      "the terminal's own use listens",
    );

    office.writeConfig(
      nodeConfig(hub.port, {
        name: "office",
        sections:
          useSection(ID, usePort) +
          `[use.second]\nserveid = 701\nport = ${secondPort}\n`,
      }),
    );
    office.send("reload");
    await office.waitForOutput(/\+ use second/);
    expect(await askJson<UseRow[]>(office, "show use")).to.have.length(3);

    home(`${serveSection(ID, service.port)}name = renamed\n`);
    node.send("reload");
    await node.waitForOutput(/~ serve s700: name s700 → renamed/);
    await untilRow<{ name: string }>(
      office,
      "show serves",
      ({ name }) => name === "renamed",
      "the new name is told",
    );
    client.socket.write("b");
    await client.untilBytes(2);
    expect(client.text).to.equal("ab");
    client.socket.destroy();
  });

  it("keeps everything as it was when the new file has an error", async () => {
    home(`${serveSection(ID, service.port)}[serve.bad]\nport = many\n`);
    node.send("reload");
    await node.waitForOutput(/\[serve\.bad\] port.*many/);
    expect(await askJson<unknown[]>(node, "show serve")).to.have.length(1);
  });

  function home(sections: string): void {
    node.writeConfig(nodeConfig(hub.port, { name: "home", sections }));
  }

  it("is answered by -e as a guest that nobody sees, with its exit status", async () => {
    const config = nodeConfig(hub.port, {
      name: "office",
      sections:
        serveSection(ID + 1, service.port) + useSection(ID, service.port),
    });
    const fine = await run(
      "vnet",
      ["config.ini", "-e", "show vnets --json", "-e", "ping 01"],
      { config },
    );
    expect(fine.status).to.equal(0);
    const [nodes] = fine.stdout.split("\n");
    const [home, ...others] = JSON.parse(nodes ?? "") as object[];
    expect(home).to.include({ vnetid: "01", name: "home", serves: 1 });
    expect(home).to.include({ self: false, trusted: "unknown" });
    expect(home)
      .to.have.property("fingerprint")
      .that.matches(/^SHA256:[A-Za-z0-9+/]{43}$/);
    expect(others).to.be.empty;
    expect(fine.stdout).to.match(/node 01 home/);

    const unknown = await run("vnet", ["config.ini", "-e", "shwo serves"], {
      config,
    });
    expect(unknown.status).to.equal(2);
    expect(unknown.stderr).to.include("show");
    const refused = await run("vnet", ["config.ini", "-e", "unserve 01 8888"], {
      config,
    });
    expect(refused.status).to.equal(2);
    expect(refused.stderr).to.include("unserve would end with this guest");
    await node.close();
    expect(node.stderr).not.to.include("office");
  });
});

describe("a guest whose hub does not answer", function () {
  this.timeout(180_000);
  afterEach(closeLaunched);

  it("says after a second what it waits for, and at the end why it failed", async () => {
    const silent = await TestServer.start(() => undefined);
    try {
      const { status, stdout, stderr } = await run(
        "vnet",
        ["config.ini", "-e", "show vnets"],
        { config: nodeConfig(silent.port, { name: "office" }) },
      );
      expect([status, stdout]).to.deep.equal([1, ""]);
      expect(stderr).to.match(
        /^waiting for the hub 127\.0\.0\.1:\d+: it has taken the connection .* \.\.\.\nthe hub 127\.0\.0\.1:\d+ is not reached: .*wrong keys.*\n$/,
      );
    } finally {
      await silent.close();
    }
  });
});

describe("a person's terminal", function () {
  this.timeout(180_000);
  let hub: Hub;
  let folder: string;
  let window: TerminalWindow | undefined;

  before(function () {
    needs(this, "tmux");
  });

  beforeEach(async () => {
    hub = await startHub();
    folder = makeFolder();
    writeFileSync(
      join(folder, "config.ini"),
      nodeConfig(hub.port, {
        name: "office",
        sections: useSection(ID, await reservePort()),
      }),
    );
  });

  afterEach(async () => {
    window?.close();
    await closeLaunched();
    removeFolder(folder);
  });

  function open(
    columns: number,
    args: string[] = [],
    env: Record<string, string> = {},
  ): TerminalWindow {
    window = new TerminalWindow({
      command: [join(projectRoot, "vnet"), "config.ini", ...args],
      recorded: true,
      cwd: folder,
      columns,
      env,
    });
    return window;
  }

  it("shows a notice above the line that is being typed, and the line stays", async () => {
    const terminal = open(100);
    await terminal.until(/connected to the hub/);
    terminal.type("show se");
    await startMember(hub, { name: "home", sections: serveSection(ID, 80) });
    const screen = await terminal.until(/serve 700 .* is here/);
    expect(screen.split("\n").at(-1)).to.equal(">: show se");
    terminal.type("rves");
    terminal.press("Enter");
    await terminal.until(/1 node, 1 serve/);
  });

  it("fits a narrow window, and completes commands with TAB", async () => {
    const terminal = open(40);
    await terminal.until(/connected/);
    await startMember(hub, { name: "home", sections: serveSection(ID, 80) });
    await terminal.until(/is here/);
    terminal.type("sh");
    terminal.press("Tab");
    await terminal.until(/>: show $|>: show$/m);
    terminal.type("serves");
    terminal.press("Enter");
    const screen = await terminal.until(/1 node, 1 serve/);
    expect(screen).to.match(/serveid: +700/);
    for (const line of screen.split("\n"))
      expect(line.length).to.be.at.most(40);
  });

  it("keeps what stands above the line when the window becomes wider or narrower", async () => {
    const terminal = open(40);
    await terminal.until(/connected/);
    terminal.type("ping");
    terminal.press("Enter");
    // Blanks at the end of a row are not told of.
    const last = /least[\d.]+ms,mean[\d.]+ms,most[\d.]+/;
    const joined = () => terminal.screen().replace(/\s/g, "");
    await terminal.until(/most/);
    const [answer = ""] = last.exec(joined()) ?? [];
    expect(answer).not.to.equal("");
    terminal.type("show serves and what takes more than one row here");
    await terminal.until(/row here/);
    for (const columns of [100, 30, 120]) {
      terminal.resize(columns, 40);
      await eventually(`the line at ${columns} columns`, () =>
        joined().endsWith("whattakesmorethanonerowhere"),
      );
      expect(joined()).to.include(answer);
    }
  });

  it("draws a long line once, whatever the width becomes, and keeps what stands above it", async () => {
    const terminal = open(100);
    await terminal.until(/connected/);
    terminal.type("ping");
    terminal.press("Enter");
    await terminal.until(/least .*\n>:$/);
    // With the prompt 90 columns: three rows of 30, with the cursor behind the last.
    const line = "begin".padEnd(82, ".") + "ended";
    terminal.type(line);
    await terminal.until(/ended$/);
    const joined = () => terminal.screen().replace(/\s/g, "");
    for (const columns of [61, 45, 30, 29, 91, 90, 31, 89, 20, 100]) {
      // tmux tells the program of its new size a moment later.
      const { length } = terminal.written();
      terminal.resize(columns, 40);
      await eventually(`the line drawn at ${columns} columns`, () =>
        terminal.written().slice(length).includes("ended"),
      );
      terminal.type("x");
      await eventually(`x at ${columns} columns`, () =>
        joined().endsWith("endedx"),
      );
      terminal.press("BSpace");
      await eventually("one character less", () => joined().endsWith("ended"));
      const screen = joined();
      expect(screen.match(/begin/g), screen).to.have.length(1);
      expect(screen).to.match(/least[\d.]+ms,mean[\d.]+ms,most[\d.]+ms>:begin/);
    }
  });

  it("searches the history with Ctrl-R", async () => {
    const terminal = open(60);
    await terminal.until(/connected/);
    for (const text of ["show vnet", "ping"]) {
      terminal.type(text);
      terminal.press("Enter");
    }
    await terminal.until(/most/);
    terminal.press("C-r");
    terminal.type("vn");
    await terminal.until(/^search \[show vnet\]: vn$/m);
    terminal.press("Escape");
    await terminal.until(/^>: show vnet$/m);
  });

  it("asks once at Ctrl-C, leaves at the second, and keeps its history for the next run", async () => {
    const first = open(80);
    await first.until(/connected/);
    first.type("show vnet");
    first.press("Enter");
    await first.until(/link state: +online/);
    first.press("C-c");
    await first.until(/leave\?/);
    first.press("C-c");
    await first.until(/\(left with status 0\)/);
    first.close();

    const second = open(80);
    await second.until(/connected/);
    second.press("Up");
    await second.until(/>: show vnet$/m);
    second.type("s");
    second.press("Enter");
    await second.until(/office/);
  });

  it("goes on after Ctrl-Z and fg, at the prompt and in a question", async function () {
    needs(this, "bash");
    // A shell with job control.
    const terminal = (window = new TerminalWindow({
      command: ["bash", "--norc", "--noprofile", "-i"],
      cwd: folder,
    }));
    const enter = (text: string) => {
      terminal.type(text);
      terminal.press("Enter");
    };
    const stopAndGoOn = async (times: number) => {
      terminal.press("C-z");
      await terminal.until(new RegExp("(Stopped[^]*){" + String(times) + "}"));
      enter("fg");
    };
    enter(`'${join(projectRoot, "vnet")}' config.ini`);
    await terminal.until(/connected/);
    await stopAndGoOn(1);
    await terminal.until(/fg\n[^]*>:/);
    enter("unserve");
    await terminal.until(/to vnetid:/);
    await stopAndGoOn(2);
    await terminal.until(/fg\n[^]*fg\n.*config\.ini\n.*to vnetid:/);
    enter("9");
    await terminal.until(/vnetid "9": give/);
  });

  it("ends in good order by a signal while a question stands", async () => {
    const terminal = open(80);
    await terminal.until(/connected/);
    terminal.type("unserve");
    terminal.press("Enter");
    await terminal.until(/to vnetid:/);
    process.kill(terminal.pid, "SIGTERM");
    await terminal.until(/\(left with status 0\)/);
  });

  it("whose window is closed ends its node in good order", async () => {
    // The shell lives on, to tell of the status.
    const script = `trap : HUP; '${join(projectRoot, "vnet")}' config.ini; echo $? >status`;
    window = new TerminalWindow({
      command: ["sh", "-c", script],
      cwd: folder,
    });
    await window.until(/connected/);
    window.hangUp();
    await hub.waitForOutput("left: the other side closed the link");
    const status = await eventually("its status", () =>
      readFileSync(join(folder, "status"), "utf8"),
    );
    expect(status).to.equal("0\n");
  });
});
