// Files of a megabyte in which one line, or what looks like one, never ends: an import goes through each once.
// A pattern that begins anew at each place of such a text would take minutes for these.

import { expect } from "chai";
import { VnetError } from "../../src/errors.js";
import { importText } from "../../src/import/import.js";
import { reindent } from "../../src/import/loose-yaml.js";

const TIMEOUT_MS = 20_000;

async function refused(text: string, file: string): Promise<string> {
  return importText(text, file, (program) => program).then(
    () => "nothing was refused",
    (error: unknown) =>
      error instanceof VnetError ? error.message : String(error),
  );
}

describe("An import goes through a text once", () => {
  it("that opens a section in each line and closes none", async () => {
    expect(
      await refused(`a = 1\n${"[\r".repeat(400_000)}`, "x.conf"),
    ).to.include("x.conf:2:2: not valid TOML");
  }).timeout(TIMEOUT_MS);

  it("with blanks behind a key of YAML", () => {
    const blanks = " ".repeat(400_000);
    const text = `- a:${blanks}x\u2028y\n    b: 1`;
    expect(reindent(text)).to.equal(`- a:${blanks}x\u2028y\n  b: 1`);
  }).timeout(TIMEOUT_MS);

  it("with blanks in a line that TOML does not read", async () => {
    const blanks = " ".repeat(400_000);
    expect(await refused(`a = 1${blanks}2`, "x.toml")).to.match(
      /^x\.toml:1:\d+: not valid TOML: .{1,200}$/,
    );
  }).timeout(TIMEOUT_MS);

  it("with templates without a line end between them", async () => {
    const text = `serverAddr = "h" # ${"{{}}".repeat(250_000)}`;
    expect(await refused(text, "frpc.toml")).to.equal("nothing was refused");
  }).timeout(TIMEOUT_MS);

  it("with a comment of half a megabyte in a range", async () => {
    const text = `serverAddr = "h"\n{{ range parseNumberRange "0-65535" }}{{/* ${"x".repeat(500_000)} */}}{{ end }}\n`;
    expect(await refused(text, "frpc.toml")).to.equal("nothing was refused");
  }).timeout(TIMEOUT_MS);
});
