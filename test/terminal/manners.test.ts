// What people bring along from other terminals: keys, words, slips.

import { expect } from "chai";
import { Terminal } from "../../src/terminal/terminal.js";
import { runCommands } from "../../src/terminal/script.js";
import { FakeNode } from "../support/fake-node.js";
import { FakeTerminal } from "../support/fake-terminal.js";

const CTRL = Object.fromEntries(
  Array.from({ length: 26 }, (_, at) => [
    String.fromCharCode(65 + at),
    String.fromCharCode(1 + at),
  ]),
) as Record<string, string>;
const {
  A = "",
  B = "",
  D = "",
  E = "",
  F = "",
  H = "",
  K = "",
  L = "",
  N = "",
  P = "",
} = CTRL;
const { T = "", U = "", W = "", Y = "" } = CTRL;
const ALT = (letter: string) => `\u001b${letter}`;

describe("the keys of the terminal", () => {
  let screen: FakeTerminal;
  let terminal: Terminal;
  beforeEach(() => {
    const node = new FakeNode();
    screen = new FakeTerminal(200);
    terminal = Terminal.start({
      control: node,
      input: screen.input,
      output: screen.output,
      loadConfig: async () => node.config,
      screen: screen.screen,
      historyFile: null,
      onExit: () => undefined,
    });
  });
  afterEach(() => terminal.close());

  const LINE = "show serves one two";
  for (const [name, keys, pattern] of [
    ["Ctrl-A", `serves one${A}show `, "one"],
    ["Home", "serves one\u001b[Hshow ", "one"],
    ["Home of a Linux console", "serves one\u001b[1~show ", "one"],
    ["Home of an application", "serves one\u001bOHshow ", "one"],
    ["Ctrl-E", `serves one${A}show ${E} x`, "one x"],
    ["End", `serves one${A}show \u001b[F x`, "one x"],
    ["End of a Linux console", `serves one${A}show \u001b[4~ x`, "one x"],
    ["Ctrl-W", `${LINE}${W}x`, "one x"],
    ["Alt-Backspace", `${LINE}\u001b\u007fx`, "one x"],
    ["Alt-B", `${LINE}${ALT("b")}x`, "one xtwo"],
    ["Ctrl-Left", `${LINE}\u001b[1;5Dx`, "one xtwo"],
    ["Ctrl-Left of rxvt", `${LINE}\u001bOdx`, "one xtwo"],
    ["Alt-F", `${LINE}${ALT("b")}${ALT("b")}${ALT("f")}x`, "one xtwo"],
    ["Ctrl-Right", `${LINE}${ALT("b")}${ALT("b")}\u001b[1;5Cx`, "one xtwo"],
    ["Alt-D", `${LINE}${ALT("b")}${ALT("d")}x`, "one x"],
    ["Ctrl-B", `${LINE}${B}${B}x`, "one txwo"],
    ["Ctrl-F", `${LINE}${B}${B}${F}x`, "one twxo"],
    ["Ctrl-H", `${LINE}${H}`, "one tw"],
    ["Ctrl-D inside of a line", `${LINE}${B}${D}`, "one tw"],
    ["Delete", `${LINE}${B}\u001b[3~`, "one tw"],
    ["Ctrl-U", `nonsense${U}${LINE}`, "one two"],
    ["Ctrl-U in the middle", `nonsense ${LINE}${A}${ALT("f")}${U}`, "one two"],
    ["Ctrl-K", `${LINE}${ALT("b")}${K}x`, "one x"],
    ["Ctrl-Y", `${LINE}${W}x ${W}${U}show serves ${Y}`, "show serves one"],
  ] as const)
    it(`edit the line: ${name}`, async () => {
      await screen.answer(`${keys}\r`, `none of 1 fits "${pattern}`);
      await screen.until(">: ");
    });

  it("put what is pasted where the cursor is, with few redraws", async () => {
    const pasted = "p".repeat(100);
    await screen.answer("show serves two", "two");
    screen.type(`${ALT("b")}one`);
    await screen.until(">: show serves onetwo");
    screen.clear();
    screen.type(`${pasted}${ALT("f")} three\r`);
    await screen.until(`none of 1 fits "one${pasted}two three"`);
    expect(screen.raw.split("\u001b[0J")).to.have.length.below(12);
  });

  it("bring earlier lines back with Ctrl-P and Ctrl-N as with the arrows", async () => {
    for (const word of ["one", "two"])
      await screen.answer(`show serves ${word}\r`, "looked for");
    await screen.answer(`${P}${P}\r`, 'fits "one"');
    await screen.answer(`${P}${P}${N}\r`, 'fits "one"');
  });

  it("clear the screen with Ctrl-L, and the line stays", async () => {
    await screen.answer("show ser", "show ser");
    screen.clear();
    screen.type(L);
    await screen.until(">: show ser");
    expect(screen.raw).to.include("\u001b[1;1H\u001b[0J");
    await screen.answer(`ves zz${T}\r`, 'fits "zz"');
  });

  it("are named by the first line, with help and exit", async () => {
    await screen.until(
      "`help` lists the commands, TAB completes, `exit` leaves\n",
    );
  });
});

