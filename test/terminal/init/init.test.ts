import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { parseHubConfig } from "../../../src/config/hub-config.js";
import { parseNodeConfig } from "../../../src/config/node-config.js";
import { init } from "../../../src/terminal/init/init.js";
import { FakeTerminal } from "../../support/fake-terminal.js";
import { makeFolder, removeFolder } from "../../support/folder.js";

const KEY = "wIfwvCXSBxtWpYRZk3YSg5uIX0zR1hNn";

describe("init", () => {
  let folder: string;
  let file: string;
  let screen: FakeTerminal;
  let stop: AbortController;

  beforeEach(() => {
    folder = makeFolder();
    file = join(folder, "config.ini");
    screen = new FakeTerminal();
    stop = new AbortController();
  });

  afterEach(() => {
    stop.abort();
    removeFolder(folder);
  });

  const start = (
    program: "vnet" | "route" = "vnet",
    isWindows = process.platform === "win32",
  ) =>
    init({
      program,
      isWindows,
      called: `../bin/${program}`,
      file,
      hostName: "my@machine",
      input: screen.input,
      output: screen.output,
      screen: screen.screen,
      signal: stop.signal,
    });

  it("asks seven questions, explains a wrong answer at once, and never shows the key", async () => {
    const done = start();
    await screen.until("hub:");
    await screen.answer("hub:x\r", "give HOST or HOST:PORT");
    await screen.answer("\u0015hub:4000\r", "authkey:");
    await screen.answer(`authkey=${KEY}\r`, "group (default):");
    expect(screen.text).not.to.include("wIfw");
    await screen.answer("family\r", "secret:");
    await screen.answer("our own words\r", "name (my@machine):");
    expect(screen.text).not.to.include("our own");
    await screen.answer("\r", "offer:");
    await screen.answer("22\r", "use:");
    await screen.answer("700:2222\r", "is written");
    expect(await done).to.equal(true);
    const config = parseNodeConfig(readFileSync(file, "utf8"), file);
    expect(config.route).to.include({ ip: "hub", port: 4000, authkey: KEY });
    expect(config.vnet).to.include({
      name: "my@machine",
      group: "family",
      secret: "our own words",
    });
    expect(config.serves[0]).to.include({ name: "ssh", port: 22 });
    expect(config.uses[0]).to.include({ serveid: 700, port: 2222 });
    expect(screen.text).to.include("The secret in it is the group's");
    expect(screen.text).to.include(`Start it:  ../bin/vnet ${file}`);
    expect(readFileSync(file, "utf8"))
      .to.include(`;     ../bin/vnet ${file}\n`)
      .and.to.include(";     ../bin/vnet keygen\n");
  });

  it("makes a secret for the first node of a group", async () => {
    const done = start();
    await screen.until("hub:");
    await screen.answer("hub\r", "authkey:");
    await screen.answer("\r", "group (default):");
    await screen.answer("\r", "secret:");
    await screen.answer("new\r", "name");
    await screen.answer("home\r", "offer:");
    await screen.answer("\r", "use:");
    screen.type("\r");
    expect(await done).to.equal(true);
    const { vnet } = parseNodeConfig(readFileSync(file, "utf8"), file);
    expect(vnet.secret).to.match(/^[\w-]{32}$/);
    expect(screen.text).not.to.include(vnet.secret);
  });

  it("asks one question for a hub", async () => {
    const done = start("route");
    await screen.until("listen (0.0.0.0:7749):");
    screen.type("\r");
    expect(await done).to.equal(true);
    const { route } = parseHubConfig(readFileSync(file, "utf8"), file);
    expect(route).to.include({ ip: "0.0.0.0", port: 7749, authkey: "auto" });
  });

  it("says on Windows what protects the file there, and quotes for cmd", async () => {
    file = join(folder, "our lan.ini");
    const done = start("route", true);
    await screen.until("listen (0.0.0.0:7749):");
    screen.type("\r");
    expect(await done).to.equal(true);
    expect(screen.text.replace(/\s+/g, " "))
      .to.include("On Windows whoever may read its folder may")
      .and.to.include(`"${file}"`)
      .and.not.to.include("600");
  });

  for (const [name, key] of [
    ["Ctrl-C", "\u0003"],
    ["Ctrl-D", "\u0004"],
  ] as const)
    it(`writes nothing after ${name}, and says so`, async () => {
      const done = start();
      await screen.until("hub:");
      await screen.answer("hub\r", "authkey:");
      screen.type(key);
      expect(await done).to.equal(false);
      expect(screen.text).to.include("nothing was written");
      expect(existsSync(file)).to.equal(false);
    });

  it("writes nothing when the program is asked to end", async () => {
    const done = start();
    await screen.until("hub:");
    stop.abort();
    expect(await done).to.equal(false);
    expect(existsSync(file)).to.equal(false);
  });

  it("leaves an existing file alone unless told otherwise", async () => {
    writeFileSync(file, "mine");
    const done = start();
    await screen.until("replace it? y/n (n):");
    screen.type("\r");
    expect(await done).to.equal(false);
    expect(screen.text).to.include("nothing was written");
    expect(readFileSync(file, "utf8")).to.equal("mine");
  });

  it("keeps what it was told to replace", async () => {
    writeFileSync(file, "mine");
    const done = start("route");
    await screen.until("replace it? y/n (n):");
    await screen.answer("y\r", "listen (0.0.0.0:7749):");
    screen.type("\r");
    expect(await done).to.equal(true);
    expect(readFileSync(`${file}.old`, "utf8")).to.equal("mine");
    expect(screen.text).to.include("config.ini.old");
  });
});
