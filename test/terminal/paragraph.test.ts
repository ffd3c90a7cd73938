import { expect } from "chai";
import { wrap } from "../../src/terminal/paragraph.js";

describe("a paragraph", () => {
  it("breaks between words, each line behind the indent", () => {
    expect(wrap("one two three four", 11, "  ")).to.equal(
      "  one two\n  three\n  four",
    );
  });

  it("leaves a word that is too long alone on its line", () => {
    expect(wrap("a hub.example.org b", 8)).to.equal("a\nhub.example.org\nb");
  });

  it("counts Chinese characters as two columns", () => {
    expect(wrap("家里 公司", 8)).to.equal("家里\n公司");
  });
});
