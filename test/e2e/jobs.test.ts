// The programs as jobs of an interactive shell, in a real terminal: in the background, brought to the foreground, stopped, and
// with their window closed.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { eventually } from "../support/deadline.js";
import { needs, skip } from "../support/find-program.js";
import { makeFolder, removeFolder } from "../support/folder.js";
import { nodeConfig, startMember } from "../support/lan.js";
import {
  closeLaunched,
  startHub,
  type Hub,
  type Launched,
} from "../support/launch.js";
import { reservePort } from "../support/ports.js";
import { projectRoot } from "../support/project.js";
import { TerminalWindow } from "../support/tmux.js";

const vnet = join(projectRoot, "vnet");
const route = join(projectRoot, "route");

/** Interactive, so with job control, and without the person's own settings. */
const SHELLS: [name: string, command: string[]][] = [
  ["bash", ["bash", "--norc", "--noprofile", "-i"]],
  ["dash", ["dash", "-i"]],
];

for (const [shell, command] of SHELLS)
  describe(`a job of an interactive ${shell}`, function () {
    this.timeout(180_000);
    let folder: string;
    let hub: Hub;
    let other: Launched;
    let window: TerminalWindow;
    let jobs: number[];
    /** each test's node is another one for the hub */
    let name: string;
    let count = 0;

    before(async function () {
      needs(this, "tmux", "nohup", shell);
      if (process.platform !== "linux")
        skip(this, "needs Linux, which tells of the foreground");
      hub = await startHub();
      other = await startMember(hub, { name: "other" });
    });
    after(closeLaunched);
    beforeEach(() => {
      folder = makeFolder();
      name = `home${++count}`;
      const home = nodeConfig(hub.port, { name });
      writeFileSync(join(folder, "config.ini"), home);
      window = new TerminalWindow({
        command,
        cwd: folder,
        env: { VNET_STATE: join(folder, "state"), ENV: "", HISTFILE: "" },
      });
      jobs = [];
    });
    afterEach(async () => {
      for (const pid of jobs) {
        if (isAlive(pid)) process.kill(pid, "SIGKILL");
        await eventually("its end", () => !isAlive(pid));
      }
      window.close();
      removeFolder(folder);
    });

    const enter = (text: string) => {
      window.type(text);
      window.press("Enter");
    };
    const log = () => readFileSync(join(folder, "log"), "utf8");
    const untilLog = (text: string) =>
      eventually(`${text} in the log`, () => log().includes(text));

    /** Starts it in the background; its log goes to a file. */
    const startJob = async (line: string): Promise<number> => {
      enter(`${line} 2>log & echo pid $!`);
      const [, pid] = /pid (\d+)/.exec(await window.until(/pid \d+/)) ?? [];
      jobs.push(Number(pid));
      await untilLog("ready: ");
      return Number(pid);
    };
    const expectTraffic = async () => {
      const from = other.output.length;
      other.send(`ping ${name}`);
      await other.waitForOutput(/1: .* ms/, 30_000, from);
    };

    it("that takes commands runs on in the background, and has the terminal while it is in the foreground", async () => {
      const pid = await startJob(`'${vnet}' config.ini`);
      expect(log()).to.include("in the background: `fg` brings the terminal");
      enter("echo the shell reads $((40 + 2))");
      await window.until(/^the shell reads 42/m);
      await expectTraffic();
      enter("jobs");
      await window.until(/Running/);
      enter("fg");
      await window.until(/^>: $|^>:$/m);
      enter("show vnet");
      await window.until(/link state: +online/);
      const before = log();
      window.press("C-z");
      await window.until(/Stopped/);
      enter("bg");
      await eventually("the background", () =>
        log().slice(before.length).includes("in the background"),
      );
      await expectTraffic();
      enter("fg");
      await window.until(/fg\n[^]*fg\n[^]*>:/);
      enter("exit");
      // What is typed before is the program's.
      await eventually("its end", () => !isAlive(pid));
      enter("echo left with $?");
      await window.until(/left with 0/);
    });

    it("has its keys and its line after a stop by a signal, which leaves the terminal's mode to the shell", async function () {
      // Others leave the terminal as it was, and read no line then.
      if (shell !== "bash") skip(this, "needs a shell that sets the mode back");
      const pid = await startJob(`'${vnet}' config.ini`);
      enter("fg");
      await window.until(/^>: $|^>:$/m);
      process.kill(pid, "SIGSTOP");
      await window.until(/Stopped/);
      enter("fg");
      await window.until(/fg\n[^]*fg\n[^]*>:/);
      // In the shell's mode the system would end the program, and no key would complete.
      window.type("show vn");
      window.press("Tab", "C-c");
      await window.until(/>: *$/);
      window.type("show vnet");
      window.press("Tab", "C-u");
      enter("show use");
      await window.until(/this node has no use/);
    });

    it("outlives its window with nohup, of both programs", async () => {
      const port = await reservePort();
      const text = `[route]\nip = 127.0.0.1\nport = ${port}\n`;
      writeFileSync(join(folder, "hub.ini"), text);
      const own = nodeConfig(port, { name: "home" });
      writeFileSync(join(folder, "config.ini"), own);
      const first = await startJob(`nohup '${route}' hub.ini`);
      enter("clear");
      enter(`nohup '${vnet}' config.ini 2>log2 & echo pid=$!`);
      const [, pid] = /pid=(\d+)/.exec(await window.until(/pid=\d+/)) ?? [];
      const second = Number(pid);
      jobs.push(second);
      await untilLog("(home) joined");
      window.hangUp();
      // The node answers the hub's heartbeats, and both hear the next signal only.
      process.kill(second, "SIGHUP");
      process.kill(first, "SIGHUP");
      process.kill(second, "SIGTERM");
      await eventually("its end in the log", () =>
        /\(home\) .*left/.test(log()),
      );
      process.kill(first, "SIGTERM");
      await untilLog("SIGTERM ends this program");
      expect(log()).not.to.include("SIGHUP");
      expect(readFileSync(join(folder, "log2"), "utf8")).to.match(
        /SIGTERM ends this program\n$/,
      );
    });

    it("ends in good order when its window is closed, at once or by the signal that comes later", async () => {
      const pid = await startJob(`'${vnet}' config.ini`);
      window.hangUp();
      // dash tells its jobs nothing; bash does, if it hears of that before its input is at the end.
      if (shell === "dash") await expectTraffic();
      try {
        process.kill(pid, shell === "dash" ? "SIGTERM" : "SIGHUP");
      } catch {
        // it has heard of that
      }
      await eventually("its end", () => !isAlive(pid));
      // Node aborts where it cannot give a terminal back.
      expect(log()).to.match(/SIG(HUP|TERM) ends this program\n$/);
    });
  });

/** A process that has ended may wait for its parent to ask. */
function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return !stat.slice(stat.lastIndexOf(")")).startsWith(") Z");
  } catch {
    return false;
  }
}
