import { expect } from "chai";
import { parseHubConfig } from "../../src/config/hub-config.js";
import { parseNodeConfig } from "../../src/config/node-config.js";
import { errorOf } from "./error-of.js";

const ROUTE = "[route]\nip=127.0.0.1\n";

describe("a # or ; with no blank before it", () => {
  const secrets: [text: string, place: string][] = [
    ["authkey=longpass#word", "[route] authkey"],
    ["authkey=longpass;word", "[route] authkey"],
    ["authkey=short#word", "[route] authkey"],
    ["authkey=#all-of-it", "[route] authkey"],
    ["authkey= #all-of-it", "[route] authkey"],
    ["authkey=a\\#b-long-pass#word", "[route] authkey"],
    ["[vnet]\nsecret=longpass#word ; the group's", "[vnet] secret"],
  ];
  for (const [text, place] of secrets)
    it(`is an error in ${text.replace("\n", " ")}, which does not show the value`, () => {
      const { message } = errorOf(() =>
        parseNodeConfig(`${ROUTE}${text}`, "c.ini"),
      );
      expect(message).to.equal(
        `c.ini:${2 + text.split("\n").length}: ${place}: found # or ; inside it, which begins a comment; put the value in quotes if that belongs to it, or a blank before the comment`,
      );
    });

  it("is an error in the keys of a group, too", () => {
    for (const key of ["authkey", "secret"]) {
      const text = `${ROUTE}[group.a]\n${key}=longpass#word`;
      expect(errorOf(() => parseHubConfig(text, "c.ini")).message).to.match(
        /^c\.ini:4: \[group\.a\] \w+: found # or ; inside it/,
      );
    }
  });

  const fine: [line: string, authkey: string][] = [
    ["authkey=longpass #word", "longpass"],
    ["authkey=longpass\t; word", "longpass"],
    ["authkey='longpass#word'", "longpass#word"],
    ['authkey="longpass;word"# comment', "longpass;word"],
    ["authkey=longpass\\#word", "longpass#word"],
  ];
  for (const [line, authkey] of fine)
    it(`is not there in ${line}`, () => {
      const { route, warnings } = parseNodeConfig(`${ROUTE}${line}`, "c.ini");
      expect(route.authkey).to.equal(authkey);
      // That these keys are short is another matter.
      const others = warnings.filter((text) => !text.includes("be guessed"));
      expect(others).to.deep.equal([]);
    });

  const warned: [text: string, value: string][] = [
    ["[serve.x]\nport=1\ninfo=written in C# and Go", "written in C"],
    ["[serve.x]\nport=1\nname=a;b ; comment", "a"],
    ["[serve.x]\nip=exec:sh -c a;b", "exec:sh"],
    ["[vnet]\nname=home#2", "home"],
    ["[log]\nfile=/var/log/a#b", "/var/log/a"],
  ];
  for (const [text, value] of warned)
    it(`is a warning in ${text.split("\n").at(-1)}, where the whole could be meant`, () => {
      const { warnings } = parseNodeConfig(`${ROUTE}${text}`, "c.ini");
      expect(warnings).to.have.length(1);
      expect(warnings[0]).to.include(
        `what follows # or ; is a comment, so the value is "${value}"; put`,
      );
    });

  it("is named where it makes a value wrong", () => {
    const text = `${ROUTE}[serve.x]\nip=exec:sh -c 'a;b'`;
    expect(errorOf(() => parseNodeConfig(text, "c.ini")).message).to.include(
      "; # or ; begins a comment; put the value in quotes",
    );
  });

  it("is silently a comment where the whole would be no value", () => {
    const { warnings, route, serves } = parseNodeConfig(
      `${ROUTE}port=7000;the hub's\n[serve.x]\nport=22#ssh\nactive=no#not yet`,
      "c.ini",
    );
    expect(route.port).to.equal(7000);
    expect(serves[0]).to.include({ port: 22, active: false });
    expect(warnings).to.deep.equal([]);
  });
});
