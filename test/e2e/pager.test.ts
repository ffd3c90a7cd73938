// What is longer than the screen, and the program that shows it: it has the terminal meanwhile, and the node goes on.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { needs } from "../support/find-program.js";
import { makeFolder, removeFolder } from "../support/folder.js";
import {
  nodeConfig,
  serveSection,
  startMember,
  untilRow,
} from "../support/lan.js";
import { closeLaunched, run, startHub, type Hub } from "../support/launch.js";
import { projectRoot } from "../support/project.js";
import { TerminalWindow } from "../support/tmux.js";

const SERVES = 30;
const VNET = `'${join(projectRoot, "vnet")}' config.ini`;
const ALL = /30 serves -\n>:$/;

describe("a list that is longer than the screen", function () {
  this.timeout(180_000);
  let hub: Hub;
  let folder: string;
  let terminal: TerminalWindow;

  before(function () {
    needs(this, "tmux", "less");
  });

  beforeEach(async () => {
    hub = await startHub();
    folder = makeFolder();
    const sections = Array.from({ length: SERVES }, (_, at) =>
      serveSection(700 + at, 80),
    ).join("");
    const shop = await startMember(hub, { name: "shop", sections });
    await untilRow<{ serveid: string; state: string }>(
      shop,
      "show serve",
      ({ serveid, state }) => serveid === "729" && state === "registered",
      "the last serve is registered",
    );
    writeFileSync(
      join(folder, "config.ini"),
      nodeConfig(hub.port, { name: "office" }),
    );
  });

  afterEach(async () => {
    terminal.close();
    await closeLaunched();
    removeFolder(folder);
  });

  /** Waits until the node is at the hub. */
  async function open(
    script: string,
    env: Record<string, string> = {},
    shell = ["sh", "-c", script],
    ready = /30 serves in group/,
  ): Promise<void> {
    terminal = new TerminalWindow({
      ...{ command: shell, cwd: folder, columns: 100, rows: 15 },
      // Those of whoever runs the tests are none of ours.
      env: { LESS: "FRX", ...env },
    });
    if (shell[0] !== "sh") enter(script);
    await terminal.until(ready);
  }

  function enter(text: string): void {
    terminal.type(text);
    terminal.press("Enter");
  }

  const LESS = `unset PAGER; exec ${VNET}`;

  it("is shown by less: its keys are less', Ctrl-C too; notices wait, and the prompt comes back", async () => {
    await open(LESS);
    enter("show serves");
    await terminal.until(/^│ 700 [^]*\n:$/m);
    terminal.press("C-c");
    await startMember(hub, { name: "home", sections: serveSection(801, 80) });
    terminal.press("Space");
    await terminal.until(/^│ 715 [^]*\n:$/m);
    expect(terminal.screen()).not.to.include("is here");
    terminal.press("q");
    await terminal.until(/vnet 03 \(home\) is here[^]*801 .* is here\n>:$/);
    enter("ping");
    await terminal.until(/least .*\n>:$/);
  });

  it("is shown with a prompt that names the keys, where LESS says nothing else", async () => {
    await open(`unset PAGER; exec ${VNET}`, { LESS: "" });
    enter("show serves");
    await terminal.until(/\nq ends this list, Space goes on$/);
    terminal.press("G");
    await terminal.until(/\nq ends this list \(its end\)$/);
    terminal.press("q");
    await terminal.until(/^>:$/m);
  });

  it("ends less with the node, by a signal", async () => {
    await open(LESS);
    enter("show serves");
    await terminal.until(/^│ 700 [^]*\n:$/m);
    process.kill(terminal.pid, "SIGTERM");
    await terminal.until(/\(left with status 0\)/);
    // Otherwise less would take them.
    terminal.type("qqq");
    await terminal.until(/\(left with status 0\)\n?qqq$/);
  });

  it("waits in less for Ctrl-Z and fg", async function () {
    needs(this, "bash");
    const bash = ["bash", "--norc", "--noprofile", "-i"];
    await open(`unset PAGER; ${VNET}`, {}, bash);
    enter("show serves");
    await terminal.until(/^│ 700 [^]*\n:$/m);
    terminal.press("C-z");
    await terminal.until(/Stopped[^]*\nbash-[\d.]+[$#]/);
    enter("fg");
    terminal.press("Space");
    await terminal.until(/^│ 71\d [^]*\n:$/m);
    terminal.press("q");
    await terminal.until(/^>:$/m);
    enter("ping");
    await terminal.until(/least .*\n>:$/);
  });

  it("leaves the node its traffic when less waits in the background, and comes back with fg", async function () {
    needs(this, "bash");
    const bash = ["bash", "--norc", "--noprofile", "-i"];
    await open(`unset PAGER; ${VNET}`, {}, bash);
    enter("show serves");
    await terminal.until(/^│ 700 [^]*\n:$/m);
    terminal.press("C-z");
    await terminal.until(/Stopped[^]*\nbash-[\d.]+[$#]/);
    enter("bg");
    await terminal.until(/config\.ini &/);
    const guest = nodeConfig(hub.port, { name: "guest" });
    const { stdout } = await run("vnet", ["config.ini", "-e", "ping office"], {
      config: guest,
    });
    expect(stdout).to.match(/least .* ms/);
    enter("fg");
    terminal.press("q");
    await terminal.until(/^>:$/m);
  });

  it("is shown by the program of PAGER, whatever sh makes of it", async () => {
    await open(`exec ${VNET}`, {
      PAGER: `sed 's/^│ 70/│ PAGED &/' | head -n 8; echo enough; read x </dev/tty`,
    });
    enter("show serves");
    await terminal.until(/PAGED [^]*enough$/);
    enter("");
    await terminal.until(/^>:$/m);
  });

  it("is printed all the same where PAGER is no program, and so is the next", async () => {
    await open(`exec ${VNET}`, { PAGER: "no-such-pager -x" });
    for (const time of [1, 2]) {
      enter("show serves");
      await terminal.until(ALL);
      expect(terminal.screen()).to.match(/^│ 729 /m);
      terminal.press("C-l");
      await terminal.until(/^>:$/);
      expect(time).to.be.below(3);
    }
  });

  it("is shown of a completion, too: beyond a hundred after a question, and the line stays", async () => {
    const sections = Array.from({ length: 90 }, (_, at) =>
      serveSection(800 + at, 80),
    ).join("");
    await startMember(hub, { name: "mall", sections });
    await open(LESS, {}, undefined, /120 serves/);
    terminal.type("use run ");
    terminal.press("Tab", "Tab");
    await terminal.until(/^>: use run\ndisplay all 360\? \(y\/n\)$/m);
    terminal.type("y");
    await terminal.until(/^700 +701 [^]*\n:$/);
    terminal.press("q");
    await terminal.until(/^>: use run$/m);
    terminal.press("Tab", "Tab");
    await terminal.until(/\(y\/n\)$/);
    terminal.type("n");
    await terminal.until(/\(y\/n\) n\n>: use run$/);
  });

  for (const [what, options, env] of [
    ["PAGER=cat", "", { PAGER: "cat" }],
    ["--no-pager", "--no-pager", { PAGER: "less" }],
  ] as const)
    it(`is printed at once with ${what}`, async () => {
      await open(`exec ${VNET} ${options}`, env);
      enter("show serves");
      await terminal.until(ALL);
    });

  it("leaves the settings of the line as before where its program is killed, for the next one too", async () => {
    const killed = ":>seen; stty raw -echo </dev/tty; kill -9 $$";
    const next = `stty -a </dev/tty | tr ' ' '\\n' | grep -x -e '-*echo' -e '-*icanon'`;
    await open(`exec ${VNET}`, {
      PAGER: `if [ -e seen ]; then ${next}; else ${killed}; fi`,
    });
    enter("show serves");
    await terminal.until(/the pager ended by SIGKILL[^]*>:$/);
    enter("show serves");
    await terminal.until(/^icanon\necho\n>:$/m);
  });
});
