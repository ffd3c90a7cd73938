import { setImmediate as turn } from "node:timers/promises";
import { expect } from "chai";
import { Terminal } from "../../src/terminal/terminal.js";
import { SSH, FakeNode } from "../support/fake-node.js";
import { FakeTerminal } from "../support/fake-terminal.js";
import { hurried } from "../support/hurried-timers.js";

const CTRL_C = "\u0003";
const CTRL_D = "\u0004";
const CTRL_R = "\u0012";

describe("terminal", () => {
  let node: FakeNode;
  let screen: FakeTerminal;
  let terminal: Terminal;
  let exits: string[];

  const start = (columns = 80) => {
    node = new FakeNode();
    screen = new FakeTerminal(columns);
    exits = [];
    terminal = Terminal.start({
      control: node,
      input: screen.input,
      output: screen.output,
      loadConfig: async () => node.config,
      historyFile: null,
      screen: screen.screen,
      onExit: (how) => exits.push(how),
    });
  };
  beforeEach(() => start());
  afterEach(() => terminal.close());

  it("runs a command and gives the prompt back", async () => {
    await screen.until(">: ");
    await screen.answer("show serves\r", "- 1 node, 1 serve -");
    await screen.until(">: ");
  });

  it("asks for what is missing, explains a wrong answer and asks the local side after the grant", async () => {
    await screen.answer("unserve\r", "to vnetid:");
    await screen.answer("9\r", "give remote-ssh (01)");
    await screen.answer("\u00151\r", "ip (127.0.0.1):");
    await screen.answer("\r", "port:");
    expect(node.calls).to.deep.equal([]);
    await screen.answer("8888\r", "ip (127.0.0.1):");
    expect(screen.text).to.include("grants 127.0.0.1:8888 as u1");
    await screen.answer("\r", "port (8888):");
    await screen.answer("18888\r", "is listening: it reaches ssh");
    expect(node.calls.at(-1)).to.equal(
      'mapUnserve {"unserve":1,"ip":"127.0.0.1","port":18888}',
    );
    await screen.answer("ping\r", "1: 1.00 ms");
  });

  for (const line of ["serve run", "serve new"])
    it(`asks for everything that \`${line}\` takes, also whether it is shared`, async () => {
      await screen.answer(`${line}\r`, "port:");
      await screen.answer("8080\r", "ip (127.0.0.1):");
      await screen.answer("\r", "serveid (000):");
      await screen.answer("\r", "name (serve-8080):");
      await screen.answer("web\r", "type (tcp):");
      await screen.answer("\r", "share (exclusive):");
      await screen.answer("both\r", "give exclusive, takeover, balance");
      await screen.answer("\u0015balance\r", "info:");
      await screen.answer("\r", ", 127.0.0.1:8080) is");
      expect(node.calls.at(-1)).to.include('"share":"balance"');
    });

  for (const [name, key] of [
    ["Ctrl-C", CTRL_C],
    ["Ctrl-D", CTRL_D],
  ] as const)
    it(`cancels a guided command with ${name} and gives the granted unserve back`, async () => {
      await screen.answer("unserve 01\r", "ip (127.0.0.1):");
      await screen.answer("\r", "port:");
      await screen.answer("8888\r", "ip (127.0.0.1):");
      await screen.answer(key, "cancelled");
      await screen.until(">: ");
      expect(node.calls.at(-1)).to.equal("withdrawUnserve 1");
      expect(exits).to.deep.equal([]);
    });

  it("withdraws a grant that comes after nobody waits for it", async () => {
    let grant = (): void => undefined;
    node.requestUnserve = () =>
      new Promise((resolve) => {
        grant = () => resolve({ ...SSH, serveid: 0, unserve: 5 });
      });
    await screen.answer("unserve\r", "to vnetid:");
    await screen.answer("1\r", "ip (127.0.0.1):");
    await screen.answer("\r", "port:");
    await screen.answer("80\r", "asking node 01");
    await screen.answer(CTRL_C, ">: ");
    screen.clear();
    grant();
    await screen.until("cancelled");
    expect(node.calls).to.deep.equal(["withdrawUnserve 5"]);
  });

  it("prints a notice above the line being typed and climbs over nothing", async () => {
    start(20);
    await screen.answer("show serves and more than one row", "row");
    screen.clear();
    node.notify("node \u001b[2J came");
    await screen.until("one row");
    expect(screen.text).to.include("* node \\x1b[2J came\n");
    expect(screen.raw).not.to.include("\u001b[2J");
    const rest = screen.raw.slice(screen.raw.indexOf("came") + 4);
    const climbed = Number(/^\n+\u001b\[(\d+)A/.exec(rest)?.[1] ?? 0);
    expect(/^\n+/.exec(rest)?.[0]).to.have.length(climbed + 1);
  });

  it("holds notices back while a question stands and tells how many were dropped", async () => {
    await screen.answer("unserve\r", "to vnetid:");
    screen.clear();
    for (let at = 1; at <= 103; at++) node.notify(`event ${at}.`);
    expect(screen.text).to.equal("");
    await screen.answer(CTRL_C, "event 103.");
    expect(screen.text).to.include("! 3 older notices were dropped");
    expect(screen.text).not.to.include("event 3.");
    expect(screen.text).to.include("event 4.");
  });

  it("holds notices back while the screen stands still, and then tells how many were dropped, above the line that was typed", async () => {
    await screen.answer("half ", "half ");
    screen.stop();
    screen.clear();
    for (let at = 1; at <= 5_000; at++) {
      node.notify(`event ${at}.`);
      await turn();
    }
    screen.type("a line");
    await turn();
    // What Node takes for full is another size in each of its versions.
    const { writableLength, writableHighWaterMark } = screen.output;
    expect(writableLength).to.be.below(writableHighWaterMark + 4_000);
    expect(screen.raw).to.equal("");
    screen.goOn();
    await screen.until("event 5000.");
    await screen.until(">: half a line");
    expect(screen.text).to.match(
      /event 1\.[^]*! \d+ older notices were dropped/,
    );
    expect(screen.text).to.match(/event 5000\.\s+>: half a line$/);
  });

  it("runs what is typed while the screen stands still, and reads no more where its echo would fill the memory", async () => {
    screen.stop();
    screen.type("reload\r");
    while (node.calls.length === 0) await turn();
    screen.clear();
    for (let sent = 0; sent < 400 && !screen.input.isPaused(); sent++) {
      screen.type("x".repeat(1_000));
      await turn();
      screen.type("\u0015");
      await turn();
      screen.type("\u0019");
    }
    expect(screen.input.isPaused()).to.equal(true);
    expect(screen.output.writableLength).to.be.below(3 * 1024 * 1024);
    screen.goOn();
    while (screen.input.isPaused()) await turn();
    await screen.answer("\u0015\u000bshow vnet\r", "hub");
  });

  it("prints the first of thousands of notices at once and of the others the last ones, with few redraws", async () => {
    await screen.answer("half a li", "half a li");
    screen.clear();
    for (let at = 1; at <= 5_000; at++) node.notify(`event ${at}.`);
    await screen.until("event 5000.");
    expect(screen.text).to.include("* event 1.\n");
    expect(screen.text).to.include("! 4899 older notices were dropped");
    expect(screen.text).to.include("* event 4901.\n");
    expect(screen.text).not.to.include("event 4900.");
    expect(screen.text.split("half a li")).to.have.length.below(8);
    node.notify("event 5001.");
    await screen.until("* event 5001.\n");
  });

  it("prints a long list in portions, and stops with Ctrl-C", async () => {
    node.remoteList = Array.from({ length: 50_000 }, (_, at) => ({
      ...SSH,
      serveid: at + 1,
    }));
    screen.type("show serves\r");
    await screen.until("700");
    expect(screen.text).not.to.include("50000");
    await screen.answer(CTRL_C, "cancelled");
    expect(screen.text).not.to.include("50000");
    await screen.until(">: ");
    await screen.answer("show serves --limit 2 --json\r", '"serveid":"002"');
    await screen.until(">: ");
    const [, json = ""] = /^(\[.*\])$/m.exec(screen.text) ?? [];
    expect(JSON.parse(json)).to.have.length(2);
  });

  it("gives the prompt back on Ctrl-C while a command runs that changes something, and prints its result when it comes", async () => {
    let done = (): void => undefined;
    const { openServe } = node;
    await screen.answer("serve new 80 name=web\r", "is inactive");
    await screen.until(">: ");
    node.openServe = async (label) => {
      await new Promise<void>((resolve) => (done = resolve));
      return openServe(label);
    };
    await screen.answer("serve open web\r", "web");
    await screen.answer(CTRL_C, "not waiting for it");
    await screen.until(">: ");
    await screen.answer("show vnets\r", "local-ssh");
    done();
    await screen.until("80) is registered");
  });

  it("ends a command that only looks on Ctrl-C, and prints nothing of it any more", async () => {
    let done = (): void => undefined;
    node.ping = () =>
      new Promise((resolve) => {
        done = () => resolve({ rttMs: [7], path: null });
      });
    await screen.answer("ping\r", "ping");
    await screen.answer(CTRL_C, "cancelled\n");
    await screen.until(">: ");
    done();
    await screen.answer("show vnets\r", "local-ssh");
    expect(screen.text).not.to.include("7.00 ms");
    expect(screen.text).not.to.include("not waiting");
  });

  for (const line of ["show serves", "show serves --json"])
    it(`keeps what stands on the screen of \`${line}\` when Ctrl-C stops it, and says one thing`, async () => {
      node.remoteList = Array.from({ length: 50_000 }, (_, at) => ({
        ...SSH,
        serveid: at + 1,
      }));
      screen.type(`${line}\r`);
      await screen.until("007");
      screen.type(CTRL_C);
      await screen.until("cancelled\n");
      // What is erased is erased from a line's beginning: none of the list's.
      const [before = ""] = screen.raw.split("cancelled");
      const lines = before.split("\n");
      expect(lines.at(-1)).to.match(/^(\u001b\[1G|\u001b\[0J| )+$/);
      expect(screen.text).not.to.include("not waiting");
      await screen.answer("show vnets\r", "local-ssh");
      expect(screen.text).not.to.include('"serveid"');
    });

  it("runs lines that were pasted together one after the other", async () => {
    await screen.answer("use run 700 1122\rshow use\r", "[terminal]");
    expect(node.calls).to.have.length(1);
  });

  it("refuses a line that is too long, or not UTF-8, with a word, keeps none of it, and takes the next", async () => {
    const word = "the line is longer than 65,536 bytes (150,000 bytes)";
    await screen.answer("ping 01\r", "on to the node");
    await screen.answer(`${"x".repeat(150_000)}\r`, word);
    await screen.answer(`${"名".repeat(30_000)}\r`, "(90,000 bytes)");
    screen.clear();
    screen.input.write(Buffer.from([0x70, 0xc3, 0xfb, 0x0d]));
    await screen.until("the line has bytes that are not UTF-8");
    await screen.answer("\u001b[A\r", "on to the node");
    await screen.answer("show vnets\r", "local-ssh (this node)");
    expect(screen.text).not.to.include("longer");
  });

  it("forgets a line that is too long when it is given up with Ctrl-C", async () => {
    await screen.answer("x".repeat(70_000), ">: ");
    await screen.answer(CTRL_C, ">: ");
    await screen.answer("show vnets\r", "local-ssh (this node)");
    expect(screen.text).not.to.include("longer");
  });

  it("keeps a bounded amount of lines that are typed ahead, and says how many it left out", async () => {
    let answer = (): void => undefined;
    node.ping = () =>
      new Promise((resolve) => {
        answer = () => resolve({ rttMs: [7], path: null });
      });
    screen.type("ping 01\r");
    // Of a comment nothing is kept but its place in the line.
    const line = `#${"x".repeat(60_000)}\r`;
    for (let n = 0; n < 20; n++) screen.type(line);
    screen.type("show vnets\r");
    await screen.until(line.slice(-1000, -1));
    await screen.answer("nonsense\r", "nonsense");
    answer();
    await screen.until("5 lines left out: more was typed ahead than is kept");
    expect(screen.text).not.to.include("unknown command");
    await screen.answer("show vnets\r", "local-ssh (this node)");
  });

  it("lets others have their turn between lines that were pasted", async () => {
    let turns = 0;
    const timer = setInterval(() => turns++, 0);
    await screen.answer(
      "ping 01\r".repeat(300) + "show vnets\r",
      "local-ssh (",
    );
    clearInterval(timer);
    expect(turns).to.be.above(0);
  });

  describe("searches its history with Ctrl-R", () => {
    beforeEach(async () => {
      for (const [text, answer] of [
        ["ping 01", "on to the node"],
        ["show vnets", "local-ssh (this node)"],
        ["show vnet --json", '"link_state"'],
      ] as const) {
        await screen.answer(`${text}\r`, answer);
        await screen.until(">: ");
      }
    });

    it("for what is typed, in any case, and runs what it found with Enter", async () => {
      await screen.answer(CTRL_R, "search: ");
      await screen.answer("PIN", "search [ping 01]: PIN");
      await screen.answer("\r", "on to the node");
      await screen.until(">: ");
      expect(node.calls).to.have.length(2);
    });

    it("for older ones with Ctrl-R again, and gives what it found to be edited", async () => {
      await screen.answer(`${CTRL_R}show`, "search [show vnet --json]: show");
      await screen.answer(CTRL_R, "search [show vnets]: show");
      await screen.answer("\u001b[D", ">: show vnets");
      await screen.answer("\u0005 --json\r", '"fingerprint"');
    });

    for (const [name, key] of [
      ["Ctrl-C", CTRL_C],
      ["Ctrl-G", "\u0007"],
    ] as const)
      it(`and gives the line back that stood there with ${name}`, async () => {
        await screen.answer("half a line", "line");
        await screen.answer(`${CTRL_R}zzz`, "search [nothing]: zzz");
        await screen.answer(key, ">: half a line");
        expect(exits).to.deep.equal([]);
      });

    it("and runs nothing where it found nothing", async () => {
      await screen.answer(`${CTRL_R}zzz`, "search [nothing]: zzz");
      await screen.answer("\r", 'nothing in the history has "zzz"');
      await screen.answer("\u001b[A", ">: show vnet --json");
      expect(node.calls).to.have.length(1);
    });

    it("and keeps what it ran as the newest line, not what was typed for it", async () => {
      await screen.answer(`${CTRL_R}pin`, "search [ping 01]: pin");
      await screen.answer("\r", "on to the node");
      await screen.until(">: ");
      await screen.answer("\u001b[A", ">: ping 01");
    });
  });

  it("goes up by no more rows than the line takes when the window becomes wider", async () => {
    start(20);
    await screen.answer("show serves and more than one row", "row");
    // Redrawn, so that readline knows of two rows.
    node.notify("a node came");
    await screen.until("a node came");
    screen.clear();
    screen.output.columns = 80;
    screen.output.emit("resize");
    await screen.until("one row");
    expect(screen.raw).not.to.match(/\u001b\[\d*A/);
    terminal.close();
    expect(screen.output.listenerCount("resize")).to.equal(0);
  });

  it("does not call back a line with a key", async () => {
    await screen.answer("ping 01\r", "on to the node");
    await screen.until(">: ");
    await screen.answer("authkey=long enough a key\r", "unknown command");
    await screen.answer("\u001b[A", "ping 01");
    expect(screen.text).not.to.include("authkey");
  });

  it("clears a typed line with Ctrl-C, asks on an empty one, leaves at the second", async () => {
    await screen.answer("abc", "abc");
    await screen.answer(CTRL_C, ">: ");
    await screen.answer(CTRL_C, "leave? Ctrl-C again or `exit` leaves");
    await screen.answer(CTRL_C, "\n");
    expect(exits).to.deep.equal(["left"]);
  });

  it("asks again at a Ctrl-C that comes long after the first", async () => {
    hurried(10_000, 0, () => screen.type(CTRL_C));
    await screen.until("leave? Ctrl-C again");
    await new Promise((resolve) => setTimeout(resolve, 0));
    screen.clear();
    await screen.answer(CTRL_C, "leave? Ctrl-C again");
    expect(exits).to.deep.equal([]);
  });

  for (const [what, keys] of [
    ["`exit`", "exit\r"],
    ["Ctrl-D on an empty line", CTRL_D],
  ] as const)
    it(`leaves once on ${what}`, async () => {
      const left = new Promise((resolve) => {
        terminal.close();
        terminal = Terminal.start({
          control: node,
          input: screen.input,
          output: screen.output,
          loadConfig: async () => node.config,
          historyFile: null,
          screen: screen.screen,
          onExit: resolve,
        });
      });
      screen.type(keys);
      expect(await left).to.equal("left");
      expect(node.listeners).to.equal(0);
    });

  describe("a completion of more than a hundred", () => {
    beforeEach(() => {
      node.remoteList = Array.from({ length: 300 }, (_, at) => ({
        ...{ ...SSH, serveid: at + 1, name: `service-${at}` },
      }));
    });

    it("puts what all begin with into the line, and says nothing", async () => {
      await screen.answer("use run ser\t", "service-");
      expect(screen.text).not.to.include("display");
    });

    it("asks first, lists all after a yes, and the line stays with its cursor", async () => {
      screen.type("use run  127.0.0.1\u001b[1~");
      screen.type("\u001b[C".repeat(8));
      await screen.answer("\t\t", "display all 900? (y/n)");
      await screen.answer("y", ">: use run  127.0.0.1");
      expect(screen.text).to.match(/001 +002 +003\s[^]*service-9@remote-ssh\n/);
      await screen.answer("7", "use run 7 127.0.0.1");
    });

    for (const key of ["n", CTRL_C, "\r"])
      it(`lists nothing after ${JSON.stringify(key)}, and the line stays`, async () => {
        await screen.answer("use run \t\t", "display all 900? (y/n)");
        await screen.answer(key, ">: use run ");
        expect(screen.text).not.to.include("001");
        expect(exits).to.deep.equal([]);
      });

    it("holds notices back while it asks", async () => {
      await screen.answer("use run \t\t", "display all 900? (y/n)");
      screen.clear();
      node.notify("here");
      expect(screen.raw).to.equal("");
      await screen.answer("n", "* here");
    });

    it("closes with the terminal", async () => {
      await screen.answer("use run \t\t", "display all 900? (y/n)");
      terminal.close();
      expect(screen.input.listenerCount("data")).to.equal(0);
    });
  });

  it("leaves when its input ends during a question", async () => {
    await screen.answer("unserve\r", "to vnetid:");
    const ended = new Promise((resolve) => screen.input.once("end", resolve));
    screen.input.end();
    await ended;
    await new Promise(setImmediate);
    expect(exits).to.deep.equal(["hung up"]);
  });

  it("leaves when its screen is lost, in whatever way it hears of that", async () => {
    screen.input.emit("error", new Error("EIO"));
    screen.input.emit("error", new Error("EIO, giving the screen back"));
    screen.input.end();
    await new Promise(setImmediate);
    expect(exits).to.deep.equal(["hung up"]);
  });

  it("drops lines typed ahead of a question, and says how many", async () => {
    await screen.answer(
      "unserve\rshow vnet\r9\r",
      "2 lines typed ahead: not taken",
    );
    await screen.until("to vnetid: ");
    await screen.answer(CTRL_C, "cancelled");
    await screen.until(">: ");
    expect(screen.text).not.to.include("fingerprint");
    expect(node.calls).to.deep.equal([]);
  });

  it("asks for what is missing also behind an argument that is told by its name", async () => {
    await screen.answer("use run name=mysql\r", "serve");
    expect(exits).to.deep.equal([]);
    await screen.answer(CTRL_C, "cancelled");
  });

  it("is closed twice without harm and then hears no notices", () => {
    terminal.close();
    terminal.close();
    expect(node.listeners).to.equal(0);
    expect(exits).to.deep.equal([]);
  });
});
