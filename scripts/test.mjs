// `npm test`: builds, runs mocha over everything in dist/test and exits with
// its status. Arguments go to mocha: `npm test -- --grep reload`. Where CI is
// set, at most two tests that failed run once more, alone: other work on a
// shared machine is no fault of theirs. They are named, as they need mending.

import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ensureBuilt, orExit, root } from "./built.mjs";

const TIMEOUT_MS = 150_000;
const MAX_AGAIN = 2;

const say = (text) => process.stderr.write(`vnet: ${text}\n`);
await orExit(ensureBuilt({ tests: true, say }), say);

const mocha = createRequire(import.meta.url).resolve("mocha/bin/mocha.js");
const folder = mkdtempSync(join(tmpdir(), "vnet-tests-"));
const failuresFile = join(folder, "failures");
process.once("exit", () => rmSync(folder, { recursive: true }));
let child;
let signalled = false;
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"])
  process.on(signal, () => {
    signalled = true;
    child.kill(signal);
  });

/** Resolves with the exit status. */
function run(...args) {
  child = spawn(
    process.execPath,
    [
      "--enable-source-maps",
      mocha,
      ...["--reporter", join(root, "scripts", "reporter.mjs")],
      ...["--reporter-option", `failures=${failuresFile}`],
      ...["--timeout", String(TIMEOUT_MS), "--fail-zero"],
      ...(process.stdout.isTTY ? [] : ["--no-color"]),
      ...(process.env.CI ? ["--forbid-only"] : []),
      ...args,
    ],
    { cwd: root, stdio: "inherit" },
  );
  return new Promise((resolve) =>
    child.once("exit", (status) => resolve(status ?? 1)),
  );
}

/** What failed, as the reporter wrote it; null where it did not come to its end. */
function failures() {
  try {
    return JSON.parse(readFileSync(failuresFile, "utf8"));
  } catch {
    return null;
  }
}

let status = await run(...process.argv.slice(2), "dist/test/**/*.test.js");
const failed = failures();
// A status of another number says that more than tests went wrong.
const mayTryAgain =
  process.env.CI && !signalled && failed !== null && failed.length === status;
if (mayTryAgain && status > 0 && status <= MAX_AGAIN) {
  let stillFail = 0;
  for (const { title, file } of failed) {
    console.log(`\nOnce more, alone: ${title}`);
    const exactly = `^${title.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&")}$`;
    if ((await run("--grep", exactly, file)) !== 0) stillFail += 1;
    else console.log(`UNSTEADY, it passed only alone: ${title}`);
  }
  status = stillFail;
}
process.exit(status);
