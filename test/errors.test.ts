import { expect } from "chai";
import { fileErrorCode } from "../src/errors.js";

describe("what the system says of a file", () => {
  const cases: [code: string | undefined, is: "obstacle" | "config"][] = [
    ["ENOSPC", "obstacle"],
    ["EDQUOT", "obstacle"],
    ["EIO", "obstacle"],
    ["EROFS", "obstacle"],
    ["EMFILE", "obstacle"],
    ["ENOTDIR", "config"],
    ["EACCES", "config"],
    [undefined, "config"],
  ];
  for (const [code, is] of cases)
    it(`is ${is === "obstacle" ? "something that can pass" : "to be mended"} with ${code ?? "no code"}`, () => {
      expect(fileErrorCode(Object.assign(new Error("x"), { code }))).to.equal(
        is,
      );
    });
});
