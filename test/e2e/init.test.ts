import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect } from "chai";
import { needs } from "../support/find-program.js";
import { makeFolder, removeFolder } from "../support/folder.js";
import { closeLaunched, run } from "../support/launch.js";
import { projectRoot } from "../support/project.js";
import { TerminalWindow } from "../support/tmux.js";

const KEY = "wIfwvCXSBxtWpYRZk3YSg5uIX0zR1hNn";

describe("a guided start in a person's terminal", function () {
  this.timeout(180_000);
  let folder: string;
  let window: TerminalWindow | undefined;

  before(function () {
    needs(this, "tmux");
  });

  beforeEach(() => {
    folder = makeFolder();
  });

  afterEach(() => {
    window?.close();
    removeFolder(folder);
  });

  function open(columns: number, launcher = "vnet", ...args: string[]) {
    window = new TerminalWindow({
      command: [join(projectRoot, launcher), "init", ...args],
      cwd: folder,
      columns,
      env: { VNET_STATE: join(folder, "state") },
    });
    return window;
  }

  async function answer(screen: TerminalWindow, text: string, next: RegExp) {
    if (text !== "") screen.type(text);
    screen.press("Enter");
    return screen.until(next);
  }

  it("writes a file that ./vnet --check accepts, in a narrow window without colour too", async () => {
    const screen = open(50, "vnet", "--no-color");
    await screen.until(/^ +hub:$/m);
    await answer(screen, "hub.example.org:4000", /^ +authkey:$/m);
    await answer(screen, KEY, /^ +group \(default\):$/m);
    await answer(screen, "our-family", /^ +secret:$/m);
    await answer(screen, "new", /^ +name \(.*\):$/m);
    await answer(screen, "home", /^ +offer:$/m);
    await answer(screen, "22", /^ +use:$/m);
    const last = await answer(screen, "700:2222", /\(left with status 0\)/);
    const command =
      /Start it: {2}(.*\/vnet) config\.ini$/m.exec(last)?.[1] ?? "";
    expect(existsSync(resolve(folder, command))).to.equal(true);
    expect(last).not.to.include(KEY.slice(0, 8));
    for (const line of last.split("\n")) {
      expect(line.length).to.be.at.most(50);
      // A word that was cut at the edge goes on in the first column.
      expect(line).not.to.match(/^[a-z.,]{1,3}$/);
    }
    const file = join(folder, "config.ini");
    expect(statSync(file).mode & 0o777).to.equal(0o600);

    const check = await run("vnet", ["config.ini", "--check"], {
      config: readFileSync(file, "utf8"),
    });
    expect(check.status).to.equal(0);
    expect(check.stdout).to.match(
      /vnet home of group our-family, hub hub.example.org:4000, terminal on/,
    );
    expect(check.stdout).to.include("authkey set, secret set");
    expect(check.stdout).to.match(/serve ssh: 000 ssh .*127.0.0.1:22/);
    expect(check.stdout).to.match(/use serve-700: 700, .*127.0.0.1:2222/);
  });

  it("writes nothing after Ctrl-C, says so, and leaves with status 1", async () => {
    const screen = open(80);
    await screen.until(/^ +hub:$/m);
    await answer(screen, "hub.example.org", /^ +authkey:$/m);
    screen.press("C-c");
    const last = await screen.until(/\(left with status 1\)/);
    expect(last).to.include("nothing was written");
    expect(existsSync(join(folder, "config.ini"))).to.equal(false);
  });

  it("asks before it replaces a file, and keeps the old one", async () => {
    const file = join(folder, "hub.ini");
    writeFileSync(file, "; mine\n");
    const first = open(80, "route", "hub.ini");
    await first.until(/replace it\? y\/n \(n\):/);
    await answer(first, "", /\(left with status 1\)/);
    expect(readFileSync(file, "utf8")).to.equal("; mine\n");
    first.close();

    const second = open(80, "route", "hub.ini");
    await second.until(/replace it\? y\/n \(n\):/);
    await answer(second, "y", /listen \(0\.0\.0\.0:7749\):/);
    await answer(second, "127.0.0.1:4000", /\(left with status 0\)/);
    expect(readFileSync(`${file}.old`, "utf8")).to.equal("; mine\n");
    const check = await run("route", ["config.ini", "--check"], {
      config: readFileSync(file, "utf8"),
    });
    expect(check.stdout).to.include("a hub on 127.0.0.1:4000");
  });
});

describe("a guided start without a terminal", function () {
  this.timeout(180_000);
  afterEach(closeLaunched);

  it("says in one line that it needs one", async () => {
    const outcome = await run("vnet", ["init"], { input: "hub\n" });
    expect(outcome.status).to.equal(2);
    expect(outcome.stderr).to.match(
      /^vnet init asks questions and needs a terminal; .*config\.ini\.example.*\n$/,
    );
  });

  it("says how it is used when there is too much on the line", async () => {
    const outcome = await run("vnet", ["init", "a.ini", "b.ini"]);
    expect(outcome.status).to.equal(2);
    expect(outcome.stderr).to.match(/vnet init \[FILE\]\n$/);
    const keygen = await run("vnet", ["keygen", "more"]);
    expect(keygen.status).to.equal(2);
  });
});
