import { expect } from "chai";
import { VnetError } from "../../src/errors.js";
import { Cancelled } from "../../src/terminal/command.js";
import { askQuestion, type Question } from "../../src/terminal/prompts.js";
import { FakeTerminal } from "../support/fake-terminal.js";

const CTRL_C = "\u0003";
const CTRL_D = "\u0004";
const UP = "\x1b[A";
const LEFT = "\x1b[D";
const pasted = (text: string) => `\x1b[200~${text}\x1b[201~`;

describe("a question", () => {
  let screen: FakeTerminal;
  let stop: AbortController;

  beforeEach(() => {
    screen = new FakeTerminal();
    stop = new AbortController();
  });
  afterEach(() => stop.abort());

  const put = (question: Partial<Question<string>> = {}) =>
    askQuestion(
      {
        ask: "name",
        fallback: undefined,
        read(text) {
          if (text.startsWith("bad"))
            throw new VnetError("usage", `"${text}" is not good`);
          return text;
        },
        ...question,
      },
      {
        input: screen.input,
        output: screen.output,
        screen: screen.screen,
        signal: stop.signal,
      },
    );

  it("takes what stands in brackets where nothing is typed, and brings it with Up to be edited", async () => {
    const first = put({ fallback: "home" });
    await screen.until("    name (home): ");
    screen.type("\r");
    expect(await first).to.equal("home");
    expect(screen.text).to.include("    name: home\n");
    const second = put({ fallback: "home" });
    screen.type(UP);
    screen.type("-2");
    await screen.until("home-2");
    screen.type("\r");
    expect(await second).to.equal("home-2");
  });

  it("explains a wrong answer, asks again in an empty line, and brings the wrong one back with Up", async () => {
    const answer = put();
    await screen.answer("bad\r", '"bad" is not good');
    await screen.answer("b", "name: b");
    expect(screen.text).not.to.include("is not good");
    await screen.answer("ad 2\r", '"bad 2" is not good');
    screen.type(UP);
    screen.type(UP);
    await screen.answer(LEFT, "name: bad");
    for (let left = 3; left > 0; left--) screen.type("\x7f");
    screen.type("goo");
    await screen.until("good");
    screen.type("\r");
    expect(await answer).to.equal("good");
  });

  it("is given up with Ctrl-C, pressed again and again, where a paste began whose end never comes", async () => {
    const answer = put();
    screen.type("\x1b[200~abc");
    const pressing = setInterval(() => screen.type(CTRL_C), 50);
    const error: unknown = await answer.catch((reason: unknown) => reason);
    clearInterval(pressing);
    expect(error).to.be.instanceOf(Cancelled);
  });

  it("never shows what is hidden, neither its wrong answers nor what Up brings", async () => {
    const answer = put({ hidden: true });
    await screen.answer("bad one", "name: *******");
    screen.type(LEFT);
    screen.output.emit("resize");
    screen.type("\r");
    await screen.until("is not good");
    screen.clear();
    await screen.answer(UP, "name: ");
    await screen.answer(pasted("secret words\r\n"), "name: ************");
    screen.type("\r");
    expect(await answer).to.equal("secret words");
    expect(screen.raw).not.to.match(/secret|words|bad one/);
  });

  for (const [how, text] of [
    ["with the line's end behind it", "one secret\r"],
    ["with an end of two characters", "one secret\r\n"],
    ["with empty lines behind it", "one secret\n\n\n"],
  ] as const)
    it(`takes a paste ${how} whole`, async () => {
      const answer = put({ hidden: true });
      screen.type(text);
      expect(await answer).to.equal("one secret");
    });

  for (const [what, text, why] of [
    ["of several lines", "one\rtwo\rthree\r", "more than one line"],
    ["of several lines, marked", pasted("one\ntwo"), "more than one line"],
    ["with an escape sequence", "one\x1b[?25h\x1b]0;x\x07", "cannot be shown"],
    ["with an escape, marked", pasted("a\x1b[2Jb"), "cannot be shown"],
    ["with Ctrl-C, marked", pasted(`a${CTRL_C}b`), "cannot be shown"],
    ["that reorders the text", pasted("a\u202eb"), "cannot be shown"],
    ["that is too long", "k".repeat(12_000), "at most 4096 characters"],
    ["that is far too long", "k".repeat(200_000), "longer than 4096"],
    ["that is too long, marked", pasted("k".repeat(5000)), "at most 4096"],
  ] as const)
    it(`refuses a paste ${what}, and nothing of it is taken`, async () => {
      const answer = put();
      await screen.answer("ab", "name: ab");
      await screen.answer(text, why);
      screen.type("c");
      await screen.until("name: abc");
      screen.type("\r");
      expect(await answer).to.equal("abc");
    });

  it("knows a paste whose marks and text come in many reads, also cut inside of a character", async () => {
    const answer = put();
    const bytes = Buffer.from(pasted("日本 and more\n"));
    for (const byte of bytes) screen.input.write(Buffer.of(byte));
    await screen.until("日本 and more");
    screen.type("\r");
    expect(await answer).to.equal("日本 and more");
  });

  it("draws a paste of 12,000 characters with no more bytes than a few times its length", async () => {
    const answer = put();
    await screen.until("name: ");
    const text = "k".repeat(1000);
    for (let part = 0; part < 12; part++) {
      screen.type(text);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await screen.until("at most 4096");
    expect(screen.raw.length).to.be.below(12_000);
    screen.type(`x\r`);
    expect(await answer).to.equal("x");
  });

  it("draws a held key's characters with one redraw for each read", async () => {
    const answer = put();
    await screen.until("name: ");
    screen.clear();
    screen.type("a".repeat(500));
    await screen.until("a".repeat(10));
    expect(screen.raw.split("name: ")).to.have.length(2);
    screen.type("\r");
    await answer;
  });

  it("stands with its cursor behind wide and combining characters", async () => {
    const answer = put();
    screen.type("日本e\u0301");
    await screen.until("日本");
    // `    name: `, two wide ones and one narrow
    expect(screen.raw).to.match(/\r\x1b\[15C$/);
    screen.type("\r");
    expect(await answer).to.equal("日本e\u0301");
  });

  for (const [TERM, what, up] of [
    // Two rows of 79 and 31 have become rows of 40, 39 and 31.
    ["xterm-256color", "breaks its rows anew", "\x1b[2A"],
    ["xterm", "cuts its rows", "\x1b[1A"],
  ] as const)
    it(`draws itself anew at once when a window that ${what} becomes narrower, from the row in which it begins`, async () => {
      screen = new FakeTerminal(80, { TERM });
      const answer = put();
      await screen.answer("x".repeat(100), "xxx");
      screen.clear();
      screen.output.columns = 40;
      screen.output.emit("resize");
      expect(screen.raw.startsWith(`${up}\r\x1b[J`)).to.equal(true);
      for (const row of screen.text.split(/[\r\n]+/))
        expect(row.length).to.be.below(40);
      screen.type("\r");
      await answer;
    });

  for (const [name, key] of [
    ["Ctrl-C", CTRL_C],
    ["Ctrl-D", CTRL_D],
    ["Ctrl-C behind other keys", `abc${CTRL_C}rm\r`],
  ] as const)
    it(`is given up with ${name}`, async () => {
      const answer = put();
      await screen.until("name:");
      screen.type(key);
      const error: unknown = await answer.catch((reason: unknown) => reason);
      expect(error).to.be.instanceOf(Cancelled);
    });

  it("is given up at the end of the input, and leaves nothing behind", async () => {
    const answer = put();
    await screen.until("name:");
    screen.input.end();
    const error: unknown = await answer.catch((reason: unknown) => reason);
    expect(error).to.be.instanceOf(Cancelled);
    expect(screen.input.listenerCount("keypress")).to.equal(0);
    expect(screen.output.listenerCount("resize")).to.equal(0);
    // The marks of pastes are off again.
    expect(screen.raw.endsWith("\x1b[?2004l")).to.equal(true);
  });

  it("writes no escape sequence on a dumb terminal, and nothing at all of what is hidden", async () => {
    screen = new FakeTerminal(80, { TERM: "dumb" });
    const first = put();
    await screen.until("name: ");
    for (const key of ["b", "a", "d", "d", "\x7f"]) screen.type(key);
    await screen.until("name: bad");
    screen.type("\r");
    await screen.until("is not good");
    screen.type("x");
    screen.type("\r");
    expect(await first).to.equal("x");
    const second = put({ hidden: true });
    screen.type("secret\r");
    expect(await second).to.equal("secret");
    expect(screen.raw).not.to.match(/\x1b|secret|\*/);
  });
});
