import { expect } from "chai";
import { VnetError } from "../../../src/errors.js";
import {
  readAuthkey,
  readHub,
  readListen,
  readGroup,
  readName,
  readOffer,
  readSecret,
  readUse,
} from "../../../src/terminal/init/answers.js";

const KEY = "wIfwvCXSBxtWpYRZk3YSg5uIX0zR1hNn";

describe("an answer of init", () => {
  const good: [
    read: (text: string) => unknown,
    text: string,
    value: unknown,
  ][] = [
    [readHub, "hub", { ip: "hub", port: 7749 }],
    [readHub, "hub.example.org:4000", { ip: "hub.example.org", port: 4000 }],
    [readHub, "203.0.113.7", { ip: "203.0.113.7", port: 7749 }],
    [readHub, "2001:db8::1", { ip: "2001:db8::1", port: 7749 }],
    [readHub, "[2001:db8::1]", { ip: "2001:db8::1", port: 7749 }],
    [readHub, "[2001:db8::1]:80", { ip: "2001:db8::1", port: 80 }],
    [readListen, "0.0.0.0:7749", { ip: "0.0.0.0", port: 7749 }],
    [readListen, "::", { ip: "::", port: 7749 }],
    [readAuthkey, "", ""],
    [readAuthkey, KEY, KEY],
    [readAuthkey, `authkey=${KEY}`, KEY],
    [readName, "my home", "my home"],
    [readGroup, "our group", "our group"],
    [readSecret, "", ""],
    [readSecret, "our own words", "our own words"],
    [readSecret, "secret = our own words", "our own words"],
    [readOffer, "", null],
    [readOffer, "22", { ip: "127.0.0.1", port: 22 }],
    [readOffer, "192.168.1.20:3389", { ip: "192.168.1.20", port: 3389 }],
    [readOffer, "[::1]:22", { ip: "::1", port: 22 }],
    [readUse, "", null],
    [readUse, "700", { what: { serveid: 700 }, port: null }],
    [readUse, "007:22", { what: { serveid: 7 }, port: 22 }],
    [readUse, "mysql", { what: { serve: "mysql" }, port: null }],
    [readUse, "mysql@home:33", { what: { serve: "mysql@home" }, port: 33 }],
  ];
  for (const [read, text, value] of good)
    it(`${read.name} takes ${JSON.stringify(text)}`, () => {
      expect(read(text)).to.deep.equal(value);
    });

  const bad: [read: (text: string) => unknown, text: string, said: RegExp][] = [
    [readHub, "", /the address is missing.*HOST:PORT/],
    [readHub, "http://hub.example.org", /give HOST or HOST:PORT/],
    [readHub, "hub:0", /port "0": give 1–65535/],
    [readHub, "hub:", /give HOST or HOST:PORT/],
    [readHub, "999.1.1.1", /give HOST or HOST:PORT/],
    [readHub, "0.0.0.0", /where a hub listens/],
    [readHub, "[::]:7749", /where a hub listens/],
    [readHub, "unix:", /the address "unix:"/],
    [readHub, "unix:relative", /the address "unix:relative"/],
    [readListen, "everywhere:x", /give ADDRESS or ADDRESS:PORT/],
    [readAuthkey, "short", /8–256/],
    [readAuthkey, "auto", /for the hub/],
    [readName, "", /the name is missing/],
    [readGroup, "", /the group is missing/],
    [
      readSecret,
      "short",
      /^a secret has 8–256 printable characters; new makes/,
    ],
    [readName, "x".repeat(65), /1–64/],
    [readOffer, "0", /1–65535/],
    [readOffer, "70000", /1–65535/],
    [readOffer, "localhost", /PORT or HOST:PORT/],
    [readOffer, "a b:22", /PORT or HOST:PORT/],
    [readUse, "0", /1–999/],
    [readUse, "1000", /1–999/],
    [readUse, "mysql:", /the port is missing/],
    [readUse, "mysql:33o6", /the port "33o6": give 1–65535/],
    [readUse, "@home", /ID, NAME or NAME@NODE/],
    [readUse, "mysql@", /ID, NAME or NAME@NODE/],
    [readUse, "a:b:22", /ID, NAME or NAME@NODE/],
    [readUse, "x\u0007y", /ID, NAME or NAME@NODE/],
  ];
  for (const [read, text, said] of bad)
    it(`${read.name} explains what is wrong with ${JSON.stringify(text)}`, () => {
      expect(() => read(text)).to.throw(VnetError, said);
    });

  it("that is a wrong key is not repeated", () => {
    expect(() => readAuthkey("pass;w#"))
      .to.throw(VnetError)
      .and.not.match(/pass/);
  });
});
