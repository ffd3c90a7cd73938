// `npm test`: builds, runs mocha over everything in dist/test and exits with
// its status. Arguments go to mocha: `npm test -- --grep reload`.

import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { join } from "node:path";
import { ensureBuilt, orExit, root } from "./built.mjs";

const TIMEOUT_MS = 150_000;

const say = (text) => process.stderr.write(`vnet: ${text}\n`);
await orExit(ensureBuilt({ tests: true, say }), say);

const mocha = createRequire(import.meta.url).resolve("mocha/bin/mocha.js");
const child = spawn(
  process.execPath,
  [
    "--enable-source-maps",
    mocha,
    ...["--reporter", join(root, "scripts", "reporter.mjs")],
    ...["--timeout", String(TIMEOUT_MS), "--fail-zero"],
    ...(process.stdout.isTTY ? [] : ["--no-color"]),
    ...(process.env.CI ? ["--forbid-only"] : []),
    ...process.argv.slice(2),
    "dist/test/**/*.test.js",
  ],
  { cwd: root, stdio: "inherit" },
);
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"])
  process.on(signal, () => child.kill(signal));
child.once("exit", (status) => process.exit(status ?? 1));
