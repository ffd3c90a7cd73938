import { Writable } from "node:stream";
import { expect } from "chai";
import { complete } from "../../src/terminal/completion.js";
import { commands } from "../../src/terminal/commands/commands.js";
import { runCommands } from "../../src/terminal/script.js";
import { Terminal } from "../../src/terminal/terminal.js";
import { textWidth } from "../../src/terminal/text-width.js";
import { FakeNode, SSH } from "../support/fake-node.js";
import { FakeTerminal } from "../support/fake-terminal.js";

const OTHER_SCREEN = "\u001b[?1049h";
const OWN_SCREEN = "\u001b[?1049l";
/** the beginning of a picture */
const TOP = "\u001b[H";

describe("watch", () => {
  let node: FakeNode;
  let screen: FakeTerminal;
  let terminal: Terminal;

  const start = (columns = 80, rows = 12, look = {}) => {
    node = new FakeNode();
    screen = new FakeTerminal(columns, look);
    Object.assign(screen.output, { rows });
    terminal = Terminal.start({
      control: node,
      input: screen.input,
      output: screen.output,
      screen: screen.screen,
      loadConfig: async () => node.config,
      historyFile: null,
      onExit: () => undefined,
    });
  };
  beforeEach(() => start());
  afterEach(() => terminal.close());

  const watchIt = (line: string, wanted: string) =>
    screen.answer(`watch ${line}\r`, wanted);
  /** The lines of the newest picture. */
  const picture = () => {
    const last = screen.raw.split(TOP).at(-1) ?? "";
    const lines = (last.split(OWN_SCREEN)[0] ?? "").split("\r\n").map(plain);
    return lines.at(-1) === "" ? lines.slice(0, -1) : lines;
  };

  it("draws in place what a command shows, and again as soon as something happens", async () => {
    await watchIt("show vnets", "local-ssh (this node)");
    expect(screen.raw).to.include(OTHER_SCREEN);
    expect(screen.text).to.include("show vnets · q ends");
    node.nodeList = node.nodeList.slice(0, 1);
    screen.clear();
    node.notify("vnet local-ssh left");
    await screen.until("remote-ssh");
    expect(screen.raw.startsWith("\u001b[?7l\u001b[H")).to.equal(true);
    expect(screen.text).not.to.include("local-ssh");
  });

  for (const [name, key] of [
    ...[["q", "q"] as const, ["Q", "Q"] as const],
    ...[["Enter", "\r"] as const, ["Esc", "\u001b"] as const],
    ...[["Ctrl-C", "\u0003"] as const, ["Ctrl-D", "\u0004"] as const],
  ])
    it(`ends with ${name}, gives the screen back, and prints then what happened meanwhile`, async () => {
      const before = screen.output.listenerCount("resize");
      await watchIt("show vnets", "local-ssh");
      node.notify("a node came");
      expect(screen.text).not.to.include("a node came");
      screen.clear();
      await screen.answer(key, ">: ");
      expect(screen.raw).to.include(OWN_SCREEN);
      expect(screen.text).to.include("* a node came\n");
      await screen.answer("ping\r", "1: 1.00 ms");
      expect(screen.output.listenerCount("resize")).to.equal(before);
      expect(node.listeners).to.equal(1);
    });

  it("shows of thousands as many as the screen is high, and counts them all", async () => {
    node.remoteList = Array.from({ length: 5_000 }, (_, at) => ({
      ...SSH,
      serveid: at + 1,
    }));
    await watchIt("show serves", "5000 serves");
    const lines = picture();
    expect(lines).to.have.length.within(4, 12);
    expect(lines.at(-1)).to.include("1 node, 5000 serves, the first 6 shown");
    expect(screen.text).not.to.include("007");
  });

  it("cuts what is higher than the screen, and follows its size", async () => {
    start(30, 6);
    await watchIt("show vnet", "…");
    expect(picture()).to.have.length(6);
    screen.clear();
    Object.assign(screen.output, { rows: 40, columns: 100 });
    screen.output.emit("resize");
    await screen.until("channels");
    expect(picture().length).to.be.above(20);
  });

  it("cuts what is longer than a row, from its end", async () => {
    start(10, 12);
    await watchIt("show vnet", "…");
    const rows = picture();
    expect(rows[0]).to.equal(" show vnet");
    for (const row of rows) expect(textWidth(row)).to.be.at.most(10);
  });

  it("goes on while the hub is away, and says so", async () => {
    await watchIt("show serves", "1 serve");
    node.online = false;
    screen.clear();
    node.notify("the hub is lost");
    await screen.until("the hub is not reached");
    node.online = true;
    screen.clear();
    node.notify("the hub is back");
    await screen.until("1 serve");
  });

  it("draws nothing for a screen that takes nothing, and one picture when it goes on", async () => {
    let take = (): void => undefined;
    let isStopped = false;
    let pictures = 0;
    const output = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        if (chunk.includes(TOP)) pictures++;
        if (isStopped) take = done;
        else done();
      },
    });
    terminal.close();
    terminal = Terminal.start({
      control: node,
      input: screen.input,
      output: Object.assign(output, { columns: 80, rows: 12 }),
      screen: screen.screen,
      loadConfig: async () => node.config,
      historyFile: null,
      onExit: () => undefined,
    });
    let asked = 0;
    const { nodeList } = node;
    const wanted: (() => void)[] = [];
    node.remoteNodes = () => {
      asked++;
      for (const each of wanted.splice(0)) each();
      return nodeList;
    };
    const drawn = () => new Promise<void>((resolve) => wanted.push(resolve));
    const first = drawn();
    screen.type("watch show vnets\r");
    await first;
    isStopped = true;
    // The first one waits for the screen; nothing more is even asked for, longer than two pictures are apart.
    const before = asked;
    for (let at = 0; at < 1_000; at++) node.notify(`event ${at}`);
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(asked).to.equal(before);
    expect(output.writableLength).to.be.below(4_096);
    isStopped = false;
    const second = drawn();
    take();
    await second;
    expect(pictures).to.be.below(4);
  });

  it("prints the whole again on a dumb terminal, without an escape, and only when it has changed", async () => {
    start(80, 12, { TERM: "dumb" });
    await watchIt("show vnets", "Enter ends it\n");
    await screen.until("local-ssh");
    node.notify("nothing that shows");
    node.notify("nothing that shows");
    node.nodeList = node.nodeList.slice(0, 1);
    screen.clear();
    node.notify("vnet local-ssh left");
    await screen.until("remote-ssh");
    expect(screen.raw).not.to.include("\u001b");
    expect(screen.raw.split("vnetid")).to.have.length(2);
    await screen.answer("\n", ">: ");
  });

  for (const [line, reason] of [
    ["watch serve delete web", "cannot be watched"],
    ["watch watch show use", "cannot be watched"],
    ["watch show use --json", "leave out --json"],
    ["watch shwo use", "did you mean `show use`?"],
    ["watch show serve --limit x", "give how many rows"],
    ["watch ping nobody", 'vnetid "nobody"'],
    ["show use --watch", "`watch show use` draws it again and again"],
  ] as const)
    it(`refuses \`${line}\` before it takes the screen`, async () => {
      await screen.answer(`${line}\r`, reason);
      await screen.until(">: ");
      expect(screen.raw).not.to.include(OTHER_SCREEN);
      expect(node.calls).to.deep.equal([]);
    });

  it("is refused with a word where there is no screen", async () => {
    const [out, err] = [new FakeTerminal(), new FakeTerminal()];
    const status = await runCommands(["watch show use"], {
      control: node,
      loadConfig: async () => node.config,
      output: out.output,
      errorOutput: err.output,
    });
    expect([status, out.raw]).to.deep.equal([2, ""]);
    expect(err.raw).to.include("watch draws on a screen, and here is none");
  });

  it("is explained by help and asks for what is missing", async () => {
    await screen.answer("watch ?\r", "watch COMMAND");
    await screen.until(">: ");
    await screen.answer("watch --help\r", "watch COMMAND");
    await screen.until(">: ");
    await screen.answer("watch\r", "what to watch:");
    await screen.answer("show vnets\r", "q ends");
  });

  it("is completed with what can be watched and its arguments", async () => {
    const hits = async (line: string) =>
      (await complete(commands, node, line))[0];
    expect(await hits("wat")).to.deep.equal(["watch "]);
    expect(await hits("watch ")).to.deep.equal(["ping", "show"]);
    expect(await hits("WATCH show vn")).to.deep.equal(["vnet", "vnets"]);
    expect(await hits("watch ping re")).to.deep.equal(["remote-ssh "]);
    expect(await hits("watch serve ")).to.deep.equal([]);
  });

  it("gives the screen back when the terminal is closed under it", async () => {
    await watchIt("show vnets", "local-ssh");
    terminal.close();
    await screen.until("");
    await new Promise(setImmediate);
    expect(screen.raw.endsWith(OWN_SCREEN)).to.equal(true);
    expect(node.listeners).to.equal(0);
  });
});

function plain(line: string): string {
  return line.replace(/\u001b\[[?\d;]*[A-Za-z]/g, "");
}
