// Files and lines of a size that nobody typed: a check, a start and a `reload` of a running node go through each once.
// A pattern that begins anew at each character of a run would take minutes for these.

import { expect } from "chai";
import { parseIni } from "../../src/config/ini.js";
import { parseNodeConfig } from "../../src/config/node-config.js";
import { Problems } from "../../src/config/problem.js";
import { messageOf } from "../../src/errors.js";
import { isConfidential } from "../../src/terminal/confidential.js";
import { errorOf } from "./error-of.js";

const TIMEOUT_MS = 20_000;

const BLANKS = " ".repeat(300_000);

describe("A line of hundreds of thousands of characters is gone through once", () => {
  it("with blanks behind a # that no blank stands before", () => {
    const text = `[vnet]\nname=a#${BLANKS}x`;
    const [section] = parseIni(text, new Problems("x.ini"));
    const { value, glued } = section?.entries.get("name") ?? {};
    expect(value).to.equal("a");
    expect(glued).to.equal(`a#${BLANKS}x`);
    const more = parseIni(`${text}${BLANKS}; y`, new Problems("x.ini"));
    expect(more[0]?.entries.get("name")?.glued).to.equal(`a#${BLANKS}x`);
  }).timeout(TIMEOUT_MS);

  it("with signs of a comment behind a section that is not closed", () => {
    const text = `[serve.${"#".repeat(600_000)}\u2028`;
    expect(
      errorOf(() => parseNodeConfig(text, "x.ini", "laptop")).message,
    ).to.match(/x\.ini:1: found "\[serve\.#+…" without a closing \]/);
  }).timeout(TIMEOUT_MS);

  it("with blanks in a value that is none", () => {
    const of = (value: string) =>
      errorOf(() =>
        parseNodeConfig(
          `[route]\nip=h\n[serve.a]\nport=${value}`,
          "x.ini",
          "laptop",
        ),
      ).message;
    expect(of(`2中${BLANKS}2`)).to.include("allowed 1–65535");
    expect(of(`2${BLANKS}；x`)).to.include("； begins no comment");
  }).timeout(TIMEOUT_MS);

  it("with blanks in what somebody else says is wrong", () => {
    expect(messageOf(new Error(`a${BLANKS}b`))).to.equal(`a${BLANKS}b`);
    expect(messageOf(new Error(`a ${"\n ".repeat(300_000)}\n b\n`))).to.equal(
      "a b",
    );
  }).timeout(TIMEOUT_MS);

  it("with programs that a person types", () => {
    const programs = "exec:".repeat(200_000);
    expect(isConfidential(programs)).to.equal(false);
    expect(isConfidential(`${programs} `)).to.equal(false);
    expect(isConfidential(`${programs} pass`)).to.equal(true);
  }).timeout(TIMEOUT_MS);
});
