// Questions in a real window: what is pasted into them, what they draw, and the list to choose from.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { needs } from "../support/find-program.js";
import { makeFolder, removeFolder } from "../support/folder.js";
import { nodeConfig, serveSection, startMember } from "../support/lan.js";
import { closeLaunched, startHub, type Hub } from "../support/launch.js";
import { projectRoot } from "../support/project.js";
import { TerminalWindow } from "../support/tmux.js";

describe("a question in a person's terminal", function () {
  this.timeout(180_000);
  let hub: Hub;
  let folder: string;
  let window: TerminalWindow | undefined;

  before(function () {
    needs(this, "tmux");
  });

  beforeEach(async () => {
    folder = makeFolder();
    hub = await startHub();
    writeFileSync(
      join(folder, "config.ini"),
      nodeConfig(hub.port, { name: "user" }),
    );
  });

  afterEach(async () => {
    window?.close();
    await closeLaunched();
    removeFolder(folder);
  });

  function open(args: string[], ...variables: string[]) {
    window = new TerminalWindow({
      // tmux itself sets TERM.
      command: ["env", ...variables, join(projectRoot, "vnet"), ...args],
      cwd: folder,
      columns: 80,
      env: { VNET_STATE: join(folder, "state") },
      recorded: true,
    });
    return window;
  }

  async function enter(screen: TerminalWindow, text: string, next: RegExp) {
    if (text !== "") screen.type(text);
    screen.press("Enter");
    return screen.until(next);
  }

  it("draws a paste of 12,000 characters with a few times that many bytes, and the node goes on", async () => {
    const screen = open(["config.ini"]);
    await screen.until(/connected/);
    await enter(screen, "serve run", /^ +port:/m);
    for (const marked of [false, true]) {
      const before = screen.written().length;
      screen.paste("8".repeat(12_000), { marked });
      await screen.until(/an answer has at most 4096 characters/);
      expect(screen.written().length - before).to.be.below(3 * 12_000);
      // Any key takes the error away.
      screen.press("C-u");
      await screen.until(/^ +port:$(?![^]*at most)/m);
    }
    await enter(screen, "8080", /^ +ip \(127\.0\.0\.1\):$/m);
    screen.press("C-c");
    await screen.until(/cancelled\n>:/);
    await enter(screen, "ping", /hub .*: least/);
    expect(hub.stdout).not.to.match(/left/);
  });

  it("takes a secret that is pasted with a line's end whole, refuses one of several lines, and shows neither", async () => {
    const screen = open(["init", "new.ini"]);
    const secret = "wIfwvCXSBxtWpYRZk3YSg5uIX0zR1hNn";
    await screen.until(/^ +hub:$/m);
    await enter(screen, "hub.example.org", /^ +authkey:$/m);
    for (const marked of [false, true]) {
      screen.paste(`${secret}\r\nexit\n`, { marked });
      await screen.until(/authkey:\n +more than one line/);
      screen.press("C-u");
      await screen.until(/^ +authkey:$(?![^]*more)/m);
    }
    screen.paste(`${secret}\n`, { marked: true });
    await screen.until(/authkey: \*{32}$/m);
    screen.resize(60, 20);
    await enter(screen, "", /^ +group \(default\):$/m);
    await enter(screen, "", /^ +secret:$/m);
    // Its end is Enter where the paste is not marked.
    screen.paste(`${secret}\r\n`);
    await screen.until(/^ +name \(/m);
    await enter(screen, "home", /^ +offer:$/m);
    await enter(screen, "", /^ +use:$/m);
    await enter(screen, "", /\(left with status 0\)/);
    expect(screen.written()).not.to.include(secret.slice(0, 4));
    const text = readFileSync(join(folder, "new.ini"), "utf8");
    expect(text)
      .to.include(`authkey = ${secret}\n`)
      .and.to.include(`secret = ${secret}\n`);
  });

  it("runs nothing of what was pasted behind an answer, and keeps no answer as history", async () => {
    const screen = open(["config.ini"]);
    await screen.until(/connected/);
    await enter(screen, "serve run", /^ +port:/m);
    screen.paste("8080\nserve run 9090\nexit\n");
    await screen.until(/port:\n +more than one line: nothing of it was taken/);
    await enter(screen, "8081", /^ +ip \(127\.0\.0\.1\):$/m);
    screen.press("C-c");
    await screen.until(/cancelled\n>:/);
    await enter(screen, "show serve", /0 serves|no serves|- 0/);
    screen.press("C-c");
    await enter(screen, "exit", /\(left with status 0\)/);
    const history = join(folder, "state", "history");
    expect(existsSync(history)).to.equal(true);
    expect(readFileSync(history, "utf8")).not.to.match(/808|9090/);
  });

  it("offers what others serve, narrows it down as one types, and uses the row that is marked", async () => {
    await startMember(hub, {
      name: "home",
      sections: `${serveSection(701, 1)}${serveSection(702, 2)}`,
    });
    const screen = open(["config.ini"]);
    await screen.until(/connected/);
    const list = await enter(screen, "use run", /^ {2}> 702[^]*^ {4}701/m);
    expect(list).to.match(/NODE:PORT\):\n {2}> 702 +s702 .*home/);
    screen.resize(34, 12);
    const narrow = await screen.until(/^ {2}> 702.*…$/m);
    for (const row of narrow.split("\n")) expect(row.length).to.be.at.most(34);
    screen.type("hom 70");
    screen.press("Tab");
    await screen.until(/^ {2}> 701/m);
    await enter(screen, "", /s701@home\n +ip \(127\.0\.0\.1\):$/m);
    screen.press("C-c");
    await screen.until(/cancelled\n>:/);
  });

  it("writes no escape sequence where TERM is dumb, and nothing of a secret", async () => {
    const screen = open(["init", "new.ini"], "TERM=dumb");
    await screen.until(/^ +hub:$/m);
    await enter(screen, "hub:x", /hub: hub:x\n[^]*give HOST[^]*hub:$/);
    await enter(screen, "hub", /^ +authkey:$/m);
    await enter(screen, "some-secret-key", /^ +group \(default\):$/m);
    screen.press("C-c");
    await screen.until(/\(left with status 1\)/);
    expect(screen.written()).not.to.match(/\x1b|some|\*\*/);
  });
});
