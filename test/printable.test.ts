import { expect } from "chai";
import {
  isPrintable,
  printable,
  printableJson,
  quoted,
  withoutHidden,
} from "../src/printable.js";

describe("printable", () => {
  const hostile: [string, string, string][] = [
    ["an escape sequence", "\u001b[2J", "\\x1b[2J"],
    ["a C1 control", "\u009b2J", "\\x9b2J"],
    ["a line end", "a\r\nb", "a\\x0d\\x0ab"],
    ["a bidi override", "\u202etxt", "\\u202etxt"],
    ["a zero-width space", "a\u200bb", "a\\u200bb"],
    ["a filler", "a\u3164b", "a\\u3164b"],
    ["a tag", "a\u{e0041}b", "a\\u{e0041}b"],
    ["a joiner that joins nothing", "a\u200db", "a\\u200db"],
    ["half of an emoji of two", "👩\u200d", "👩\\u200d"],
    ["DEL", "\u007f", "\\x7f"],
  ];
  for (const [what, text, safe] of hostile)
    it(`writes ${what} out`, () => {
      expect(printable(text)).to.equal(safe);
      expect(isPrintable(text)).to.equal(false);
      const json = printableJson([text]);
      expect(isPrintable(json)).to.equal(true);
      expect(JSON.parse(json)).to.deep.equal([text]);
    });

  it("leaves Chinese and emoji alone", () => {
    const text = "文件 🚀 é 👩‍💻 🏳️‍🌈 👍🏽 ❤️";
    expect(printable(text)).to.equal(text);
  });

  it("is as quick with much that is hidden as with little", () => {
    expect(printable("\u200d".repeat(200_000))).to.have.length(1_200_000);
    expect(withoutHidden("👩\u200d\u200b".repeat(50_000))).to.have.length(
      2 * 50_000,
    );
  });
});

describe("a name inside a sentence", () => {
  for (const name of ["home", "my-pc.lan", "web_2", "文件", "a@b+c"])
    it(`stands as it is where it is one word: ${name}`, () => {
      expect(quoted(name)).to.equal(name);
    });

  const forgers: [name: string, quoted: string][] = [
    ["my pc", '"my pc"'],
    [
      "home) left: the link broke; vnet 02 (x",
      '"home) left: the link broke; vnet 02 (x"',
    ],
    ['"', '"\\""'],
    ["\\", '"\\\\"'],
    ["left:", '"left:"'],
    ["", '""'],
  ];
  for (const [name, safe] of forgers)
    it(`stands in quotes otherwise: ${JSON.stringify(name)}`, () => {
      expect(quoted(name)).to.equal(safe);
    });
});
