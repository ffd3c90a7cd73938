import { expect } from "chai";
import {
  formatWanted,
  parseName,
  parseTo,
  targetOf,
} from "../../src/config/target.js";
import { SERVE_NAME, TO } from "../../src/config/value.js";

const NOTHING = { serveid: 0, serve: "", to: "" };

describe("what a use wants", () => {
  it("is nothing, an id, a name or an address at a node", () => {
    expect(targetOf(NOTHING)).to.deep.equal({ kind: "none" });
    expect(targetOf({ ...NOTHING, serveid: 7 })).to.deep.equal({
      kind: "id",
      serveid: 7,
    });
    expect(targetOf({ ...NOTHING, serve: "mysql" })).to.deep.equal({
      kind: "name",
      name: "mysql",
      node: null,
    });
    expect(targetOf({ ...NOTHING, to: "home:22" })).to.deep.equal({
      kind: "to",
      node: "home",
      ip: "127.0.0.1",
      port: 22,
    });
  });

  it("is written as a person wrote it", () => {
    expect(formatWanted(NOTHING)).to.equal("000");
    expect(formatWanted({ ...NOTHING, serveid: 7 })).to.equal("007");
    expect(formatWanted({ ...NOTHING, serve: "a@b" })).to.equal("a@b");
    expect(formatWanted({ ...NOTHING, to: "home:22" })).to.equal("home:22");
  });

  const names: [text: string, name: string, node: string | null][] = [
    ["mysql", "mysql", null],
    ["mysql@home", "mysql", "home"],
    ["me@shop@home", "me@shop", "home"],
    ["@home", "", "home"],
    ["mysql@", "mysql", ""],
    ["", "", null],
    ["a b@my node", "a b", "my node"],
  ];
  for (const [text, name, node] of names)
    it(`takes ${JSON.stringify(text)} apart at its last @`, () => {
      expect(parseName(text)).to.deep.equal({ name, node });
      const isValid = name !== "" && node !== "";
      expect(SERVE_NAME.parse(text)).to.equal(isValid ? text : undefined);
    });

  const addresses: [text: string, node: string, ip: string, port: string][] = [
    ["home:22", "home", "127.0.0.1", "22"],
    ["my node:22", "my node", "127.0.0.1", "22"],
    ["home:192.168.1.9:80", "home", "192.168.1.9", "80"],
    ["home:nas.lan:80", "home", "nas.lan", "80"],
    ["home:[::1]:80", "home", "::1", "80"],
    ["home:007", "home", "127.0.0.1", "007"],
  ];
  for (const [text, node, ip, port] of addresses)
    it(`reads ${text} as an address at a node`, () => {
      expect(parseTo(text)).to.deep.equal({ node, ip, port });
      expect(TO.parse(text)).to.equal(text);
    });

  const wrong = [
    ...["", "home", ":22", "home:", "home:ssh", "home::22", "home:::1:22"],
    ...["home:0", "home:65536", "home:-1", "home:[]:80"],
    ...["home:1.2.3.4:5:6", " home:22", "home:22 ", "home:a b:22", "a\nb:22"],
    ...["home:22\n", `${"x".repeat(65)}:22`, "home:999999999999999999999"],
  ];
  for (const text of wrong)
    it(`reads no address at a node out of ${JSON.stringify(text)}`, () => {
      expect(TO.parse(text)).to.be.undefined;
    });
});
