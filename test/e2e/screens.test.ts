// The two ends of a node's terminal, each a terminal or not, of unknown width, or one that knows no escape sequence.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { needs } from "../support/find-program.js";
import { makeFolder, removeFolder } from "../support/folder.js";
import { nodeConfig, serveSection, startMember } from "../support/lan.js";
import { closeLaunched, startHub, type Hub } from "../support/launch.js";
import { projectRoot } from "../support/project.js";
import { TerminalWindow } from "../support/tmux.js";

const ID = 700;
const VNET = `exec '${join(projectRoot, "vnet")}' config.ini`;

describe("a screen", function () {
  this.timeout(180_000);
  let hub: Hub;
  let folder: string;
  let window: TerminalWindow | undefined;

  before(function () {
    needs(this, "tmux");
  });

  beforeEach(async () => {
    hub = await startHub();
    folder = makeFolder();
    const sections = serveSection(ID, 80);
    writeFileSync(
      join(folder, "config.ini"),
      nodeConfig(hub.port, { name: "office", sections }),
    );
  });

  afterEach(async () => {
    window?.close();
    await closeLaunched();
    removeFolder(folder);
  });

  /** What a shell runs. */
  function open(script: string, columns = 100): TerminalWindow {
    window = new TerminalWindow({
      ...{ command: ["sh", "-c", script], cwd: folder, columns },
      recorded: true,
    });
    return window;
  }

  function enter(text: string): void {
    window?.type(text);
    window?.press("Enter");
  }

  const output = () => readFileSync(join(folder, "out"), "utf8");

  for (const [what, ways] of [
    ["standard error", ">out"],
    ["/dev/tty, where standard error goes elsewhere too", ">out 2>err"],
  ] as const)
    it(`whose output goes into a file has prompt, notices, errors and questions all the same, by ${what}`, async () => {
      const terminal = open(`${VNET} ${ways}`);
      await terminal.until(/connected to the hub/);
      enter("show serves");
      await startMember(hub, { name: "home", sections: serveSection(701, 80) });
      await terminal.until(/serve 701 .* is here/);
      enter("nonsense");
      await terminal.until(/unknown command "nonsense"/);
      enter("unserve");
      await terminal.until(/to vnetid:/);
      terminal.press("C-c");
      await terminal.until(/cancelled/);
      enter("exit");
      await terminal.until(/left with status 0/);
      expect(output()).to.match(/^serveid .*\n700 .*\n- 1 node, 1 serve -\n$/);
      expect(terminal.screen()).not.to.include("1 node, 1 serve");
    });

  it("whose input is a pipe has the lines of a script in its own width, and no prompt", async () => {
    const terminal = open(`echo help | (${VNET})`, 50);
    await terminal.until(/out of order/);
    expect(terminal.written()).to.match(
      /^ {2}ping .*\r\n {6}round trip to the hub, .{0,30}\r\n {6}\S/m,
    );
    expect(terminal.written()).not.to.include(">: ");
  });

  it("that does not know its width counts as 80 columns, for tables and at init", async () => {
    const terminal = open(`stty cols 0 rows 0; ${VNET}`);
    await terminal.until(/connected to the hub/);
    enter("show serves");
    await terminal.until(/^serveid +vnetid[^]*^700 +01[^]*1 serve/m);
    enter("show vnet");
    await terminal.until(/^link state: +online/m);
    enter("exit");
    await terminal.until(/left with status 0/);
    terminal.close();

    const guided = open(`stty cols 0; ${VNET.replace("config.ini", "init x")}`);
    await guided.until(/^Seven questions, and x is written\. /m);
  });

  it("that does not know its width goes by COLUMNS, with -e too", async () => {
    const terminal = open(
      `stty cols 0; export COLUMNS=45; ${VNET} -e 'help show'`,
    );
    const screen = await terminal.until(/left with status 0/);
    const lines = screen.split("\n");
    const longest = Math.max(...lines.map((line) => line.length));
    expect(longest).to.be.within(35, 45);
  });

  for (const TERM of ["dumb", ""])
    it(`of TERM="${TERM}" gets no escape sequence: the system edits the line, and notices begin below it`, async () => {
      const terminal = open(`export TERM=${TERM}; ${VNET}`);
      await terminal.until(/connected to the hub[^]*>:$/);
      terminal.type("show ser");
      await startMember(hub, { name: "home", sections: serveSection(701, 80) });
      await terminal.until(/>: show ser\n[^]* serve 701 .* is here\n>:$/);
      enter("ves");
      await terminal.until(/2 nodes, 2 serves -\n>:$/);
      terminal.press("C-c");
      await terminal.until(/leave\? Ctrl-C again or `exit` leaves\n>:$/);
      enter("show vnet");
      await terminal.until(/channels: .*\n>:$/);
      terminal.press("C-d");
      await terminal.until(/left with status 0/);
      expect(terminal.written()).not.to.include("\u001b");
    });

  it("that is dumb lets Ctrl-C give a question up, and leave at the second", async () => {
    const terminal = open(`export TERM=dumb; ${VNET}`);
    await terminal.until(/connected to the hub[^]*>:$/);
    enter("unserve");
    await terminal.until(/to vnetid:/);
    terminal.press("C-c");
    await terminal.until(/cancelled\n>:$/);
    terminal.press("C-c");
    await terminal.until(/leave\?[^]*>:$/);
    terminal.press("C-c");
    await terminal.until(/left with status 0/);
  });

  it("that is dumb and goes away ends its node in good order", async () => {
    const terminal = open(`export TERM=dumb; ${VNET}`);
    await terminal.until(/connected/);
    terminal.hangUp();
    await hub.waitForOutput("left: the other side closed the link");
  });
});
