// The scenario of the original document with its three configurations as they
// stand (test/support/scenario.ts), real SSH, and a person's terminal in tmux.

import { execFile } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { expect } from "chai";
import { connectTo } from "../support/echo.js";
import { findProgram, needs } from "../support/find-program.js";
import { makeFolder, removeFolder } from "../support/folder.js";
import { closeLaunched, startHub, startNode } from "../support/launch.js";
import { reservePort } from "../support/ports.js";
import { accepts } from "../support/program.js";
import {
  startNginx,
  startSshd,
  type Service,
  type Sshd,
} from "../support/programs.js";
import { projectRoot } from "../support/project.js";
import { homeConfig, hubConfig, officeConfig } from "../support/scenario.js";
import { TerminalWindow } from "../support/tmux.js";

const run = promisify(execFile);
const SCP_BYTES = 200 * 1024 * 1024;

describe("the scenario of the original document", function () {
  this.timeout(300_000);
  let sshd: Sshd;
  let jupyter: Service;
  let folder: string;
  let office: TerminalWindow;
  let usePort: number;

  before(async function () {
    needs(this, "sshd", "ssh", "scp", "tmux", "nginx");
    sshd = await startSshd();
    jupyter = await startNginx({ "index.html": "a notebook\n" });
    folder = makeFolder();
    usePort = await reservePort();
    const port = await reservePort();
    await startHub(hubConfig(port));
    const home = startNode(
      homeConfig({ port, sshPort: sshd.port, lingerSeconds: 2 }),
    );
    await home.waitForOutput("connected to the hub");
    writeFileSync(join(folder, "config.ini"), officeConfig({ port, usePort }));
    office = new TerminalWindow({
      command: [join(projectRoot, "vnet"), "config.ini"],
      cwd: folder,
    });
    await office.until(/connected to the hub/);
    // Its use listens when a channel to the provider was made, and not before.
    while (!(await accepts(usePort))) await sleep(30);
  });

  after(async () => {
    office?.close();
    await closeLaunched();
    await sshd?.close();
    await jupyter?.close();
    if (folder) removeFolder(folder);
  });

  it("logs in with OpenSSH through use 700", async () => {
    const { stdout } = await run(findProgram("ssh") ?? "ssh", [
      ...sshd.clientOptions,
      ...["-p", String(usePort), `${sshd.user}@127.0.0.1`],
      "echo logged in as $(whoami)",
    ]);
    expect(stdout).to.equal(`logged in as ${sshd.user}\n`);
  });

  it("copies 200 MB with scp, equal to the last byte", async () => {
    const from = join(folder, "from");
    const to = join(folder, "to");
    writeFileSync(from, randomBytes(SCP_BYTES));
    await run(findProgram("scp") ?? "scp", [
      ...sshd.clientOptions,
      ...["-q", "-P", String(usePort), from, `${sshd.user}@127.0.0.1:${to}`],
    ]);
    expect(checksum(to)).to.equal(checksum(from));
  });

  it("shows the serve in the office's terminal", async () => {
    office.type("show serves");
    office.press("Enter");
    const screen = await office.until(/1 node, 1 serve/);
    expect(screen).to.match(
      /700.*01.*remote-ssh.*ssh.*tcp.*127\.0\.0\.1.*home-ssh/,
    );
  });

  it("borrows a web server that nobody registered, as in the transcript", async () => {
    const localPort = await reservePort();
    office.type("unserve");
    office.press("Enter");
    await office.until(/to vnetid:\s*$/m);
    office.type("01");
    office.press("Enter");
    await office.until(/ip \(127\.0\.0\.1\):?\s*$/m);
    office.press("Enter");
    await office.until(/port:\s*$/m);
    office.type(String(jupyter.port));
    office.press("Enter");
    await office.until(/grants 127\.0\.0\.1:\d+ as u1/);
    await office.until(/ip \(127\.0\.0\.1\):?\s*$/m);
    office.press("Enter");
    await office.until(new RegExp(`port \\(${jupyter.port}\\):?\\s*$`, "m"));
    office.type(String(localPort));
    office.press("Enter");
    await office.until(/use unserve-\d+ .* reaches unserve-/);

    const answer = await fetch(`http://127.0.0.1:${localPort}/`, {
      headers: { connection: "close" },
    });
    expect(await answer.text()).to.equal("a notebook\n");

    // Unused, it goes after its time (shortened here), and its port with it.
    await office.until(
      /unserve u1 is gone, and use unserve-\d+ with it: nobody used it/,
    );
    expect(await refusal(localPort)).to.equal("ECONNREFUSED");
  });

  it("leaves the terminal with exit", async () => {
    office.type("exit");
    office.press("Enter");
    await office.until(/\(left with status 0\)/);
  });
});

function checksum(file: string): string {
  return createHash("sha256").update(readFileSync(file)).digest("hex");
}

async function refusal(port: number): Promise<string | undefined> {
  try {
    (await connectTo(port)).socket.destroy();
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code;
  }
}
