// A pipe to which others write as well, `{ ./vnet …; cat big; } | less`: the programs leave it as it was, so that the others
// are not told "Resource temporarily unavailable"; and a reader who takes his time gets all of it.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { isNonblocking } from "../support/descriptor.js";
import { skip } from "../support/find-program.js";
import { makeFolder, removeFolder } from "../support/folder.js";
import { nodeConfig, startMember } from "../support/lan.js";
import { closeLaunched, startHub } from "../support/launch.js";
import { reservePort } from "../support/ports.js";
import { Program } from "../support/program.js";
import { projectRoot } from "../support/project.js";

describe("a pipe that others write to as well", function () {
  this.timeout(120_000);
  let folder: string;
  let shell: Program | undefined;

  before(function () {
    if (process.platform !== "linux") skip(this, "reads /proc");
  });

  beforeEach(() => {
    folder = makeFolder();
  });

  afterEach(async () => {
    shell?.endInput();
    await shell?.close();
    await closeLaunched();
    removeFolder(folder);
  });

  function start(script: string, config: string): Program {
    writeFileSync(join(folder, "config.ini"), config);
    const env = { ...process.env, HOME: folder, VNET_STATE: "" };
    shell = new Program("sh", ["-c", script, "sh", projectRoot], {
      cwd: folder,
      env,
    });
    return shell;
  }

  for (const program of ["route", "vnet"] as const)
    it(`is for them as it was while ./${program} runs, and when it is killed`, async () => {
      const port = await reservePort();
      const config =
        program === "route"
          ? `[route]\nip = 127.0.0.1\nport = ${port}\n`
          : nodeConfig((await startHub()).port, { name: "office" });
      // The shell in the braces has its output, and waits for lines of ours.
      const both = start(
        `{ "$1/${program}" config.ini 2>&1 & echo "started $!"; read -r go; kill -9 $!; wait; echo killed; read -r go; } | cat`,
        config,
      );
      const [, pid = ""] = await both.waitForOutput(/started (\d+)\n/);
      await both.waitForOutput(/ready: /);
      const others = parentOf(Number(pid));
      expect(isNonblocking(others)).to.equal(false);
      both.send("");
      await both.waitForOutput("killed");
      expect(isNonblocking(others)).to.equal(false);
    });

  it("brings a reader who comes late the whole output of a script", async () => {
    const hub = await startHub();
    const home = await startMember(hub, { name: "home" });
    const commands = Array.from({ length: 40 }, () => "-e help").join(" ");
    const slow = start(
      `"$1/vnet" config.ini ${commands} | { read -r first; echo "began"; read -r go <&3; cat; } 3<&0`,
      nodeConfig(hub.port, { name: "guest" }),
    );
    await slow.waitForOutput("began");
    slow.send("");
    expect(await slow.exited).to.include({ status: 0 });
    expect(slow.stdout.match(/^ *exit /gm)).to.have.length(40);
    await home.close();
  });
});

function parentOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
}
