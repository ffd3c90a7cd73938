// Installs the packages and compiles into dist/, one builder at a time in a
// clone. Loaded by built.mjs only when something is out of date. It compiles
// beside the old output and swaps: nobody ever runs a half-made dist.

import { spawn } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { constants } from "node:os";
import { join } from "node:path";
import {
  BuildError,
  currentDigests,
  installedFile,
  isBuilt,
  root,
  stampFile,
} from "./built.mjs";
import { withBuildLock } from "./build-lock.mjs";

const dist = join(root, "dist");

/** See ensureBuilt in built.mjs. */
export async function build({ tests, say }) {
  await withBuildLock({ say }, async (lock) => {
    // Somebody else may have done it while this one waited.
    if (!isInstalled()) await install(say);
    const digests = currentDigests({ tests });
    const parts = Object.keys(digests).filter(
      (part) => !isBuilt(part, digests),
    );
    if (parts.length > 0) say("building…");
    for (const part of parts) await compile(part, digests[part], lock);
  }).catch((error) => {
    if (!["EACCES", "EPERM", "EROFS"].includes(error.code)) throw error;
    throw new BuildError(
      `${error.path ?? root} cannot be written; run \`npm run build\` there once as its owner, or use a copy of your own`,
    );
  });
}

/** Installs only; for scripts that need the tools before anything is built. */
export async function ensureInstalled({ say }) {
  if (isInstalled()) return;
  await withBuildLock({ say }, async () => {
    if (!isInstalled()) await install(say);
  });
}

/** True when node_modules has every package that package-lock.json asks for. */
function isInstalled() {
  let have;
  try {
    have = JSON.parse(readFileSync(installedFile, "utf8")).packages;
  } catch {
    return false;
  }
  const wanted = JSON.parse(
    readFileSync(join(root, "package-lock.json"), "utf8"),
  ).packages;
  return Object.entries(wanted).every(
    ([path, { version, optional }]) =>
      path === "" || optional || have[path]?.version === version,
  );
}

async function install(say) {
  say(
    existsSync(installedFile)
      ? "the package list changed, installing…"
      : "first start, installing…",
  );
  const windows = process.platform === "win32";
  const status = await run(
    windows ? "npm.cmd" : "npm",
    // None of the packages needs a script of its own to be installed, so none may run one on the person's machine.
    [
      ...["ci", "--include=dev", "--ignore-scripts"],
      ...["--no-audit", "--no-fund", "--loglevel=error"],
    ],
    { shell: windows },
  ).catch((error) => {
    if (error.code !== "ENOENT") throw error;
    throw new BuildError(
      "npm is needed for the first start and was not found; install npm (it comes with Node.js) and start again",
    );
  });
  if (status === 0) return;
  throw new BuildError(
    `npm could not install the packages (see above); mend that, or run \`npm ci --include=dev --ignore-scripts\` in ${root}, and start again`,
  );
}

async function compile(part, digest, lock) {
  const next = join(dist, ".next");
  const last = join(dist, ".last");
  const info = join(dist, ".next.tsbuildinfo");
  for (const path of [next, last, info])
    rmSync(path, { recursive: true, force: true });
  mkdirSync(dist, { recursive: true });
  const tsc = createRequire(import.meta.url).resolve("typescript/bin/tsc");
  const status = await run(process.execPath, [
    tsc,
    ...["-p", part === "src" ? "." : part],
    // The same depth as the place it moves to, or the source maps would break.
    ...["--rootDir", part, "--outDir", next, "--tsBuildInfoFile", info],
    ...["--noEmitOnError", "--pretty", String(process.stderr.isTTY ?? false)],
  ]);
  if (status !== 0)
    throw new BuildError(
      `${part} does not compile (see above); mend it and start again`,
    );
  lock.assertHeld();
  // Without a stamp nobody trusts dist/, whatever happens until the new one.
  rmSync(stampFile(part), { force: true });
  const place = join(dist, part);
  if (existsSync(place)) renameSync(place, last);
  renameSync(next, place);
  writeFileSync(`${stampFile(part)}.next`, digest);
  renameSync(`${stampFile(part)}.next`, stampFile(part));
  // What a plain `tsc -b` remembers is no longer true.
  for (const path of [last, info, join(dist, `${part}.tsbuildinfo`)])
    rmSync(path, { recursive: true, force: true });
}

/** Runs a tool with its output on stderr, ends it with us; gives its status. */
function run(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: root,
      stdio: ["ignore", 2, 2],
      ...options,
    });
    const ignored = (process.env.VNET_IGNORED_SIGNALS ?? "").split(" ");
    const signals = ["SIGINT", "SIGTERM", "SIGHUP"].filter(
      (signal) => !ignored.includes(signal),
    );
    const stop = (signal) => {
      child.kill(signal);
      child.once("exit", () => process.exit(128 + constants.signals[signal]));
    };
    for (const signal of signals) process.on(signal, stop);
    const finish = () => {
      for (const signal of signals) process.off(signal, stop);
    };
    child.once("error", (error) => (finish(), reject(error)));
    child.once("exit", (status) => (finish(), resolve(status ?? 1)));
  });
}
