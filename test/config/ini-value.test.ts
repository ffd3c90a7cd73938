import { expect } from "chai";
import { encodeValue } from "../../src/config/ini-value.js";
import { parseIni } from "../../src/config/ini.js";
import { Problems } from "../../src/config/problem.js";

/** What the file's reader makes of it. */
function decode(text: string): string | null | undefined {
  const problems = new Problems("config.ini");
  const [section] = parseIni(`[s]\nkey = ${text}\n`, problems);
  problems.throwIfAny();
  return section?.entries.get("key")?.value;
}

describe("a value written into a file", () => {
  for (const value of [
    "",
    "plain",
    "two words",
    " spaces around ",
    "issue #7; see there",
    "it's",
    'say "hi"',
    `both ' and "`,
    "back\\slash",
    `C:\\it's "here"`,
    "[section]",
    "a=b",
    "true",
    "null",
    "1e3",
    "007",
    "家里的 ssh",
    "exec:ssh -W 'a b' \"c\"",
    "'quoted'",
    '"quoted"',
    "%{}$!&*()<>|~^`?",
  ])
    it(`is read as it was: ${JSON.stringify(value)}`, () => {
      expect(decode(encodeValue(value))).to.equal(value);
    });

  it("has no quotes where it needs none", () => {
    expect(encodeValue("wIfw+vCX/SBx=")).to.equal("wIfw+vCX/SBx=");
    expect(encodeValue("hub.example.org")).to.equal("hub.example.org");
  });

  it("is read as it was, whatever printable characters it is made of", () => {
    const characters = Array.from({ length: 95 }, (_, index) =>
      String.fromCharCode(32 + index),
    );
    for (const first of characters)
      for (const second of characters) {
        const value = `${first}x${second}${first}`;
        expect(decode(encodeValue(value))).to.equal(value);
      }
  });
});
