import { expect } from "chai";
import { untilLetGo } from "../../src/keys/private-file.js";

/** Fails so often with that code. */
function held(
  times: number,
  code: string,
): { act: () => Promise<void>; tried: () => number } {
  let tries = 0;
  return {
    act: () =>
      ++tries > times
        ? Promise.resolve()
        : Promise.reject(Object.assign(new Error(code), { code })),
    tried: () => tries,
  };
}

describe("A file that is to be replaced while somebody has it open", () => {
  for (const code of ["EPERM", "EACCES", "EBUSY"])
    it(`is waited for on Windows, which says ${code}`, async () => {
      const { act, tried } = held(3, code);
      await untilLetGo(act, true);
      expect(tried()).to.equal(4);
    });

  it("is given up in the end, with what the system says", async () => {
    const { act, tried } = held(100, "EPERM");
    const error = await untilLetGo(act, true).then(
      () => null,
      (cause: unknown) => cause,
    );
    expect(error).to.include({ code: "EPERM" });
    expect(tried()).to.equal(9);
  });

  it("is not waited for where waiting does not help", async () => {
    for (const [code, isWindows] of [
      ["ENOSPC", true],
      ["EPERM", false],
    ] as const) {
      const { act, tried } = held(1, code);
      const error = await untilLetGo(act, isWindows).then(
        () => null,
        (cause: unknown) => cause,
      );
      expect(error).to.include({ code });
      expect(tried()).to.equal(1);
    }
  });
});
