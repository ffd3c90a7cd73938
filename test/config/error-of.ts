// The VnetError that a function throws: for tests of mistakes in a file.

import { VnetError } from "../../src/errors.js";

/** Fails when nothing, or anything but a VnetError of that code, is thrown. */
export function errorOf(
  act: () => unknown,
  code: VnetError["code"] = "config",
): VnetError {
  try {
    act();
  } catch (error) {
    if (error instanceof VnetError && error.code === code) return error;
    throw error;
  }
  throw new Error("expected a VnetError, nothing was thrown");
}
