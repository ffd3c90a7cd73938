import { expect } from "chai";
import { CONFIG_BYTES_MAX, NOT_UTF8, parseIni } from "../../src/config/ini.js";
import { Problems } from "../../src/config/problem.js";
import { errorOf } from "./error-of.js";

function valuesOf(text: string) {
  const problems = new Problems("x.ini");
  const sections = parseIni(text, problems);
  problems.throwIfAny();
  return sections.map(({ name, line, entries }) => ({
    name,
    line,
    values: [...entries.values()].map(({ key, value }) => [key, value]),
  }));
}

function firstValue(line: string) {
  return valuesOf(`[s]\n${line}`)[0]?.values[0]?.[1];
}

function problemsOf(text: string): string[] {
  return errorOf(() => valuesOf(text)).message.split("\n");
}

describe("parseIni", () => {
  it("gives sections and keys in the order of the file, with their lines", () => {
    const problems = new Problems("x.ini");
    const sections = parseIni("\n[a]\nk=1\n\n; c\n[b]\nl = 2\n", problems);
    expect(sections.map(({ name, line }) => [name, line])).to.deep.equal([
      ["a", 2],
      ["b", 6],
    ]);
    expect(sections[1]?.entries.get("l")).to.deep.equal({
      key: "l",
      value: "2",
      line: 7,
    });
  });

  it("counts lines alike for every kind of line end, and skips a byte order mark", () => {
    for (const end of ["\n", "\r\n", "\r"]) {
      const text = ["\uFEFF[a]", "k=1", "", "[b]", "k=2"].join(end);
      expect(valuesOf(text).map(({ line }) => line)).to.deep.equal([1, 4]);
      expect(valuesOf(text)[1]?.values).to.deep.equal([["k", "2"]]);
    }
  });

  it("does not nest sections at their dots, and takes any label", () => {
    const names = ["serve.a.b", "serve.my web", "serve.远程桌面", "__proto__"];
    const text = names.map((name) => `[${name}] ; c\nk=1`).join("\n");
    expect(valuesOf(text).map(({ name }) => name)).to.deep.equal(names);
  });

  it("treats names of object properties as keys like any other", () => {
    expect(
      valuesOf("[s]\n__proto__=1\nconstructor=2\ntoString=3")[0]?.values,
    ).to.deep.equal([
      ["__proto__", "1"],
      ["constructor", "2"],
      ["toString", "3"],
    ]);
  });

  const VALUES: readonly (readonly [line: string, value: string])[] = [
    ["k=v", "v"],
    ["  k  =  v w  ", "v w"],
    ["k=", ""],
    ["k= ; only a comment", ""],
    ["k=v ; a comment", "v"],
    ["k=v # a comment", "v"],
    ["k=v;a comment", "v"],
    ["k=v ; one ; two # three = four", "v"],
    ["k=a\\;b\\#c", "a;b#c"],
    ["k=a=b", "a=b"],
    ["k=true", "true"],
    ["k=null", "null"],
    ["k=007", "007"],
    ["k=C:\\dir", "C:\\dir"],
    ["k=[::1]", "[::1]"],
    ["k[]=v", "v"],
    ["k=it's", "it's"],
    ['k=5" disk', '5" disk'],
    ['k="a;b#c"', "a;b#c"],
    ['k="a;b#c" ; comment', "a;b#c"],
    ['k="a;b#c"# comment with "quotes"', "a;b#c"],
    ["k='a;b' ; it's", "a;b"],
    ['k=" padded "', " padded "],
    ['k="say ""hi""; \\\\"', 'say "hi"; \\\\'],
    ["k='it''s'", "it's"],
    ["k=`a;b`", "a;b"],
    ["k: v", "v"],
    ["k : a=b ; c", "a=b"],
    ["k=unix:\\\\.\\pipe\\NAME", "unix:\\\\.\\pipe\\NAME"],
    ["k=\\\\server\\share\\a.log", "\\\\server\\share\\a.log"],
    ['k="C:\\new\\table"', "C:\\new\\table"],
    ["k=C:\\new\\table", "C:\\new\\table"],
    ['k="C:\\dir\\" ; c', "C:\\dir\\"],
    ["k=C:\\dir\\ ; c", "C:\\dir\\"],
    ["k=a\\\\;b", "a\\;b"],
    ['k="a\\;b"', "a\\;b"],
    ['k="true"', "true"],
    ["k='1e3'", "1e3"],
    ["k='\"a\"'", '"a"'],
    ["k='C:\\new'", "C:\\new"],
    ['k=""', ""],
    ["k=''", ""],
    ["k=远程 ; 注释", "远程"],
  ];
  for (const [line, value] of VALUES)
    it(`reads ${line} as ${JSON.stringify(value)}`, () => {
      expect(firstValue(line)).to.equal(value);
    });

  const MISTAKES: readonly (readonly [text: string, problem: RegExp])[] = [
    ["k=1", /^x\.ini:1: k: found before any section/],
    ["hello", /^x\.ini:1: found "hello", allowed KEY=VALUE$/],
    ["[s]\nport", /^x\.ini:2: \[s\]: found "port", allowed KEY=VALUE$/],
    ["[s]\nport ; =1", /^x\.ini:2: \[s\]: found "port ; =1", allowed KEY/],
    ["[s]\n=1", /^x\.ini:2: \[s\]: found "=1", allowed KEY=VALUE$/],
    [
      "[s]\nport：1",
      /^x\.ini:2: \[s\]: found "port：1", allowed KEY=VALUE; write = : \[ \] ; # as half-width characters$/,
    ],
    ["[s ; c\nk=1", /^x\.ini:1: found "\[s ; c" without a closing \]/],
    ["[s] k=1", /^x\.ini:1: \[s\]: found "k=1" behind the \]/],
    ["[s]\n[t]\n[s]", /^x\.ini:3: \[s\]: .* second time, first on line 1/],
    ["[s]\nk=1\nk=2", /^x\.ini:3: \[s\] k: .* second time, first on line 2/],
    ['[s]\nk="a', /^x\.ini:2: \[s\] k: found ""a" without a closing "/],
    ["[s]\nk='", /^x\.ini:2: \[s\] k: found "'" without a closing '/],
    ['[s]\nk="a""', /^x\.ini:2: \[s\] k: .* without a closing "/],
    ['[s]\nk="a" b', /^x\.ini:2: \[s\] k: found "b" behind the closing "/],
    ['[s]\nk="a\\"b"', /^x\.ini:2: \[s\] k: .*; a " that .* written twice$/],
    ['[s]\nk="""a"""', /^x\.ini:2: \[s\] k: .*, allowed: one line between/],
    ["[s]\n【t】", /^x\.ini:2: \[s\]: .*; write = : \[ \] ; # as half-width/],
    ["[s]\nk=a\u0000b", /^x\.ini:2: \[s\] k: .*control character U\+0000/],
    ["[s]\nk=a\u001b[31m", /^x\.ini:2: \[s\] k: .*control character U\+001B/],
    ["[s]\nk=a\u2028b", /^x\.ini:2: \[s\] k: .*control character U\+2028/],
  ];
  for (const [text, problem] of MISTAKES)
    it(`refuses ${JSON.stringify(text)}`, () => {
      const problems = problemsOf(text);
      expect(problems).to.have.lengthOf(1);
      expect(problems[0]).to.match(problem);
    });

  it("reads a character of which NOT_UTF8 is the second half", () => {
    expect(firstValue("k=\u{1f4ff}")).to.equal("\u{1f4ff}");
    expect(valuesOf("[\u{1f4ff}]")[0]?.name).to.equal("\u{1f4ff}");
  });

  it("looks at no comment, whatever bytes it has", () => {
    const noise = `\u0000\u0085\u001b\u2028\ufffd${NOT_UTF8}[]="'`;
    const text = `; ${noise}\n[s] ; ${noise}\nk=1 # ${noise}\nl="2";${noise}`;
    expect(valuesOf(text)[0]?.values).to.deep.equal([
      ["k", "1"],
      ["l", "2"],
    ]);
  });

  for (const [text, place] of [
    [`[s]\nk=a${NOT_UTF8}b ; c`, "2: [s] k"],
    [`[s]\nk="a${NOT_UTF8}" ; c`, "2: [s] k"],
    [`[s]\nk="a${NOT_UTF8}`, "2: [s] k"],
    [`[s]\nk="a" ${NOT_UTF8}`, "2: [s] k"],
    [`[s]\nk${NOT_UTF8}=1`, "2: [s]"],
    [`[s]\n${NOT_UTF8}`, "2: [s]"],
    [`[s]\n[a${NOT_UTF8}]`, "2"],
    [`[s]\n[a${NOT_UTF8}`, "2"],
    [`[s]\n[t] ${NOT_UTF8}`, "2: [t]"],
  ])
    it(`says what to save as where other bytes stand: ${JSON.stringify(text)}`, () => {
      expect(problemsOf(text ?? "")).to.deep.equal([
        `x.ini:${place}: found bytes that are not UTF-8 (GBK or CP949 perhaps?), allowed: text in UTF-8; save the file as UTF-8`,
      ]);
    });

  it("reports the mistakes of the whole file, in its order", () => {
    expect(
      problemsOf("a=1\n[s]\nb\n[t\nc=1\nc=2").map((line) => line.slice(0, 7)),
    ).to.deep.equal(["x.ini:1", "x.ini:3", "x.ini:4", "x.ini:6"]);
  });

  it("reports twenty mistakes and counts the others", () => {
    const problems = problemsOf("nonsense\n".repeat(5000));
    expect(problems).to.have.lengthOf(21);
    expect(problems.at(-1)).to.equal("x.ini: and 4980 more");
  });

  it("shows a long or strange line cut and without control characters", () => {
    const [problem = ""] = problemsOf(`[s]\n\u202e${"x".repeat(100_000)}`);
    expect(problem).to.match(/found "\\u202ex{59}…", allowed/);
  });

  it("refuses more than 1 MiB without reading it", () => {
    const text = "; \n".repeat(CONFIG_BYTES_MAX / 2);
    expect(problemsOf(text)).to.deep.equal([
      "x.ini: found more than 1 MiB, allowed: a file up to 1 MiB",
    ]);
  });
});
