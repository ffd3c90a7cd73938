// `npm run check`: format, lint, types (tests included), then the tests; stops
// at the first stage that fails. With --no-tests it stops before the tests.

import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { join } from "node:path";
import { ensureBuilt, orExit, root } from "./built.mjs";
import { ensureInstalled } from "./builder.mjs";

const require = createRequire(join(root, "package.json"));
const say = (text) => process.stderr.write(`vnet: ${text}\n`);
const withTests = !process.argv.includes("--no-tests");

await orExit(ensureInstalled({ say }), say);
await stage("format", "run `npm run format`", () =>
  node(binOf("prettier"), "--check", "--log-level=warn", "."),
);
await stage("lint", "mend what is listed above", () =>
  node(binOf("eslint"), "--max-warnings=0", "."),
);
// A build that succeeds is the type check: it compiles src and test, strictly.
await stage("types", "mend what is listed above", async () => {
  await orExit(ensureBuilt({ tests: true, say }), (text) => {
    say(text);
    say("check stopped at types");
  });
  return 0;
});
if (withTests)
  await stage("tests", "mend what is listed above", () =>
    node(join(root, "scripts", "test.mjs")),
  );
say(withTests ? "check passed" : "format, lint and types are fine");

async function stage(name, advice, work) {
  say(`check: ${name}`);
  const status = await work();
  if (status === 0) return;
  say(`check stopped at ${name}: ${advice}`);
  process.exit(status);
}

/** The script behind a package's command. */
function binOf(name) {
  const manifest = require.resolve(`${name}/package.json`);
  const { bin } = require(manifest);
  return join(manifest, "..", typeof bin === "string" ? bin : bin[name]);
}

function node(...args) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, {
      cwd: root,
      stdio: ["ignore", "inherit", "inherit"],
    });
    child.once("error", reject);
    child.once("exit", (status) => resolve(status ?? 1));
  });
}
