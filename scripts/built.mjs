// Says whether dist/ is the present source, and has it made when it is not.
// Every launcher and script comes through here, so the usual answer (yes) must
// cost milliseconds: whatever works is in builder.mjs, loaded on demand. It
// imports this file, so this one must never await at its top level: Node would
// end with status 13 and no word.

import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("..", import.meta.url));

/** Change it when builder.mjs lays dist/ out in another way. */
const LAYOUT = "1";

/** A failure that the person can mend; its message is one line. */
export class BuildError extends Error {
  name = "BuildError";
}

/** What dist/ would have to be made from, as hex digests of its parts. */
export function currentDigests({ tests }) {
  const files = ["package-lock.json", "tsconfig.json", ...sourcesIn("src")];
  const src = digestOf(LAYOUT, files);
  return tests ? { src, test: digestOf(src, sourcesIn("test")) } : { src };
}

/** @param part "src" or "test" */
export function stampFile(part) {
  return join(root, "dist", `${part}.stamp`);
}

export function isBuilt(part, digests) {
  try {
    return readFileSync(stampFile(part), "utf8") === digests[part];
  } catch {
    return false;
  }
}

/** npm writes this file last, so it also tells that an install was finished. */
export const installedFile = join(root, "node_modules", ".package-lock.json");

/**
 * Installs and compiles what is missing or out of date, waiting for anybody
 * else who does so at this moment.
 * @param {{tests: boolean, say: (line: string) => void}} options
 * @throws {BuildError} one line that says what to do
 */
export async function ensureBuilt({ tests, say }) {
  const packaged = !existsSync(join(root, "src"));
  if (packaged && existsSync(join(root, "dist", "src"))) return;
  if (packaged)
    throw new BuildError(
      `neither src nor dist is in ${root}; get a complete copy of the project`,
    );
  const digests = currentDigests({ tests });
  const done = Object.keys(digests).every((part) => isBuilt(part, digests));
  if (done && existsSync(installedFile)) return;
  const { build } = await import("./builder.mjs");
  await build({ tests, say });
}

/** Awaits `work`; a BuildError is said in one line and ends the process. */
export async function orExit(work, say) {
  try {
    await work;
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    say(error.message);
    process.exit(1);
  }
}

function sourcesIn(folder) {
  return readdirSync(join(root, folder), {
    recursive: true,
    withFileTypes: true,
  })
    .filter((entry) => entry.isFile() && /\.(ts|json)$/.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .sort();
}

function digestOf(seed, files) {
  const hash = createHash("sha256").update(seed);
  for (const file of files) {
    hash.update(`\0${file.split(sep).join("/")}\0`);
    try {
      hash.update(readFileSync(join(root, file)));
    } catch (error) {
      // Gone between listing and reading: the digest differs anyway.
      if (error.code !== "ENOENT") throw error;
    }
  }
  return hash.digest("hex");
}
