import { expect } from "chai";
import { ProgramLines } from "../../src/net/program-lines.js";

function linesOf(...chunks: (string | Buffer)[]): string[] {
  const told: string[] = [];
  const lines = new ProgramLines((text) => told.push(text));
  for (const chunk of chunks) lines.push(Buffer.from(chunk));
  lines.end();
  return told;
}

describe("ProgramLines", () => {
  it("puts lines together again, whatever ends them", () => {
    expect(linesOf("on", "e\ntwo\r\nthr", "ee\rfour")).to.deep.equal([
      "one",
      "two",
      "three",
      "four",
    ]);
  });

  it("keeps a character whole that is cut", () => {
    const bytes = Buffer.from("über\n");
    const cut = linesOf(bytes.subarray(0, 1), bytes.subarray(1));
    expect(cut).to.deep.equal(["über"]);
  });

  it("lets no control character through", () => {
    expect(linesOf("a\u001b[31mred\u0007\n")).to.deep.equal(["a [31mred"]);
  });

  it("cuts a line that is too long, and forgets its rest", () => {
    const [line, next] = linesOf("x".repeat(1e6), "y".repeat(1e6), "\nnext\n");
    expect(line).to.equal("x".repeat(300));
    expect(next).to.equal("next");
  });

  it("leaves lines out when there are too many, and knows the last one all the same", () => {
    const told: string[] = [];
    const lines = new ProgramLines((text) => told.push(text));
    for (let n = 0; n < 1_000; n++) lines.push(Buffer.from(`line ${n}\n`));
    expect(told.length).to.be.within(20, 100);
    expect(lines.last).to.equal("line 999");
  });
});