describe("what people type who come from elsewhere", () => {
  let node: FakeNode;
  let out: FakeTerminal;
  let err: FakeTerminal;
  beforeEach(() => {
    node = new FakeNode();
    [out, err] = [new FakeTerminal(), new FakeTerminal()];
  });

  const run = (...lines: string[]) =>
    runCommands(lines, {
      control: node,
      loadConfig: async () => node.config,
      output: out.output,
      errorOutput: err.output,
    });

  for (const word of ["quit", "QUIT", "logout", "bye", "\\q", ":q", ".exit"])
    it(`leaves: \`${word}\``, async () => {
      expect(await run(`${word}  `, "nonsense")).to.equal(0);
      expect(err.raw).to.equal("");
    });

  for (const word of ["\\?", "\\h", "-h", "--help", "man", "?"])
    it(`lists the commands: \`${word}\``, async () => {
      expect(await run(word)).to.equal(0);
      expect(out.raw).to.include("show serves [PATTERN]");
    });

  for (const [line, answer] of [
    ["q", "`exit` leaves"],
    [":wq", "`exit` leaves"],
    ["exit()", "did you mean `exit`?"],
    ["exit;", "did you mean `exit`?"],
    ["/help", "did you mean `help`?"],
    [".help", "did you mean `help`?"],
    ["show serves;", "did you mean `show serves`?"],
    ["SHWO Serves", "did you mean `show serves`?"],
    ["ls", "`show serves` lists what the group offers"],
    ["\\d", "`show serves` lists what the group offers"],
    ["clear", "Ctrl-L clears the screen"],
    ["history", "Up and Ctrl-R bring earlier lines back"],
    ["!!", "Up brings the last line back"],
    ["status", "`show vnet` tells of this node"],
    ["connect home", "`use run SERVE` maps a serve"],
    ["run 8080", "did you mean `serve run` or `use run`?"],
    ["trust mine", "did you mean `use trust`?"],
    ["xyzzy", "`help` lists the commands"],
  ] as const)
    it(`is answered with the word of this place: \`${line}\``, async () => {
      expect(await run(line)).to.equal(2);
      const typed = line.split(" ").slice(0, 2).join(" ");
      expect(err.raw).to.include(`unknown command "${typed}": `);
      expect(err.raw).to.include(answer);
    });

  it("is explained by help, also with a word that two commands share", async () => {
    await run("help run");
    expect(out.raw).to.include("serve run PORT").and.include("use run SERVE");
    expect(out.raw).not.to.include("use open");
    out.clear();
    await run("help quit");
    expect(out.raw).to.match(/^exit\n/);
    expect(out.raw).to.include("The same: quit, logout");
  });
});

describe("the column `trusted`", () => {
  it("says that there is no secret where nothing could be shown, and unknown only of what can be known", async () => {
    const node = new FakeNode();
    const out = new FakeTerminal();
    const run = () =>
      runCommands(["show serves", "show vnets"], {
        control: node,
        loadConfig: async () => node.config,
        output: out.output,
        errorOutput: out.output,
      });
    await run();
    expect(out.raw.split("no secret")).to.have.length(4);
    expect(out.raw).not.to.include("unknown");
    out.clear();
    node.config.vnet.secret = "a secret that is long enough";
    await run();
    expect(out.raw.split("unknown")).to.have.length(4);
    expect(out.raw).not.to.include("no secret");
  });
});
