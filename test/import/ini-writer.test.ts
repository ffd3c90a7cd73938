// What is written is read back as it was, whatever names contain.

import { expect } from "chai";
import { printable } from "../../src/printable.js";
import { writeIni } from "../../src/import/ini-writer.js";
import { Labels } from "../../src/import/labels.js";
import { HOSTILE } from "./fixtures/hostile.js";
import { readBack } from "./read-back.js";

describe("The INI writer", () => {
  for (const text of [
    ...HOSTILE,
    "plain",
    "007",
    "true",
    "数据库",
    "a b",
    "1e3",
  ])
    it(`gives the value ${JSON.stringify(text.slice(0, 40))} back as it was, or as it can be shown`, () => {
      const lines = [{ key: "name", value: text }];
      expect(readBack(writeIni([{ title: "vnet", lines }]))).to.deep.equal({
        vnet: { name: printable(text) },
      });
    });

  for (const text of HOSTILE)
    it(`keeps the comment ${JSON.stringify(text.slice(0, 40))} a comment, in a sketch too`, () => {
      const section = { title: "vnet", lines: [{ comment: text }] };
      const output = writeIni([
        { comment: text },
        section,
        { sketch: [section, { comment: text }] },
      ]);
      expect(readBack(output)).to.deep.equal({ vnet: {} });
    });

  it("cuts a comment without an end, and breaks a long one into lines", () => {
    const output = writeIni([{ comment: "word ".repeat(100_000) }]);
    expect(output.length).to.be.below(1200);
    for (const line of output.split("\n").slice(0, -1))
      expect(line).to.match(/^; .{1,100}$/);
  });

  it("refuses a title that would end early", () => {
    for (const title of ["serve.a]b", "serve.a\n[route", "serve.\u2028"])
      expect(() => writeIni([{ title, lines: [] }])).to.throw("title");
  });
});

describe("Labels", () => {
  for (const name of HOSTILE)
    it(`make of ${JSON.stringify(name.slice(0, 40))} a title that is one line and one section`, () => {
      const title = new Labels().make("serve", name);
      const output = writeIni([{ title, lines: [] }]);
      expect(Object.keys(readBack(output))).to.deep.equal([title]);
    });

  it("are given once each", () => {
    const labels = new Labels();
    const made = ["a", "a-2", "a", "a", "[", "]"].map((name) =>
      labels.make("use", name),
    );
    expect(new Set(made).size).to.equal(made.length);
    expect(labels.make("serve", "a")).to.equal("serve.a");
  });
});
