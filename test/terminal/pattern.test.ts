import { expect } from "chai";
import { Pattern } from "../../src/terminal/pattern.js";

const CELLS = ["700", "SSH", "home-ssh", "my own machine", ""];

describe("a pattern", () => {
  for (const text of [
    ...["", "   ", "ssh", "SSH", "70", "own mach", "ssh 700", "machine home"],
    ...["ssh*", "*ssh", "home*ssh", "*own*", "*", "7*0", "h*e*s*h", "***"],
  ])
    it(`"${text}" fits`, () => {
      expect(new Pattern(text).fits(CELLS)).to.equal(true);
    });

  for (const text of [
    ...["web", "ssh web", "ss*x", "own*", "*own", "7*000*", "h*h*h*h"],
    // A dot is a dot.
    ...["s.h", ".*", "70?"],
  ])
    it(`"${text}" does not fit`, () => {
      expect(new Pattern(text).fits(CELLS)).to.equal(false);
    });

  it("takes no longer for many stars in a long cell", () => {
    const pattern = new Pattern("a*".repeat(500) + "b");
    expect(pattern.fits(["a".repeat(100_000)])).to.equal(false);
  });
});
