// Which real programs this machine has, and skipping, with the reason in the
// output, what needs others. Starts nothing.

import { accessSync, constants, readdirSync } from "node:fs";
import { delimiter, join } from "node:path";
import type { Context } from "mocha";

const IS_WINDOWS = process.platform === "win32";
/** On Windows none: under Wine the disk of the machine below is in reach, and its programs cannot be run. */
const EXTRA_FOLDERS = IS_WINDOWS
  ? []
  : ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/** Absolute path of a program, or null when it is not installed. */
export function findProgram(name: string): string | null {
  const places = [
    ...(process.env.PATH ?? "").split(delimiter),
    ...EXTRA_FOLDERS,
    ...postgresFolders(),
  ];
  for (const folder of places) {
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

/** Debian keeps the server's programs out of the PATH; the newest comes first. */
function postgresFolders(): string[] {
  if (IS_WINDOWS) return [];
  const base = "/usr/lib/postgresql";
  try {
    return readdirSync(base)
      .sort((a, b) => Number(b) - Number(a))
      .map((version) => join(base, version, "bin"));
  } catch {
    return [];
  }
}

/**
 * In a test or a `before` hook: skips it, with the reason in the output, when
 * one of the programs is not installed. `needs(this, "sshd", "ssh")`
 */
export function needs(context: Context, ...programs: string[]): void {
  const missing = programs.filter((name) => findProgram(name) === null);
  if (missing.length === 0) return;
  skip(
    context,
    `needs ${missing.join(", ")}, not installed here (scripts/install-test-programs.sh installs it)`,
  );
}

/** Skips, with the reason, what a Windows has not: `needsUnix(this, "file modes")` */
export function needsUnix(context: Context, what: string): void {
  if (IS_WINDOWS) skip(context, `needs ${what}, which Windows has not`);
}

/** Skips a test, or from a `before` hook its whole suite, and says why. */
export function skip(context: Context, skipReason: string): never {
  const { test, currentTest } = context;
  const isHook = test !== undefined && "type" in test && test.type === "hook";
  const isForSuite = isHook && test.title.startsWith('"before all"');
  const target = isForSuite ? test.parent : isHook ? currentTest : test;
  if (target) Object.assign(target, { skipReason });
  return context.skip();
}
