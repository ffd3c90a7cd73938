// Where the project's own folder is, from wherever the tests were compiled to.
// Used by tests that read sources or start the launchers.

import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

function find(): string {
  for (const start of [dirname(fileURLToPath(import.meta.url)), process.cwd()])
    for (let at = start; dirname(at) !== at; at = dirname(at))
      if (existsSync(join(at, "scripts", "launch.mjs"))) return at;
  throw new Error("run the tests from the project's folder");
}

/** Absolute path of the folder that holds src/, test/ and the launchers. */
export const projectRoot = find();
