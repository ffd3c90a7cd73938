// Keys that are given beside the configuration's text, and who else could read or change what holds them.

import {
  chmodSync,
  chownSync,
  mkdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { expect } from "chai";
import { connectTo } from "../support/echo.js";
import { needs, skip } from "../support/find-program.js";
import { makeFolder, removeFolder } from "../support/folder.js";
import { untilUse } from "../support/lan.js";
import {
  closeLaunched,
  run,
  startBare,
  startHub,
  startNode,
  type LaunchOptions,
} from "../support/launch.js";
import { reservePort } from "../support/ports.js";

const AUTHKEY = "the-authkey-of-this-test";
const SECRET = "the-secret-of-this-test";

describe("a key that is given beside the configuration", function () {
  this.timeout(180_000);
  let folder: string;

  beforeEach(() => {
    folder = makeFolder();
  });

  afterEach(async () => {
    await closeLaunched();
    removeFolder(folder);
  });

  function keyFile(name: string, text: string, mode = 0o600): string {
    const path = join(folder, name);
    writeFileSync(path, `${text}\n`);
    chmodSync(path, mode);
    return path;
  }

  const hubText = (port: number, more = "") =>
    `[route]\nip = 127.0.0.1\nport = ${port}\n${more}\n`;
  const nodeText = (port: number, more = "") =>
    `${hubText(port, more)}[vnet]\nname = home\nterminal = true\n`;

  async function expectBothKeys(
    args: string[],
    options: LaunchOptions,
    more = "",
  ): Promise<string> {
    const port = await reservePort();
    const path = keyFile("hub-key", AUTHKEY);
    await startHub(hubText(port, `authkey_file = ${path}`));
    const node = startNode(nodeText(port, more), { ...options, args });
    await node.waitForOutput("connected to the hub");
    node.send("show vnet --json");
    await node.waitForOutput('"secret":"set"');
    await node.close();
    expect(node.output).not.to.include(AUTHKEY).and.not.to.include(SECRET);
    return node.output;
  }

  it("stands in files that options name", async () => {
    const output = await expectBothKeys(
      [
        ...["--authkey-file", keyFile("a", AUTHKEY)],
        ...["--secret-file", keyFile("s", SECRET)],
      ],
      {},
    );
    expect(output).not.to.match(/ warn /);
  });

  it("stands in variables, which programs of exec: do not get", async () => {
    await expectBothKeys([], {
      env: { VNET_AUTHKEY: AUTHKEY, VNET_SECRET: SECRET },
    });
    const port = await reservePort();
    const hub = await startHub(hubText(port), {
      env: { VNET_AUTHKEY: AUTHKEY, VNET_SECRET: SECRET },
    });
    const file = join(folder, "seen");
    const env = { VNET_AUTHKEY: AUTHKEY, VNET_SECRET: SECRET };
    const serve = `[serve.env]\nserveid=700\nip='exec:sh -c "env >${file}; cat"'\n`;
    startNode(nodeText(port) + serve, { env });
    const usePort = await reservePort();
    const use = `[use.env]\nserveid=700\nport=${usePort}\n`;
    const text = nodeText(port).replace("home", "office") + use;
    const office = startNode(text, { env });
    await untilUse(office, 700, "listening");
    const client = await connectTo(usePort);
    client.socket.write("x");
    await client.untilBytes(1);
    client.socket.destroy();
    const seen = readFileSync(file, "utf8");
    expect(seen).to.include("PATH=");
    expect(seen).not.to.include(AUTHKEY).and.not.to.include(SECRET);
    await hub.close();
    expect(hub.output).not.to.include("has no authkey");
  });

  it("is one of systemd's credentials", async () => {
    keyFile("authkey", AUTHKEY);
    keyFile("secret", SECRET);
    await expectBothKeys([], { env: { CREDENTIALS_DIRECTORY: folder } });
    const hub = await startHub(hubText(await reservePort()), {
      env: { CREDENTIALS_DIRECTORY: folder },
    });
    await hub.waitForOutput("ready: ");
    await hub.close();
    expect(hub.output).not.to.include("has no authkey");
  });

  it("comes out of the shell's <(…), and is still known at a reload", async function () {
    needs(this, "bash");
    const port = await reservePort();
    await startHub(hubText(port, `authkey = ${AUTHKEY}`));
    const node = startNode(nodeText(port), {
      prefix: [
        ...["bash", "-c"],
        `exec "$@" --authkey-file <(echo ${AUTHKEY})`,
        "bash",
      ],
    });
    await node.waitForOutput("connected to the hub");
    node.send("reload");
    await node.waitForOutput("nothing differs");
  });

  it("starts at the configuration's folder in the file, and is read again at a reload", async () => {
    const port = await reservePort();
    await startHub(hubText(port, `authkey = ${AUTHKEY}`));
    mkdirSync(join(folder, "keys"));
    keyFile("keys/hub", "another-authkey");
    const node = startNode(nodeText(port, "authkey_file = keys/hub"), {
      folder,
    });
    await node.waitForOutput("does not take this node's authkey");
    keyFile("keys/hub", AUTHKEY);
    node.send("reload");
    await node.waitForOutput("~ route: authkey changed");
    await node.waitForOutput("connected to the hub");
  });

  it("is stronger on the command line than in a variable, and there than in the file; an empty variable is none", async () => {
    const port = await reservePort();
    await startHub(hubText(port, `authkey = ${AUTHKEY}`));
    const wrong = "a-wrong-authkey";
    for (const [args, env, more] of [
      [["--authkey", AUTHKEY], { VNET_AUTHKEY: wrong }, `authkey = ${wrong}`],
      [[], { VNET_AUTHKEY: AUTHKEY }, `authkey = ${wrong}`],
      [[], { VNET_AUTHKEY: "" }, `authkey = ${AUTHKEY}`],
      // Not a folder that systemd names.
      [[], { CREDENTIALS_DIRECTORY: "." }, `authkey = ${AUTHKEY}`],
    ] as const) {
      const folder = makeFolder();
      writeFileSync(join(folder, "authkey"), wrong, { mode: 0o600 });
      const how = { args: [...args], env, folder };
      const node = startNode(nodeText(port, more), how);
      await node.waitForOutput("connected to the hub");
      await node.close();
    }
    const bad = await run("vnet", ["config.ini", "--check"], {
      config: nodeText(port),
      env: { VNET_AUTHKEY: "short" },
    });
    expect(bad.status).to.equal(2);
    expect(bad.stderr).to.match(/^VNET_AUTHKEY: found something else, allowed/);
  });

  it("gets a warning on the command line, and `ps` shows it no longer", async () => {
    const port = await reservePort();
    const words = ["--ip", "127.0.0.1", "--port", String(port)];
    const hub = startBare("route", [...words, "--authkey", AUTHKEY]);
    await hub.waitForOutput("ready: ");
    expect(hub.output).to.match(
      /warn {2}--authkey stands on the command line, where others can read it .*; use --authkey-file FILE or the variable VNET_AUTHKEY/,
    );
    const line = readFileSync(`/proc/${hub.pid}/cmdline`, "utf8");
    expect(line).to.include("--port").and.not.to.include(AUTHKEY);
  });

  it("gets a warning where others can read its file, but not because of a configuration that only names it", async () => {
    const port = await reservePort();
    const path = keyFile("k", AUTHKEY, 0o644);
    const hub = await startHub(hubText(port, `authkey_file = ${path}`));
    await hub.waitForOutput("ready: ");
    expect(hub.output.match(/chmod 600 /g)).to.have.length(1);
    expect(hub.output).to.include(
      `${path} holds a key and can be read by others`,
    );
  });

  for (const [what, make, why] of [
    ["that is not there", () => "/nowhere", "there is no such file (ENOENT)"],
    ["that is a folder", () => "/tmp", "not a regular file"],
    ["that is too large", () => "/proc/self/exe", "too large"],
  ] as const)
    it(`in a file ${what} is one line and status 2`, async () => {
      const args = ["config.ini", "--secret-file", make(), "--check"];
      const config = nodeText(7749);
      const { status, stderr } = await run("vnet", args, { config });
      expect(status).to.equal(2);
      expect(stderr.trim().split("\n")).to.have.length(1);
      expect(stderr)
        .to.include("command line: [vnet] secret_file: cannot read")
        .and.to.include(why);
    });

  for (const [what, input, why] of [
    ["that has no end", "</dev/zero", "it is too large for a key"],
    [
      "that is not UTF-8",
      "<<END\n\xc3\xfb\nEND",
      "it is not text in UTF-8 (GBK or CP949 perhaps?); save it as UTF-8",
    ],
  ] as const)
    it(`from a standard input ${what} is one line and status 2`, async function () {
      needs(this, "sh");
      const script = join(makeFolder(), "script");
      writeFileSync(script, Buffer.from(`exec "$@" ${input}\n`, "latin1"));
      const args = ["config.ini", "--secret-file", "/dev/stdin", "--check"];
      const { status, stderr } = await run("vnet", args, {
        config: nodeText(7749),
        prefix: ["sh", script],
      });
      removeFolder(dirname(script));
      expect(status, stderr).to.equal(2);
      expect(stderr.trim().split("\n")).to.have.length(1);
      expect(stderr).to.include(why);
    });
});

describe("what others could change", function () {
  this.timeout(180_000);
  let folder: string;

  beforeEach(() => {
    folder = makeFolder();
  });

  afterEach(async () => {
    await closeLaunched();
    removeFolder(folder);
  });

  const PROGRAM = `[route]\nip=127.0.0.1\nport=9\n[vnet]\nname=n\n[serve.x]\nip=exec:cat\n`;

  async function checked(mode: number, config = PROGRAM, folderMode = 0o700) {
    const path = join(folder, "config.ini");
    writeFileSync(path, config);
    chmodSync(path, mode);
    chmodSync(folder, folderMode);
    return run("vnet", [path, "--check"]);
  }

  it("is no configuration with exec:, where that is everybody: refused with the command that mends it", async () => {
    const path = join(folder, "config.ini");
    const open = await checked(0o646);
    expect(open.status).to.equal(2);
    expect(open.stderr).to.include(
      `everybody can change it: chmod o-w ${path}`,
    );
    const inside = await checked(0o600, PROGRAM, 0o707);
    expect(inside.status).to.equal(2);
    expect(inside.stderr).to.include(`its folder: chmod o-w ${folder}`);
    const hubs = PROGRAM.replace("ip=127.0.0.1\nport=9", "ip=exec:cat").replace(
      "ip=exec:cat\n[vnet]",
      "ip=exec:ssh hub\n[vnet]",
    );
    expect((await checked(0o646, hubs)).status).to.equal(2);
    expect(
      (await checked(0o646, PROGRAM.replace("exec:cat", "127.0.0.1\nport=9")))
        .status,
    ).to.equal(0);
  });

  it("gets a warning where that is its group", async () => {
    const path = join(folder, "config.ini");
    const { status, stdout } = await checked(0o660);
    expect(status).to.equal(0);
    expect(stdout).to.include(`its group can change it: chmod g-w ${path}`);
    expect((await checked(0o644)).stdout).not.to.include("change it");
  });

  it("is no folder of keys: refused with the command that mends it", async () => {
    const state = join(folder, "keys");
    mkdirSync(state);
    for (const mode of [0o770, 0o707]) {
      chmodSync(state, mode);
      const args = ["--ip", "127.0.0.1", "--port", "9", "--state", state];
      const { status, stderr } = await run("route", args);
      expect(status).to.equal(2);
      expect(stderr).to.include(`chmod go-w ${state}`);
    }
  });

  it("is no key file of another user", async function () {
    if (process.getuid?.() !== 0)
      skip(this, "needs root, to give a file to another user");
    const hub = await startHub();
    await hub.waitForOutput("ready: ");
    hub.kill("SIGTERM");
    await hub.exited;
    const path = /kept in (\S+);/.exec(hub.output)?.[1] ?? "";
    chownSync(join(path, "hub.key"), 54321, 54321);
    const again = startBare("route", ["config.ini"], { folder: hub.folder });
    expect((await again.exited).status).to.equal(2);
    expect(again.output).to.match(
      /hub\.key: this key file belongs to another user \(uid 54321\), .*chown/,
    );
  });
});
