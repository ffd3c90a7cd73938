// Where the programs keep their keys, and that one configuration runs once.

import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { needs, skip } from "../support/find-program.js";
import { makeFolder, removeFolder } from "../support/folder.js";
import {
  closeLaunched,
  Launched,
  startHub,
  startNode,
  type Launcher,
} from "../support/launch.js";
import { needsMounts, withMounts } from "../support/mounts.js";
import { reservePort } from "../support/ports.js";
import { Program } from "../support/program.js";
import { projectRoot } from "../support/project.js";

describe("the state of a configuration", function () {
  this.timeout(180_000);
  let folder: string;
  let state: string;
  let port: number;

  beforeEach(async () => {
    folder = makeFolder();
    state = join(folder, "state");
    port = await reservePort();
  });

  afterEach(async () => {
    await closeLaunched();
    removeFolder(folder);
  });

  const text = (more = "") =>
    `[route]\nip = 127.0.0.1\nport = ${port}\n${more}`;

  interface How {
    file?: string;
    cwd?: string;
    args?: string[];
    env?: NodeJS.ProcessEnv;
  }

  function start(launcher: Launcher, how: How = {}): Launched {
    const { file = "config.ini", cwd = folder, args = [], env = {} } = how;
    // As a shell in that folder would have it.
    const PWD = cwd;
    const program = new Launched(
      launcher,
      makeFolder(),
      [join(cwd, file), ...args],
      { VNET_STATE: state, PWD, ...env },
    );
    return program;
  }

  /** The hub's key of one whole run. */
  async function hubKey(how: How = {}): Promise<string> {
    const hub = start("route", how);
    const [, key = ""] = await hub.waitForOutput(/hub's key is (SHA256:\S+)/);
    await hub.waitForOutput("ready: ");
    await hub.close();
    return key;
  }

  function write(path: string, content = text()): void {
    writeFileSync(join(folder, path), content, { mode: 0o600 });
  }

  /** The folders with keys in the state folder. */
  const kept = () =>
    readdirSync(state, { withFileTypes: true }).filter((entry) =>
      entry.isDirectory(),
    );

  it("stays the same when the link of a release is turned, by whatever name it is started", async () => {
    for (const release of ["5", "6"]) {
      mkdirSync(join(folder, release));
      write(`${release}/config.ini`);
    }
    const current = join(folder, "current");
    symlinkSync("5", current);
    const first = await hubKey({ cwd: current });
    expect(await hubKey({ cwd: join(folder, "5") })).to.equal(first);
    rmSync(current);
    symlinkSync("6", current);
    expect(await hubKey({ cwd: current })).to.equal(first);
    expect(await hubKey({ cwd: join(folder, "6") })).to.equal(first);
    expect(kept()).to.have.length(1);
  });

  it("stays the same where the shell's folder has the link and the file is named without it", async () => {
    for (const release of ["5", "6"]) {
      mkdirSync(join(folder, release));
      write(`${release}/config.ini`);
    }
    const keys = [];
    for (const release of ["5", "6"]) {
      rmSync(join(folder, "current"), { force: true });
      symlinkSync(release, join(folder, "current"));
      const command = `cd ${folder}/current && exec ${projectRoot}/route config.ini`;
      const hub = new Program("sh", ["-c", command], {
        env: { ...process.env, VNET_STATE: state },
      });
      const [, key] = await hub.waitForOutput(/hub's key is (SHA256:\S+)/);
      await hub.close();
      keys.push(key);
    }
    expect(keys[0]).to.equal(keys[1]);
  });

  it("follows a linked file to its real place", async () => {
    mkdirSync(join(folder, "shared"));
    write("shared/config.ini");
    for (const release of ["5", "6"]) {
      mkdirSync(join(folder, release));
      symlinkSync("../shared/config.ini", join(folder, release, "config.ini"));
    }
    const first = await hubKey({ cwd: join(folder, "5") });
    expect(await hubKey({ cwd: join(folder, "6") })).to.equal(first);
  });

  it("is what an older version made for the name that the file had", async () => {
    mkdirSync(join(folder, "5"));
    write("5/config.ini");
    symlinkSync("5", join(folder, "current"));
    const first = await hubKey({ cwd: join(folder, "5") });
    // As the older version would have called it: after the path as it was given.
    const [real] = kept().map(({ name }) => name);
    for (const entry of readdirSync(state))
      if (entry !== real) rmSync(join(state, entry));
    await hubKey({ cwd: join(folder, "current") });
    const named = readdirSync(state).find((name) => name !== real) ?? "";
    rmSync(join(state, named));
    renameSync(join(state, real ?? ""), join(state, named));
    expect(await hubKey({ cwd: join(folder, "current") })).to.equal(first);
    expect(await hubKey({ cwd: join(folder, "5") })).to.equal(first);
    expect(kept()).to.have.length(1);
  });

  it("is the folder that --state names, or state= of the file, which starts at the file's real folder", async () => {
    write("config.ini");
    const other = join(folder, "by-option");
    const first = await hubKey({ args: ["--state", other] });
    expect(readdirSync(other)).to.deep.equal(["hub.key"]);
    expect(existsSync(state)).to.equal(false);
    write("config.ini", text("state = keys/hub\n"));
    renameSync(other, join(folder, "aside"));
    mkdirSync(join(folder, "keys"));
    renameSync(join(folder, "aside"), join(folder, "keys", "hub"));
    mkdirSync(join(folder, "links"));
    symlinkSync("../config.ini", join(folder, "links", "config.ini"));
    expect(await hubKey()).to.equal(first);
    expect(await hubKey({ cwd: join(folder, "links") })).to.equal(first);
    write("config.ini", text(`state = ${join(folder, "keys", "hub")}\n`));
    expect(await hubKey()).to.equal(first);
    expect(existsSync(state)).to.equal(false);
  });

  it("goes along when state= is added to the file of an older installation, once it has ended", async () => {
    const config = `${text("authkey = auto\n")}[vnet]\nname = n\n`;
    write("config.ini", config);
    const first = await hubKey();
    const running = start("route");
    await running.waitForOutput("ready: ");
    write("config.ini", config.replace("auto\n", "auto\nstate = keys\n"));
    const early = start("route");
    expect((await early.exited).status).to.equal(1);
    expect(early.output).to.match(
      new RegExp(
        `still runs with its keys in .* \\(pid ${running.pid}\\); end`,
      ),
    );
    await running.close();
    const hub = start("route");
    await hub.waitForOutput("ready: ");
    expect(hub.output).to.include(`the hub's key is ${first}`);
    expect(hub.output).to.match(/the keys that .* had in \S+ were copied to /);
    expect(hub.output).to.include("the authkey is the one in");
    await hub.close();
    expect(await hubKey()).to.equal(first);
  });

  it("says at the first start, and then only, where a new key is and how to name an older one", async () => {
    write("config.ini");
    for (const [round, launcher] of [
      [0, "route"],
      [1, "route"],
      [0, "vnet"],
      [1, "vnet"],
    ] as const) {
      const program = start(launcher);
      await program.waitForOutput(/ready: |not reached/);
      const says = /first start: a new key is kept in \S+; .* --state/;
      if (round === 0) expect(program.output).to.match(says);
      else expect(program.output).not.to.match(says);
      await program.close();
    }
  });

  for (const [what, env] of [
    ["HOME=/", { HOME: "/" }],
    ["no HOME", { HOME: undefined }],
    ["an empty HOME", { HOME: "" }],
    ["a relative HOME", { HOME: "home" }],
    ["only empty variables", { HOME: "/", LOCALAPPDATA: "" }],
  ] as const)
    it(`is named in one line for a user who has none: a uid without an entry, ${what}`, async function () {
      if (process.getuid?.() !== 0)
        skip(this, "needs root, to run as another user");
      needs(this, "setpriv");
      write("config.ini");
      chmodSync(folder, 0o777);
      chmodSync(join(folder, "config.ini"), 0o644);
      for (const launcher of ["route", "vnet"] as const) {
        const words = ["--reuid=54321", "--regid=54321", "--clear-groups"];
        const program = new Program(
          "setpriv",
          [...words, join(projectRoot, launcher), "config.ini"],
          {
            cwd: folder,
            env: {
              PATH: process.env.PATH,
              VNET_STATE: "",
              STATE_DIRECTORY: "",
              XDG_STATE_HOME: "",
              ...env,
            },
          },
        );
        expect((await program.exited).status, program.output).to.equal(2);
        expect(program.lines).to.have.length(1);
        expect(program.output)
          .to.match(/^there is no folder for the keys/)
          .and.to.include("--state FOLDER")
          .and.to.include("VNET_STATE");
        expect(readdirSync(folder)).to.deep.equal(["config.ini"]);
      }
    });

  it("needs no home where it is named", async function () {
    if (process.getuid?.() !== 0)
      skip(this, "needs root, to run as another user");
    needs(this, "setpriv");
    write("config.ini");
    const own = join(folder, "own");
    mkdirSync(own);
    chownSync(own, 54321, 54321);
    chmodSync(own, 0o700);
    chmodSync(folder, 0o711);
    chmodSync(join(folder, "config.ini"), 0o644);
    const words = ["--reuid=54321", "--regid=54321", "--clear-groups"];
    const file = join(folder, "config.ini");
    const hub = new Program(
      "setpriv",
      [...words, join(projectRoot, "route"), file, "--state", own],
      { env: { PATH: process.env.PATH, HOME: "/" } },
    );
    await hub.waitForOutput("ready: ");
    await hub.close();
    expect(readdirSync(own)).to.deep.equal(["hub.key"]);
  });

  for (const [what, env] of [
    ["empty", { STATE_DIRECTORY: "", XDG_STATE_HOME: "" }],
    [
      "empty, where it lists several",
      { STATE_DIRECTORY: ":", XDG_STATE_HOME: "" },
    ],
    ["relative", { STATE_DIRECTORY: "here", XDG_STATE_HOME: "here" }],
  ] as const)
    it(`is not in the current folder where a variable is ${what}, but where it would be without it`, async () => {
      write("config.ini");
      const home = makeFolder();
      await hubKey({ env: { VNET_STATE: "", ...env, HOME: home } });
      expect(readdirSync(folder)).to.deep.equal(["config.ini"]);
      expect(existsSync(join(home, ".local", "state", "vnet"))).to.equal(true);
      removeFolder(home);
    });

  it("stays where it is for those who have kept it below HOME=/ so far", async function () {
    needsMounts(this);
    write("config.ini");
    const NO_OVERLAY = 88;
    // Writes to the root folder only where that is the test's own.
    const [command = "", ...words] = withMounts(
      `mount -t overlay -o lowerdir=/,upperdir=$UP,workdir=$WORK none $ROOT 2>/dev/null || exit ${NO_OVERLAY}
       exec chroot $ROOT sh -ec 'mkdir -p /.local/state/vnet; exec "$@"' sh "$@"`,
    );
    const [UP, WORK, ROOT] = ["up", "work", "root"].map((name) => {
      mkdirSync(join(folder, name));
      return join(folder, name);
    });
    const file = join(folder, "config.ini");
    const hub = new Program(
      command,
      [...words, join(projectRoot, "route"), file],
      { env: { PATH: process.env.PATH, HOME: "/", UP, WORK, ROOT } },
    );
    await hub.waitFor(
      () => hub.exit ?? /ready: /.exec(hub.output),
      "start, or end",
    );
    const { exit } = hub;
    await hub.close();
    if (exit?.status === NO_OVERLAY)
      skip(this, "needs an overlay over the root folder, not permitted here");
    expect(exit, hub.output).to.equal(null);
  });

  it("is rid at a start of what a killed one was writing, and keys that move leave that behind", async () => {
    write("config.ini");
    const uuid = "01234567-89ab-cdef-0123-456789abcdef";
    const other = join(folder, "by-option");
    const args = ["--state", other];
    const first = await hubKey({ args });
    for (const name of ["hub.key", "claims.json", "known-nodes"])
      writeFileSync(join(other, `${name}.${uuid}.new`), "half");
    expect(await hubKey({ args })).to.equal(first);
    // `route trust` may be writing that one just now.
    const left = `known-nodes.${uuid}.new`;
    expect(readdirSync(other)).to.have.members(["hub.key", left]);
    utimesSync(join(other, left), 1, 1);
    expect(await hubKey({ args })).to.equal(first);
    expect(readdirSync(other)).to.deep.equal(["hub.key"]);

    const usual = await hubKey();
    const [entry] = kept();
    const from = join(state, entry?.name ?? "");
    writeFileSync(join(from, `hub.key.${uuid}.new`), "half");
    write("config.ini", text("state = moved\n"));
    expect(await hubKey()).to.equal(usual);
    expect(readdirSync(join(folder, "moved"))).to.deep.equal(["hub.key"]);
  });

  it("gives one line where the folder, or a key in it, cannot be looked at", async () => {
    write("config.ini");
    const loop = join(folder, "loop");
    symlinkSync("loop", loop);
    mkdirSync(join(folder, "keys"), { mode: 0o700 });
    symlinkSync("authkey", join(folder, "keys", "authkey"));
    for (const [named, path] of [
      [loop, loop],
      [join(folder, "keys"), join(folder, "keys", "authkey")],
    ] as const) {
      const hub = start("route", { args: ["--state", named] });
      expect(await hub.exited).to.include({ status: 2 });
      expect(hub.output).to.match(/: cannot see whose it is \(ELOOP.*\n$/);
      expect(hub.output.trim().split("\n")).to.have.length(1);
      expect(hub.output).to.include(path);
    }
  });
});

describe("a configuration that runs already", function () {
  this.timeout(180_000);
  afterEach(closeLaunched);

  const folders: string[] = [];
  afterEach(() => {
    for (const folder of folders.splice(0)) removeFolder(folder);
  });

  for (const launcher of ["route", "vnet"] as const)
    it(`is not started a second time by ./${launcher}: one line with the pid, status 1`, async () => {
      const port = await reservePort();
      const config = `[route]\nip = 127.0.0.1\nport = ${port}\n[vnet]\nname = n\n`;
      const first =
        launcher === "route" ? await startHub(config) : startNode(config);
      await first.waitForOutput(/ready: |not reached/);
      const { folder } = first;
      const again = () => new Launched(launcher, folder, ["config.ini"], {});
      const second = again();
      const { status } = await second.exited;
      expect([status, second.stdout]).to.deep.equal([1, ""]);
      expect(second.lines).to.have.length(1);
      expect(second.output).to.match(
        new RegExp(
          `^config\\.ini already runs \\(pid ${first.pid}, .*\\); end that one first, or .* --state FOLDER\n$`,
        ),
      );
      expect(first.running).to.equal(true);
      // Neither a kill nor a restart leaves anything in the way.
      first.kill("SIGKILL");
      await first.exited;
      const third = again();
      await third.waitForOutput(/ready: |not reached/);
      third.kill("SIGTERM");
      expect((await third.exited).status).to.equal(0);
      const state = join(folder, "state");
      const left = readdirSync(state, { recursive: true }).map(String);
      expect(left.filter((name) => name.includes(".lock"))).to.deep.equal([]);
    });

  it("does not keep the other program, a guest, --check or another --state from running", async () => {
    const port = await reservePort();
    const config = `[route]\nip = 127.0.0.1\nport = ${port}\n[vnet]\nname = n\n`;
    const hub = await startHub(config);
    const start = (...args: string[]) =>
      new Launched("vnet", hub.folder, ["config.ini", ...args], {});
    const node = start();
    await node.waitForOutput("ready: ");
    const guest = start("-e", "show vnets");
    expect((await guest.exited).status, guest.output).to.equal(0);
    expect((await start("--check").exited).status).to.equal(0);
    const other = start("--state", "other");
    await other.waitForOutput("ready: ");
    const key = (folder: string) =>
      readFileSync(join(folder, "identity.key"), "utf8");
    const [own = ""] = readdirSync(join(hub.folder, "state"));
    expect(key(join(hub.folder, "other"))).not.to.equal(
      key(join(hub.folder, "state", own)),
    );
  });

  it("runs where nothing can be written in its state folder", async function () {
    needsMounts(this);
    const port = await reservePort();
    const config = `[route]\nip = 127.0.0.1\nport = ${port}\n`;
    const first = await startHub(config);
    await first.waitForOutput("ready: ");
    first.kill("SIGTERM");
    await first.exited;
    const hub = await startHub(config, {
      folder: first.folder,
      prefix: withMounts(
        `mount --bind "$VNET_STATE" "$VNET_STATE"; mount -o remount,bind,ro "$VNET_STATE"; exec "$@"`,
      ),
    });
    await hub.waitForOutput("ready: ");
  });
});
