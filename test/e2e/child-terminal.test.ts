// Programs that the node and the hub start have no terminal: they ask nothing there, hear no Ctrl-C and no closed window, and
// end with the program that started them, with all that they started.

import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { eventually, within } from "../support/deadline.js";
import { connectTo } from "../support/echo.js";
import { needs } from "../support/find-program.js";
import { makeFolder, removeFolder } from "../support/folder.js";
import { nodeConfig } from "../support/lan.js";
import {
  closeLaunched,
  startBare,
  startHub,
  type Hub,
} from "../support/launch.js";
import { reservePort } from "../support/ports.js";
import { projectRoot } from "../support/project.js";
import { startSshd } from "../support/programs.js";
import { TerminalWindow } from "../support/tmux.js";

describe("a program of exec: that is started from a terminal", function () {
  this.timeout(180_000);
  let folder: string;
  let hub: Hub;
  let port: number;
  let window: TerminalWindow | undefined;

  before(function () {
    needs(this, "tmux");
  });

  beforeEach(async () => {
    folder = makeFolder();
    hub = await startHub();
    port = await reservePort();
  });

  afterEach(async () => {
    window?.close();
    await closeLaunched();
    removeFolder(folder);
  });

  /** A node in a window that serves the program, and one elsewhere that maps it to `port`. */
  async function serve(
    command: string,
    { terminal = true, env = {} } = {},
  ): Promise<TerminalWindow> {
    const section = `[serve.it]\nip = ${command}\n`;
    const config = nodeConfig(hub.port, { name: "home", sections: section });
    writeFileSync(
      join(folder, "config.ini"),
      config.replace("terminal = true", `terminal = ${terminal}`),
      { mode: 0o600 },
    );
    window = new TerminalWindow({
      command: [join(projectRoot, "vnet"), "config.ini"],
      cwd: folder,
      columns: 200,
      env,
    });
    await window.until(/connected to the hub/);
    const hubWord = ["--route", `127.0.0.1:${hub.port}`];
    const user = startBare("vnet", [...hubWord, "--use", `it:${port}`]);
    await user.waitForOutput(/1 of 1 use listening/);
    return window;
  }

  function script(text: string): string {
    const file = join(folder, "script");
    writeFileSync(file, text);
    return `exec:sh ${file}`;
  }

  async function pidOf(client: Awaited<ReturnType<typeof connectTo>>) {
    await eventually("a process id", () => client.text.includes("\n"));
    return Number(client.text.split("\n")[0]);
  }

  for (const [what, terminal] of [
    ["takes no commands", false],
    ["takes commands", true],
  ] as const)
    it(`cannot ask there, and its words say so, when the node ${what}`, async () => {
      const asks =
        "printf 'Password: ' >/dev/tty && read -r word </dev/tty\necho 'no answer' >&2\nexit 1\n";
      const screen = await serve(script(asks), { terminal });
      const client = await connectTo(port);
      expect(await within("the end", client.ended)).to.equal("reset");
      await screen.until(/no answer/);
      if (terminal) {
        screen.type("show vnet");
        screen.press("Enter");
        await screen.until(/link state: +online/);
      }
      expect(screen.screen()).not.to.include("Password:");
    });

  it("ssh that wants a password fails at once, says why, and takes nothing that is typed", async function () {
    needs(this, "sshd", "ssh", "ssh-keygen");
    const sshd = await startSshd({ asksPassword: true });
    try {
      const { clientOptions, user } = sshd;
      const options = clientOptions.map((each) =>
        each.replace("BatchMode=yes", "BatchMode=no"),
      );
      const ssh = [
        ...["ssh", ...options, "-o", "PubkeyAuthentication=no"],
        ...["-p", String(sshd.port), "-W", "127.0.0.1:9"],
        `${user}@127.0.0.1`,
      ].join(" ");
      const asked = join(folder, "asked");
      const askpass = join(folder, "askpass");
      writeFileSync(askpass, `#!/bin/sh\ntouch ${asked}\n`, { mode: 0o700 });
      const screen = await serve(`exec:${ssh}`, {
        env: { DISPLAY: ":9", SSH_ASKPASS: askpass },
      });
      const client = await connectTo(port);
      expect(await within("the end", client.ended)).to.equal("reset");
      await screen.until(
        /serve it says: .*Permission denied \(publickey,password\)/,
      );
      screen.type("show vnet");
      screen.press("Enter");
      await screen.until(/link state: +online/);
      expect(screen.screen()).not.to.match(/'s password:/);
      expect(existsSync(asked)).to.equal(false);
    } finally {
      await sshd.close();
    }
  });

  it("goes on after Ctrl-C until its stream has ended, and then the node ends", async () => {
    const screen = await serve(script("echo $$; cat\n"), { terminal: false });
    const client = await connectTo(port);
    const pid = await pidOf(client);
    screen.press("C-c");
    await screen.until(/SIGINT ends this program when 1 stream ended/);
    client.socket.write("still here");
    await eventually("the echo", () => client.text.endsWith("still here"));
    client.socket.end();
    expect(await within("the end", client.ended)).to.equal("fin");
    await screen.until(/\(left with status 0\)/);
    await untilGone(pid);
  });

  it("goes on after the window was closed until its stream has ended, and then the node ends", async () => {
    const screen = await serve(script("echo $$; cat\n"), { terminal: false });
    const client = await connectTo(port);
    const pid = await pidOf(client);
    const node = screen.pid;
    screen.hangUp();
    await hub.waitForOutput(/serves \d+ it .* no longer/);
    client.socket.write("still here");
    await eventually("the echo", () => client.text.endsWith("still here"));
    client.socket.end();
    expect(await within("the end", client.ended)).to.equal("fin");
    await untilGone(pid);
    await untilGone(node);
  });

  it("ends with all that it started when the node is ended at once", async () => {
    const pipeline =
      "echo $$\nsleep 1000 | (trap '' TERM; sleep 1000; :) &\necho $!\ncat\n";
    const screen = await serve(script(pipeline), { terminal: false });
    const client = await connectTo(port);
    await eventually(
      "two process ids",
      () => client.text.split("\n")[2] === "",
    );
    const pids = client.text.trim().split("\n").map(Number);
    screen.press("C-c");
    await screen.until(/SIGINT ends this program when 1 stream ended/);
    screen.press("C-c");
    await screen.until(/\(left with status 0\)/);
    for (const pid of pids) await untilGone(pid);
  });

  it("that reads its input ends also when the node is killed", async () => {
    const screen = await serve(script("echo $$; cat\n"), { terminal: false });
    const client = await connectTo(port);
    const pid = await pidOf(client);
    process.kill(screen.pid, "SIGKILL");
    await untilGone(pid);
  });
});

async function untilGone(pid: number): Promise<void> {
  await eventually(`the end of process ${pid}`, () => {
    try {
      process.kill(pid, 0);
      return false;
    } catch {
      return true;
    }
  });
}
