import { expect } from "chai";
import { inputLines } from "../../src/terminal/input-lines.js";
import { LINE_BYTES_MAX } from "../../src/terminal/line-limits.js";

const MIB = 1024 * 1024;

/** The lines of these pieces, each a text or why it is left out. */
async function linesOf(...pieces: (string | Buffer)[]): Promise<string[]> {
  async function* input() {
    for (const piece of pieces) yield Buffer.from(piece as string);
  }
  const lines: string[] = [];
  for await (const line of inputLines(input()))
    lines.push("text" in line ? line.text : `! ${line.problem}`);
  return lines;
}

describe("input lines", () => {
  const cases: [what: string, input: string, lines: string[]][] = [
    ["nothing", "", []],
    ["LF", "a\nb\n", ["a", "b"]],
    ["CR LF", "a\r\nb\r\n", ["a", "b"]],
    ["CR alone", "a\rb\r", ["a", "b"]],
    ["a last line without an end", "a\nb", ["a", "b"]],
    ["empty lines", "\n\r\n\r\ra\n\n", ["", "", "", "", "a", ""]],
    ["a byte order mark", "\ufeffa\nb\n", ["a", "b"]],
    ["wide characters", "名\r\n이름🙂\n", ["名", "이름🙂"]],
  ];
  for (const [what, input, lines] of cases)
    it(`are the same however the bytes arrive: ${what}`, async () => {
      expect(await linesOf(input)).to.deep.equal(lines);
      const bytes = Buffer.from(input);
      for (let at = 1; at < bytes.length; at++)
        expect(
          await linesOf(bytes.subarray(0, at), bytes.subarray(at)),
        ).to.deep.equal(lines);
      expect(
        await linesOf(...[...bytes].map((byte) => Buffer.of(byte))),
      ).to.deep.equal(lines);
    });

  it("have a longest; a longer one is left out by its number and length, and the next one counts", async () => {
    const most = "x".repeat(LINE_BYTES_MAX);
    expect(await linesOf(`a\n${most}\nb\n`)).to.deep.equal(["a", most, "b"]);
    const told =
      "! line 2 is longer than 65,536 bytes (65,537 bytes) and is left out";
    expect(await linesOf(`a\n${most}x\r\nb`)).to.deep.equal(["a", told, "b"]);
    expect(await linesOf(`a\n${most}`, "x", "\nb")).to.deep.equal([
      ...["a", told, "b"],
    ]);
  });

  it("tell of one that does not end before it does, once, and how long it was", async () => {
    const piece = Buffer.alloc(16 * MIB, "x");
    const lines = await linesOf(...Array<Buffer>(5).fill(piece), "\nb");
    expect(lines).to.deep.equal([
      "! line 1 is longer than 65,536 bytes (67,108,864 bytes) and is left out; its end is still to come",
      "! line 1 is longer than 65,536 bytes (83,886,080 bytes) and is left out",
      "b",
    ]);
  });

  it("that are not UTF-8 are left out by number and byte, and nothing is guessed", async () => {
    const gbk = Buffer.from([0xc3, 0xfb]);
    const lines = await linesOf("a\nname ", gbk, "\n\ufffd ", gbk, "\nb\xff\n");
    expect(lines).to.deep.equal([
      "a",
      "! line 2 is not text in UTF-8 (byte 6; GBK or CP949 perhaps?) and is left out; save it as UTF-8",
      "! line 3 is not text in UTF-8 (byte 5; GBK or CP949 perhaps?) and is left out; save it as UTF-8",
      "b\xff",
    ]);
    const cut = await linesOf(Buffer.from("名").subarray(0, 2));
    expect(cut[0]).to.match(/^! line 1 .*\(byte 1;/);
  });

  it("with a NUL are left out, and of UTF-16 none is read", async () => {
    expect(await linesOf("a\nb\0c\nd")).to.deep.equal([
      "a",
      "! line 2 has a NUL (byte 2): it is no text, and is left out",
      "d",
    ]);
    const utf16 = Buffer.from("\ufeffexit\n", "utf16le");
    expect(await linesOf(utf16, "exit\n")).to.deep.equal([
      "! standard input is UTF-16 text; save it as UTF-8",
    ]);
  });
});
