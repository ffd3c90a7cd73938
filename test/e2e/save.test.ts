// `save`: what was made in the terminal is there at the next start, and the file is otherwise as a person left it.

import { expect } from "chai";
import {
  chmodSync,
  lstatSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { needs, needsUnix, skip } from "../support/find-program.js";
import { makeFolder, removeFolder } from "../support/folder.js";
import { askJson, nodeConfig } from "../support/lan.js";
import {
  closeLaunched,
  startBare,
  startHub,
  startNode,
  type Hub,
  type Launched,
} from "../support/launch.js";
import { needsMounts, withMounts } from "../support/mounts.js";
import { reservePort } from "../support/ports.js";
import { projectRoot } from "../support/project.js";
import { TerminalWindow } from "../support/tmux.js";

interface Row {
  name: string;
  active: boolean;
  origin: string;
}

describe("save", function () {
  this.timeout(120_000);
  let hub: Hub;
  let folder: string;
  let file: string;

  before(async () => {
    hub = await startHub();
  });

  after(async () => {
    await closeLaunched();
  });

  beforeEach(() => {
    folder = makeFolder();
    file = join(folder, "config.ini");
  });

  afterEach(() => {
    removeFolder(folder);
  });

  const text = () => readFileSync(file, "utf8");
  const config = () => nodeConfig(hub.port, { name: "me" });
  const start = (sections: string) =>
    startNode(`${config()}${sections}`, { folder });
  const ask = async (node: Launched, line: string, answer: RegExp) => {
    node.send(line);
    await node.waitForOutput(answer);
  };

  it("writes what was made in a terminal, shown first, and the next start has it", async function () {
    needs(this, "tmux");
    const port = await reservePort();
    const before = [
      ...["; mine", "[route]", "ip = 127.0.0.1", `port = ${hub.port}`],
      ...["[vnet]", "name = me", "terminal = yes ; I type", ""],
      ...["# the shell", "[serve.ssh]", "port=22", "active=true # or not"],
      ...["    # as I like", "", "[use.old]", "serveid=9", "; end"],
    ];
    writeFileSync(file, before.join("\r\n"));
    chmodSync(file, 0o640);
    const open = () =>
      new TerminalWindow({
        command: [join(projectRoot, "vnet"), "config.ini"],
        cwd: folder,
        env: { NO_COLOR: "1" },
      });
    let window = open();
    const enter = async (line: string, answer: RegExp) => {
      window.type(line);
      window.press("Enter");
      return window.until(answer);
    };
    try {
      await window.until(/connected to the hub/);
      await enter("serve run 8080 name=wiki", /serve wiki \(0/);
      await enter(`use new wiki ${port} name=mine`, /use mine .* is inactive/);
      await enter("serve close ssh", /serve ssh .* is inactive/);
      await enter("use delete old", /use old .* is removed/);
      const changes = await enter("show changes", /4 changes are not saved/);
      expect(changes).to.match(/~ serve ssh: active true → false/);
      await enter("exit", /`exit` again leaves/);
      const diff = await enter("save", /write this into config.ini: yes or no/);
      expect(diff).to.match(
        / {2}\[serve\.ssh\]\n- active=true # or not\n\+ active=false # or not/,
      );
      expect(text()).to.equal(before.join("\r\n"));
      window.press("Enter");
      await window.until(/the configuration is saved: config.ini/);
      await enter("reload", /nothing differs/);
      await enter("exit", /left with status 0/);
    } finally {
      window.close();
    }
    const after = [
      ...before.slice(0, 11),
      ...["active=false # or not", "    # as I like", "", "; end", ""],
      ...["[serve.wiki]", "port = 8080", ""],
      ...["[use.mine]", "serve = wiki", `port = ${port}`, "active = false"],
    ];
    expect(text()).to.equal(after.join("\r\n"));
    expect(statSync(file).mode & 0o777).to.equal(0o640);
    window = open();
    try {
      await window.until(/connected to the hub/);
      await enter("show serve", /wiki/);
      const screen = await enter("show use", /mine/);
      expect(screen).not.to.match(/terminal\]|use old/);
      await enter("exit", /left with status 0/);
    } finally {
      window.close();
    }
  });

  it("adds to what a person wrote into the file meanwhile, and writes nothing where both changed the same", async () => {
    const node = start("[serve.a]\nport=1\n");
    await ask(node, "serve new 2 name=b", /serve b .* is inactive/);
    writeFileSync(file, `${text()}info=mine\n; a note\n`);
    await ask(node, "save", /is saved/);
    expect(text()).to.match(
      /\[serve\.a\]\nport=1\ninfo=mine\n; a note\n\n\[serve\.b\]\nport = 2\nactive = false\n$/,
    );
    await ask(node, "reload", /~ serve a: info "" → mine/);
    await ask(node, "serve delete a", /serve a .* is removed/);
    writeFileSync(file, text().replace("port=1", "port=11"));
    const changed = text();
    await ask(node, "save", /serve a is to be deleted, but was changed in the/);
    expect(text()).to.equal(changed);
    await node.close();
  });

  it("writes nothing into a file with a mistake, nor what a reload would refuse", async () => {
    const node = start("");
    await ask(node, "serve new 2 serveid=700", /is inactive/);
    const good = text();
    writeFileSync(file, `${good}[serve.x]\nport=none\n`);
    await ask(node, "save", /nothing is written, as the file has a mistake: /);
    expect(text()).to.match(/port=none\n$/);
    writeFileSync(file, `${good}[serve.x]\nport=1\nserveid=700\n`);
    await ask(node, "save", /with these lines the file would have a mistake: /);
    expect(text()).to.match(/serveid=700\n$/);
    await node.close();
  });

  it("writes where a link leads, and leaves the link", async function () {
    needsUnix(this, "links that everybody may make");
    const node = start("");
    const real = join(folder, "real.ini");
    renameSync(file, real);
    symlinkSync("real.ini", file);
    await ask(node, "serve new 2 name=b", /is inactive/);
    await ask(node, "save", /is saved/);
    expect(lstatSync(file).isSymbolicLink()).to.equal(true);
    expect(readFileSync(real, "utf8")).to.include("[serve.b]");
    await node.close();
  });

  it("leaves a file that may not be written", async function () {
    needsUnix(this, "file modes");
    if (process.getuid?.() === 0) skip(this, "root may write any file");
    const node = start("");
    const before = text();
    chmodSync(file, 0o400);
    await ask(node, "serve new 2 name=b", /is inactive/);
    await ask(node, "save", /config.ini cannot be written, and is as it was/);
    expect(text()).to.equal(before);
    await node.close();
  });

  it("leaves the whole file where the disk is full", async function () {
    needsMounts(this);
    writeFileSync(file, config());
    const prefix = withMounts(
      'mount -t tmpfs -o size=16k tmpfs /mnt; cp config.ini /mnt; cat /dev/zero >/mnt/fill 2>/dev/null || true; exec "$@"',
    );
    const node = startBare("vnet", ["/mnt/config.ini"], { folder, prefix });
    await ask(node, "serve new 2 name=b", /is inactive/);
    await ask(
      node,
      "save",
      /cannot be written, and is as it was: .*(?:space|ENOSPC)/,
    );
    await ask(node, "show changes --json", /"name":"b"/);
    await ask(node, "reload", /nothing differs/);
    await node.close();
  });

  it("writes a new file for a node that was started without one, which starts the same node, without the key that stood in a variable", async () => {
    const args = [
      ...["--route", `127.0.0.1:${hub.port}`, "--name", "bare", "--terminal"],
      ...["--serve", "22,name=ssh"],
    ];
    const env = { VNET_SECRET: "a secret of the group" };
    const bare = startBare("vnet", args, { folder, env });
    const view = (node: Launched) =>
      askJson<{ fingerprint: string }>(node, "show vnet --json");
    const { fingerprint } = await view(bare);
    await ask(bare, "serve new 80 name=web", /serve web .* is inactive/);
    await ask(bare, "save", /started without a file: name a new one/);
    await ask(
      bare,
      "save made.ini",
      /secret of the variable VNET_SECRET is left/,
    );
    await bare.waitForOutput(/is saved: .*made\.ini/);
    const made = join(folder, "made.ini");
    expect(readFileSync(made, "utf8")).not.to.include("a secret");
    if (process.platform !== "win32")
      expect(statSync(made).mode & 0o777).to.equal(0o600);
    await ask(bare, "serve new 81 name=more", /serve more .* is inactive/);
    await ask(bare, "save", /\+ \[serve\.more\]/);
    await ask(bare, "reload", /nothing differs/);
    bare.send("exit");
    await bare.waitFor(() => bare.exit, "end", 30_000);
    const again = startBare("vnet", ["made.ini"], { folder, env });
    expect((await view(again)).fingerprint).to.equal(fingerprint);
    const serves = await askJson<Row[]>(again, "show serve --json");
    expect(
      serves.map(({ name, active, origin }) => [name, active, origin]),
    ).to.deep.equal([
      ["ssh", true, "config"],
      ["web", false, "config"],
      ["more", false, "config"],
    ]);
    expect(
      readdirSync(folder).filter((name) => name.endsWith(".new")),
    ).to.deep.equal([]);
    await again.close();
  });
});
