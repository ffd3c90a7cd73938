import { expect } from "chai";
import { mergeSections, sectionsFromFlags } from "../../src/config/flags.js";
import { parseHubConfig } from "../../src/config/hub-config.js";
import type { ReadKey } from "../../src/config/key-files.js";
import { parseNodeConfig } from "../../src/config/node-config.js";
import { errorOf } from "./error-of.js";

const ROUTE = "[route]\nip=127.0.0.1\n";
const FILES: Record<string, string> = {
  one: "the-key-of-one",
  two: "the-key-of-two",
  short: "short",
  lines: "the first line\nthe second",
};

const read: ReadKey = (path) => {
  const text = FILES[path];
  if (text === undefined) throw new Error("no such file");
  return text;
};

const node = (text: string, flags = sectionsFromFlags([])) =>
  parseNodeConfig(ROUTE + text, "c.ini", "host", flags, read);
const hub = (text: string) => parseHubConfig(ROUTE + text, "c.ini", [], read);

describe("keys in files of their own", () => {
  it("are read wherever a key may stand", () => {
    const { route, vnet } = node("authkey_file=one\n[vnet]\nsecret_file=two");
    expect(route.authkey).to.equal(FILES.one);
    expect(vnet.secret).to.equal(FILES.two);
    const { groups } = hub(
      "[group.a]\nauthkey_file=one\nsecret_file=two\n[group.b]\nsecret_file=one",
    );
    expect(groups).to.deep.equal([
      { name: "a", authkey: FILES.one, secret: FILES.two },
      { name: "b", authkey: "", secret: FILES.one },
    ]);
  });

  it("are not looked at by the program that does not read that section", () => {
    expect(hub("[vnet]\nsecret_file=nowhere").warnings).to.deep.equal([]);
    expect(node("[group.a]\nauthkey_file=nowhere").warnings).to.deep.equal([]);
  });

  const mistakes: [text: string, message: string][] = [
    ["authkey_file=nowhere", "authkey_file: cannot read nowhere: no such file"],
    ["authkey_file=short", "authkey_file: found something else in short, "],
    ["authkey_file=lines", "authkey_file: found something else in lines, "],
    [
      "authkey=long enough\nauthkey_file=one",
      "authkey_file: found beside authkey, allowed: one of the two",
    ],
    ["authkeyfile=one", "authkeyfile: found an unknown key"],
  ];
  for (const [text, message] of mistakes)
    it(`that are no good are an error at their line: ${text.replace("\n", " ")}`, () => {
      const line = 2 + text.split("\n").length;
      const error = errorOf(() => node(text)).message;
      expect(error).to.include(`c.ini:${line}: [route] ${message}`);
      expect(error.split("\n")).to.have.length(1);
      for (const secret of Object.values(FILES))
        expect(error.replace("in short", "")).not.to.include(secret);
    });

  it("give way to the stronger place, whichever of the two names it uses", () => {
    const option = (key: string, value: string) =>
      sectionsFromFlags([
        { name: "", target: { section: "route", key }, value },
      ]);
    const pairs: [text: string, key: string, value: string, is: string][] = [
      ["authkey=long enough", "authkey_file", "one", "the-key-of-one"],
      ["authkey_file=nowhere", "authkey", "long enough", "long enough"],
      ["authkey_file=nowhere", "authkey_file", "two", "the-key-of-two"],
    ];
    for (const [text, key, value, is] of pairs)
      expect(node(text, option(key, value)).route.authkey).to.equal(is);
    const both = mergeSections(
      option("authkey_file", "nowhere"),
      option("authkey", "of the option"),
    );
    expect(node("", both).route.authkey).to.equal("of the option");
  });
});
