// Files that the programs keep, where something else has their name: it is left alone, and said, and nothing waits for it.

import { execFileSync } from "node:child_process";
import {
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { within } from "../support/deadline.js";
import { needs } from "../support/find-program.js";
import { makeFolder, removeFolder } from "../support/folder.js";
import { nodeConfig } from "../support/lan.js";
import { closeLaunched, startBare, startHub } from "../support/launch.js";
import { projectRoot } from "../support/project.js";
import { TerminalWindow } from "../support/tmux.js";

/** In the folder of the history. */
const STATE = [".local", "state", "vnet"];

describe("a person's history", function () {
  this.timeout(180_000);
  let folder: string;
  let path: string;
  let window: TerminalWindow | undefined;

  before(function () {
    needs(this, "tmux");
  });

  beforeEach(async () => {
    const hub = await startHub();
    folder = makeFolder();
    mkdirSync(join(folder, ...STATE), { recursive: true, mode: 0o700 });
    path = join(folder, ...STATE, "history");
    writeFileSync(
      join(folder, "config.ini"),
      nodeConfig(hub.port, { name: "office" }),
    );
  });

  afterEach(async () => {
    window?.close();
    await closeLaunched();
    removeFolder(folder);
  });

  function open(): TerminalWindow {
    window = new TerminalWindow({
      command: [join(projectRoot, "vnet"), "config.ini"],
      cwd: folder,
      columns: 200,
    });
    return window;
  }

  async function enter(terminal: TerminalWindow, text: string): Promise<void> {
    terminal.type(text);
    terminal.press("Enter");
    await terminal.until(/link state: +online/);
  }

  it("that is a named pipe is left alone, with one word, and the start does not wait for it", async () => {
    execFileSync("mkfifo", ["-m", "644", path]);
    const terminal = open();
    await terminal.until(/connected to the hub/);
    await terminal.until(
      /the history is not kept in \S+history: it is a named pipe, not a regular file/,
    );
    await enter(terminal, "show vnet");
    terminal.press("Up");
    await terminal.until(/>: show vnet$/m);
    expect(lstatSync(path).isFIFO()).to.equal(true);
    expect(statSync(path).mode & 0o777).to.equal(0o644);
  });

  it("that leads to a device leaves the device as it is", async () => {
    const device = join(folder, "null");
    try {
      // As root it would be the whole machine's.
      execFileSync("mknod", ["-m", "666", device, "c", "1", "3"]);
      symlinkSync(device, path);
    } catch {
      symlinkSync("/dev/null", path);
    }
    const terminal = open();
    await terminal.until(/the history is not kept in .* it is a device/);
    await terminal.until(/connected to the hub/);
    await enter(terminal, "show vnet");
    expect(statSync(path).mode & 0o777).to.equal(0o666);
    expect(lstatSync(path).isSymbolicLink()).to.equal(true);
  });

  it("that is a link to another file is kept there, and the link stays", async () => {
    const lines = Array.from({ length: 1_500 }, (_, n) => `ping ${n}\n`);
    writeFileSync(join(folder, "lines"), lines.join(""));
    symlinkSync(join(folder, "lines"), path);
    const terminal = open();
    await terminal.until(/connected to the hub/);
    await enter(terminal, "show vnet");
    expect(readlinkSync(path)).to.equal(join(folder, "lines"));
    const kept = readFileSync(path, "utf8").trim().split("\n");
    expect(kept).to.have.length(1_001);
    expect(kept.at(-1)).to.equal("show vnet");
    expect(terminal.screen()).not.to.include("not kept");
  });
});

describe("a file of the state folder", function () {
  this.timeout(180_000);
  let folder: string;
  let state: string;

  before(function () {
    needs(this, "mkfifo");
  });

  beforeEach(() => {
    folder = makeFolder();
    state = join(folder, "state");
    mkdirSync(state, { mode: 0o700 });
  });

  afterEach(async () => {
    await closeLaunched();
    removeFolder(folder);
  });

  const cases = [
    ["vnet", "identity.key"],
    ["vnet", "known-nodes"],
    ["vnet", "vnet.lock"],
    ["route", "hub.key"],
    ["route", "claims.json"],
    ["route", "route.lock"],
  ] as const;
  for (const [program, name] of cases)
    it(`that is a named pipe is left alone by ./${program}, which says so and ends: ${name}`, async () => {
      const path = join(state, name);
      execFileSync("mkfifo", ["-m", "600", path]);
      const hub = program === "vnet" ? "--route=127.0.0.1:9" : "--port=7749";
      const launched = startBare(program, [hub, `--state=${state}`]);
      const { status } = await within("its end", launched.exited, 30_000);
      expect(status).to.equal(2);
      expect(launched.stderr.trim().split("\n").at(-1)).to.include(path);
      expect(lstatSync(path).isFIFO()).to.equal(true);
    });
});
