import { expect } from "chai";
import { isPrintable, printable, printableJson } from "../src/printable.js";

describe("printable", () => {
  const hostile: [string, string, string][] = [
    ["an escape sequence", "\u001b[2J", "\\x1b[2J"],
    ["a C1 control", "\u009b2J", "\\x9b2J"],
    ["a line end", "a\r\nb", "a\\x0d\\x0ab"],
    ["a bidi override", "\u202etxt", "\\u202etxt"],
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
    expect(printable("文件 🚀 é")).to.equal("文件 🚀 é");
  });
});
