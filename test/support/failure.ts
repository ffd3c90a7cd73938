// How a promise fails: for tests of what a person or a log is told.

import { VnetError } from "../../src/errors.js";
import { within } from "./deadline.js";

/** The VnetError that the promise rejects with; anything else is an error. */
export async function failureOf(promise: Promise<unknown>): Promise<VnetError> {
  const outcome = await within(
    "a failure",
    promise.then(
      () => null,
      (error: unknown) => error,
    ),
  );
  if (outcome instanceof VnetError) return outcome;
  throw new Error("expected a VnetError", { cause: outcome });
}
