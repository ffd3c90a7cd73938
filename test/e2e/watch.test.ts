// `watch` on a real terminal: beside a real LAN, while its size changes.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { startEcho, type TestServer } from "../support/echo.js";
import { needs } from "../support/find-program.js";
import { makeFolder, removeFolder } from "../support/folder.js";
import { nodeConfig, serveSection, startMember } from "../support/lan.js";
import { closeLaunched, startHub, type Launched } from "../support/launch.js";
import { reservePort } from "../support/ports.js";
import { projectRoot } from "../support/project.js";
import { TerminalWindow } from "../support/tmux.js";

describe("`watch` in a window", function () {
  this.timeout(180_000);
  let folder: string;
  let service: TestServer;
  let home: Launched;
  let window: TerminalWindow | null = null;

  before(function () {
    needs(this, "tmux");
  });
  beforeEach(async () => {
    folder = makeFolder("vnet-watch-");
    service = await startEcho();
    const hub = await startHub();
    home = await startMember(hub, {
      name: "home",
      sections: serveSection(700, service.port),
    });
    const config = nodeConfig(hub.port, { name: "office" });
    writeFileSync(join(folder, "config.ini"), config);
  });
  afterEach(async () => {
    window?.close();
    await closeLaunched();
    await service.close();
    removeFolder(folder);
  });

  it("leaves the screen as it was when the node is asked to end", async () => {
    window = new TerminalWindow({
      command: [join(projectRoot, "vnet"), "config.ini"],
      cwd: folder,
    });
    await window.until(/connected to the hub/);
    window.type("watch show serves");
    window.press("Enter");
    await window.until(/^ show serves · q ends[^]* 1 serve/);
    process.kill(window.pid, "SIGTERM");
    const screen = await window.until(/left with status 0/);
    expect(screen).to.include("connected to the hub");
    expect(screen).not.to.include("q ends");
  });

  for (const [what, env] of [
    ["in colour", {}],
    ["without colour", { NO_COLOR: "1" }],
  ] as [string, Record<string, string>][])
    it(`follows what happens and the window's size, ${what}, and leaves the screen as it was`, async () => {
      window = new TerminalWindow({
        command: [join(projectRoot, "vnet"), "config.ini"],
        cwd: folder,
        ...{ columns: 100, rows: 20, env },
      });
      await window.until(/connected to the hub/);
      window.type(`use run 700 ${await reservePort()}`);
      window.press("Enter");
      await window.until(/is listening: it reaches s700 on home/);
      window.type("watch show use");
      window.press("Enter");
      const first = await window.until(/^ show use · q ends[^]* listening/);
      expect(first).not.to.include(">: ");
      home.send("serve close 700");
      const second = await window.until(/ waiting: [^]*nobody offers/);
      expect(second.match(/show use · q ends/g)).to.have.length(1);
      window.resize(40, 8);
      const narrow = await window.until(/^ show use · q ends[^]*…/);
      expect(narrow.split("\n")).to.have.length.at.most(8);
      window.resize(100, 20);
      home.send("serve open 700");
      await window.until(/^ show use · q ends[^]* listening/);
      window.press("q");
      const after = await window.until(
        />: watch show use[^]*listens again[^]*>:/,
      );
      expect(after).to.include("connected to the hub");
      expect(after).not.to.include("q ends");
      // The keys are the line's again.
      window.type("pin");
      window.press("Tab");
      await window.until(/>: ping/);
    });
});
