// Which programs this machine has on its PATH (and where Debian hides
// daemons), and what they call their version.

import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

const EXTRA_FOLDERS = ["/usr/local/sbin", "/usr/sbin", "/sbin"];
const VERSION_TIMEOUT_MS = 5_000;

/** How a program is asked for its version; others take `--version`. */
const VERSION_FLAGS = {
  socat: "-V",
  haproxy: "-v",
  ssh: "-V",
  sshd: "-V",
  nginx: "-v",
  openssl: "version",
  gost: "-V",
};

/** Absolute path, or null when it is not there. */
export function findProgram(name) {
  const folders = (process.env.PATH ?? "").split(delimiter);
  for (const folder of [...folders, ...EXTRA_FOLDERS]) {
    const file = join(folder, name);
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      continue;
    }
  }
  return null;
}

/** Those of `names` that are not there. */
export function missingPrograms(names) {
  return names.filter((name) => findProgram(name) === null);
}

/** The first word that looks like a version of what the program says of itself; null when there is none. */
export function versionOf(name) {
  const { stdout, stderr } = spawnSync(
    findProgram(name) ?? name,
    [VERSION_FLAGS[name] ?? "--version"],
    { encoding: "utf8", timeout: VERSION_TIMEOUT_MS, input: "" },
  );
  const words = `${stdout ?? ""} ${stderr ?? ""}`.split(/[\s,]+/);
  return words.find((word) => /\d+\.\d+/.test(word)) ?? null;
}
