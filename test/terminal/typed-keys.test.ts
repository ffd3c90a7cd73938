import { expect } from "chai";
import { Terminal } from "../../src/terminal/terminal.js";
import { LINE_BYTES_MAX } from "../../src/terminal/line-limits.js";
import { FakeNode } from "../support/fake-node.js";
import { FakeTerminal } from "../support/fake-terminal.js";

const CTRL_A = "\u0001";
const CTRL_C = "\u0003";
const CTRL_R = "\u0012";

describe("what is typed and pasted", () => {
  let screen: FakeTerminal;
  let terminal: Terminal;

  beforeEach(async () => {
    const node = new FakeNode();
    screen = new FakeTerminal();
    terminal = Terminal.start({
      control: node,
      input: screen.input,
      output: screen.output,
      screen: screen.screen,
      loadConfig: async () => node.config,
      historyFile: null,
      onExit: () => undefined,
    });
    await screen.until(">: ");
  });
  afterEach(() => terminal.close());

  /** What the line is, as the answer to its Enter tells it. */
  const entered = async (): Promise<string> => {
    await screen.answer("\r", "lists");
    // A word that is longer than the screen stands on a line of its own.
    return /unknown command\s"([^]*?)":/.exec(screen.text)?.[1] ?? "";
  };

  it("is drawn once, however long it is, also in front of other text", async () => {
    await screen.answer("zz", "zz");
    screen.type(CTRL_A);
    screen.clear();
    await screen.answer("p".repeat(12_000), "pzz");
    expect(screen.raw).to.have.length.below(3 * 12_000);
    expect(await entered()).to.equal(`${"p".repeat(12_000)}zz`);
  });

  it("goes to the cursor after a question, too", async () => {
    await screen.answer("unserve\r", "to vnetid:");
    await screen.answer(CTRL_C, ">: ");
    screen.type("zz");
    screen.type(CTRL_A);
    screen.clear();
    await screen.answer("p".repeat(5_000), "pzz");
    expect(screen.raw).to.have.length.below(3 * 5_000);
    expect(await entered()).to.equal(`${"p".repeat(5_000)}zz`);
  });

  it("shows no control character, of C0 or C1, that is no key", async () => {
    screen.type("za\u001cb\u001dc\u009b2Jd\u0085e");
    expect(await entered()).to.equal("zabc2Jde");
    expect(screen.raw).not.to.match(/[\u0080-\u009f\u001c\u001d]/);
  });

  it("has a blank for a tab in the middle of it, and completes with one at its end", async () => {
    screen.type("zz\t\tone\ttwo");
    expect(await entered()).to.equal("zz one");
    await screen.answer("unser\t", "unserve ");
  });

  it("may be cut anywhere between two reads: characters and sequences are put together", async () => {
    const keys = Buffer.from("zz한글é");
    const pieces = [...keys].map((byte) => Buffer.from([byte]));
    for (const piece of pieces) screen.input.write(piece);
    for (const piece of ["\u001b", "[", "1;", "5D", "a"]) screen.type(piece);
    expect(await entered()).to.equal("zza한글é");
  });

  it("is left out as a whole where the line becomes too long", async () => {
    const rest = "p".repeat(LINE_BYTES_MAX);
    screen.type(`zz${rest}\r`);
    await screen.until("the line is longer than 65,536 bytes");
    await screen.answer("zy", "zy");
    expect(await entered()).to.equal("zy");
  });

  it("is what the search in the history looks for", async () => {
    await screen.answer("show serves\r", "1 serve");
    await screen.until(">: ");
    await screen.answer("help exit\r", "leave");
    await screen.until(">: ");
    screen.type(CTRL_R);
    await screen.answer("serves", "search [show serves]: serves");
  });
});
