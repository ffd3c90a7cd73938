import { expect } from "chai";
import { quoteWord, splitLine } from "../../src/terminal/words.js";

const textsOf = (line: string) => splitLine(line).words.map(({ text }) => text);

describe("words", () => {
  const lines: [string, string[]][] = [
    ["", []],
    ["  show   serves ", ["show", "serves"]],
    [`a "b c" 'd "e"'`, ["a", "b c", 'd "e"']],
    [`"a""b\\"`, ['a"b\\']],
    [`'it''s' "C:\\my files\\"`, ["it's", "C:\\my files\\"]],
    [`"\\\\"`, ["\\\\"]],
    [`"" """" info="a ""b"""`, ["", '"', 'info=a "b"']],
    ["reload D:\\my\\config.ini", ["reload", "D:\\my\\config.ini"]],
    ["info=it's", ["info=it's"]],
    [`info="a b"`, ["info=a b"]],
    [`""`, [""]],
  ];
  for (const [line, texts] of lines)
    it(`splits ${JSON.stringify(line)}`, () => {
      expect(textsOf(line)).to.deep.equal(texts);
    });

  it("tells that a quote is still open", () => {
    expect(splitLine('use open "my').open).to.equal('"');
  });

  it("tells that a letter touches a closing quote", () => {
    for (const line of ['use open "a\\"b"', '"a"b', "'it's'"])
      expect(splitLine(line).stray, line).to.equal(true);
    for (const line of ['"a" b', "it's", 'name="a" "b"', '"C:\\a\\" 1'])
      expect(splitLine(line).stray, line).to.equal(false);
  });

  it("quotes so that splitting brings the same word back", () => {
    for (const text of ["ssh", "my node", 'a"b\\', "--json", "文件", "#1", ""])
      expect(textsOf(quoteWord(text))).to.deep.equal([text]);
  });
});
