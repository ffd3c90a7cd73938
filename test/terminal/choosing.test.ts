import { expect } from "chai";
import type { ListedServe } from "../../src/node/control.js";
import { Terminal } from "../../src/terminal/terminal.js";
import { FakeNode, REMOTE_NODE, SSH } from "../support/fake-node.js";
import { FakeTerminal } from "../support/fake-terminal.js";

const DOWN = "\x1b[B";
const TAB = "\t";
const CTRL_C = "\u0003";

const serve = (serveid: number, name: string, more = {}): ListedServe => ({
  ...SSH,
  ...{ serveid, name, info: `info of ${name}` },
  ...more,
});

describe("a list to choose from", () => {
  let node: FakeNode;
  let screen: FakeTerminal;
  let terminal: Terminal;

  const start = (columns = 80, TERM = "xterm") => {
    node = new FakeNode();
    node.remoteList = [
      serve(1, "mail"),
      serve(2, "web"),
      serve(3, "web-2", { vnet: "office", vnetid: 3, type: "http" }),
      serve(4, "down", { service: "down" }),
      serve(5, "own", { vnetid: 2 }),
      serve(6, "liar", { trusted: "no" }),
    ];
    screen = new FakeTerminal(columns, { TERM });
    terminal = Terminal.start({
      control: node,
      input: screen.input,
      output: screen.output,
      loadConfig: async () => node.config,
      historyFile: null,
      screen: screen.screen,
      onExit: () => undefined,
    });
  };
  afterEach(() => terminal.close());

  /** The rows of the newest drawing. */
  const rows = () =>
    (screen.text.split("NODE:PORT): ").at(-1) ?? "")
      .split("\n")
      .map((row) => row.trimEnd())
      .slice(1);
  const names = () => rows().map((row) => /^.{4}\d{3} {2}(\S+)/.exec(row)?.[1]);

  it("shows what others offer, the newest first, then what is down, then what is in use", async () => {
    start();
    await screen.answer("use run 2 port=1\r", ">: ");
    const remote = node.remoteList[1] ?? SSH;
    node.useList = node.useList.map((use) => ({ ...use, remote }));
    await screen.answer("use run\r", "in use");
    expect(names()).to.deep.equal(["web-2", "mail", "down", "web"]);
    expect(rows()[0]).to.equal(
      "  > 003  web-2                   office      http  info of web-2",
    );
    await screen.answer(CTRL_C, "cancelled");
  });

  it("takes the first row with Enter, and another one with an arrow or Tab", async () => {
    start();
    await screen.answer("use run\r", "mail");
    await screen.answer("\r", "NODE:PORT): web-2@office\n");
    await screen.answer(CTRL_C, "cancelled");
    await screen.answer("use run\r", "mail");
    screen.type(DOWN);
    await screen.answer(TAB, "> 001");
    await screen.answer("\r", "NODE:PORT): mail@remote-ssh\n");
    await screen.answer(CTRL_C, "cancelled");
  });

  it("narrows the list down with each key, by words in any case in any column", async () => {
    start();
    await screen.answer("use run\r", "mail");
    await screen.answer("WEB off", "WEB off");
    expect(names()).to.deep.equal(["web-2"]);
    await screen.answer("\r", "NODE:PORT): web-2@office\n");
    await screen.answer(CTRL_C, "cancelled");
  });

  for (const [what, text, wanted] of [
    ["a number", "2", { serveid: 2, serve: "" }],
    ["a name that stands there", "web", { serveid: 0, serve: "web" }],
    ["what no row has", "later@home", { serveid: 0, serve: "later@home" }],
  ] as const)
    it(`takes ${what} as it is typed`, async () => {
      start();
      await screen.answer("use run\r", "mail");
      await screen.answer(text, text);
      expect(rows().join("\n")).not.to.include("  > ");
      await screen.answer("\r", "ip (127.0.0.1):");
      for (const next of ["port (", "name (", ">: "])
        await screen.answer("\r", next);
      expect(node.useList).to.have.length(1);
      expect(node.calls.join()).to.include(JSON.stringify(wanted).slice(1, -1));
    });

  it("means by a row that one alone, where several have its name at one node", async () => {
    start();
    node.remoteList = [serve(7, "twin"), serve(8, "twin")];
    await screen.answer("use run\r", "twin");
    await screen.answer("\r", "NODE:PORT): 008\n");
    await screen.answer(CTRL_C, "cancelled");
  });

  it("offers nodes for `unserve`, and own entries that the command fits", async () => {
    start();
    node.nodeList.push({ ...REMOTE_NODE, vnetid: 9, name: "newest" });
    await screen.answer("unserve\r", "remote-ssh");
    expect(screen.text).to.match(/ {2}> 09 {2}newest +1 serve\n/);
    expect(screen.text).not.to.include("local-ssh");
    await screen.answer("\r", "to vnetid: 09\n");
    await screen.answer(CTRL_C, "cancelled");
    await screen.answer("use run 700 port=1 name=first\r", ">: ");
    await screen.answer("use run 700 port=2 name=second\r", ">: ");
    await screen.answer("use close\r", "first");
    await screen.answer(TAB, "  > 700  first");
    await screen.answer("\r", "use first");
    expect(node.calls.at(-1)).to.include("first");
  });

  it("says that there is nothing to choose from, and takes what is typed", async () => {
    start();
    node.remoteList = [];
    await screen.answer("use run\r", "none to choose from just now");
    await screen.answer("later\r", "ip (127.0.0.1)");
    await screen.answer(CTRL_C, "cancelled");
  });

  it("stays narrower than the screen, and draws anew when that changes", async () => {
    start(30);
    await screen.answer("use run\r", "> 003");
    for (const row of rows()) expect(row.length).to.be.below(30);
    screen.clear();
    screen.output.columns = 20;
    screen.output.emit("resize");
    await screen.until("> 003");
    for (const row of rows()) expect(row.length).to.be.below(20);
    await screen.answer(CTRL_C, "cancelled");
  });

  it("leaves nothing below the question for the shell that has the screen after Ctrl-Z", async () => {
    start();
    await screen.answer("use run\r", "web-2");
    const stopped = new Promise((resolve) => process.once("SIGTSTP", resolve));
    screen.clear();
    screen.type("\u001a");
    await stopped;
    const [left = ""] = screen.raw.split("\u001b[?2004l");
    expect(left)
      .to.match(/NODE:PORT\): \n$/)
      .and.not.include("web-2");
    process.emit("SIGCONT");
    await screen.until("web-2");
  });

  it("is printed once on a dumb terminal, with what to type, and takes a part that fits one row", async () => {
    start(80, "dumb");
    node.remoteList = Array.from({ length: 432 }, (_, at) =>
      serve(at + 1, `svc-${at + 1}x`),
    );
    await screen.answer("use run\n", "NODE:PORT): ");
    expect(screen.text).to.include("… 412 more: type a part of one");
    expect(screen.text.match(/info of/g)).to.have.length(20);
    await screen.answer("svc\r", '"svc" fits svc-432x@remote-ssh, ');
    await screen.answer("-77x\r", "ip (127.0.0.1): ");
    expect(screen.raw).not.to.include("\x1b");
  });

  it("draws a screenful of 10,000 at most, for each key too", async () => {
    start();
    node.remoteList = Array.from({ length: 10_000 }, (_, at) =>
      serve(1 + (at % 999), `svc-${at}`, { vnetid: 10 + at }),
    );
    await screen.answer("use run\r", "9988 more");
    expect(screen.text.match(/info of/g)).to.have.length(12);
    for (const key of "info 9876") {
      await screen.answer(key, "NODE:PORT): ");
      expect(screen.raw.length).to.be.below(2000);
    }
    expect(names()).to.deep.equal(["svc-9876"]);
    await screen.answer("\r", "svc-9876@remote-ssh\n");
    await screen.answer(CTRL_C, "cancelled");
  });
});
