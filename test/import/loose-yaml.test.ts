// Which indentation is mended, and which is left to the YAML library's error.

import { expect } from "chai";
import { parse } from "yaml";
import { reindent } from "../../src/import/loose-yaml.js";

describe("Loose YAML", () => {
  const same: [what: string, text: string, means: unknown][] = [
    ["an item's deeper keys", "- a: 1\n    b: 2\n", [{ a: 1, b: 2 }]],
    [
      "a list in an item's deeper key",
      "x:\n- a: 1\n      l:\n      - c: 3\n          d: 4\n      - c: 5\n- a: 2\n",
      { x: [{ a: 1, l: [{ c: 3, d: 4 }, { c: 5 }] }, { a: 2 }] },
    ],
    [
      "comments and blank lines",
      "- a: 1 # one\n\n    # b\n    b: 2\n",
      [{ a: 1, b: 2 }],
    ],
    [
      "what was right",
      "a: 1\nb:\n  c: 2\n  l:\n    - d: 3\n      e: 4\nf: 5\n",
      { a: 1, b: { c: 2, l: [{ d: 3, e: 4 }] }, f: 5 },
    ],
    [
      "a mapping as an item's first value",
      "- a:\n    b: 1\n  c: 2\n",
      [{ a: { b: 1 }, c: 2 }],
    ],
  ];
  for (const [what, text, means] of same)
    it(`reads ${what} as meant, line by line`, () => {
      const mended = reindent(text);
      expect(parse(mended!)).to.deep.equal(means);
      expect(mended!.split("\n")).to.have.length(text.split("\n").length);
    });

  const given: [what: string, text: string][] = [
    ["a settled key's child", "a: 1\n  b: 2\n"],
    ["a third depth in one item", "- a: 1\n    b: 2\n      c: 3\n"],
    ["a key between two depths", "- a: 1\n      b: 2\n   c: 3\n"],
    ["a block of text", "a: |\n  b: 2\n"],
    ["a tab", "- a: 1\n\tb: 2\n"],
    ["text without a key", "- a: 1\n    b\n"],
    ["an item below a value", "a: 1\n  - b: 2\n"],
  ];
  for (const [what, text] of given)
    it(`gives up on ${what}`, () => {
      expect(reindent(text)).to.equal(null);
    });
});
