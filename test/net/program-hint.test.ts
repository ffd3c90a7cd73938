import { expect } from "chai";
import { dial } from "../../src/net/dial.js";
import { shellHint } from "../../src/net/program.js";
import { failureOf } from "../support/failure.js";

describe("A program that Windows cannot start", () => {
  const rows: [file: string, code: string, hint: string][] = [
    [
      "C:\\tools\\x.cmd",
      "EINVAL",
      "; Windows runs such a file by cmd only: write exec:cmd /c C:\\tools\\x.cmd ARGUMENTS",
    ],
    [
      "C:\\Our tools\\x.BAT",
      "EINVAL",
      '; Windows runs such a file by cmd only: write exec:cmd /c "C:\\Our tools\\x.BAT" ARGUMENTS',
    ],
    [
      "npm",
      "ENOENT",
      "; where it is a .cmd file, as npm is, write exec:cmd /c npm ARGUMENTS",
    ],
    ["x.exe", "ENOENT", ""],
    ["npm", "EACCES", ""],
  ];
  for (const [file, code, hint] of rows)
    it(`${file} (${code}) ${hint === "" ? "gets no hint" : "is to be run by cmd"}`, () => {
      expect(shellHint(file, { code }, true)).to.equal(hint);
      expect(shellHint(file, { code }, false)).to.equal("");
    });

  it("says so to whoever dials it", async () => {
    const options = {
      host: "exec:no-such-program-x",
      port: 0,
      timeoutMs: 8_000,
    };
    const { message } = await failureOf(dial(options));
    const hint =
      process.platform === "win32"
        ? "; where it is a .cmd file, as npm is, write exec:cmd /c no-such-program-x ARGUMENTS"
        : "";
    expect(message).to.equal(
      `cannot connect to exec:no-such-program-x: cannot start no-such-program-x: there is no such program${hint}`,
    );
  });
});
