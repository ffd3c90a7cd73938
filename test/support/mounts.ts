// Programs that see files of their own: each runs in a mount namespace, so that a full disk or another /etc/hosts is
// theirs alone and goes with them. No root is needed where the kernel allows that.

import { spawnSync } from "node:child_process";
import type { Context } from "mocha";
import { needs, skip } from "./find-program.js";

const OPTIONS = process.getuid?.() === 0 ? ["-m"] : ["-r", "-m"];

/** In a `before` hook: skips where mount namespaces cannot be made. */
export function needsMounts(context: Context): void {
  needs(context, "unshare", "mount");
  const script = "mount -t tmpfs -o size=4k tmpfs /mnt";
  const args = [...OPTIONS, "sh", "-c", script];
  const made = spawnSync("unshare", args, { encoding: "utf8" });
  if (made.status !== 0)
    skip(
      context,
      `needs mount namespaces, which are not permitted here: ${made.stderr.trim()}`,
    );
}

/** What stands in front of a program and its arguments; the script, of sh, prepares and runs "$@". */
export function withMounts(script: string): readonly string[] {
  return ["unshare", ...OPTIONS, "sh", "-ec", script, "sh"];
}
