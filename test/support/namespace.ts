// Network namespaces of a test's own: a machine with no interface but its loopback, which shares the file system with
// the others. Each lives as long as its holder, a program of the test; no root is needed where the kernel allows that.

import { spawnSync } from "node:child_process";
import type { Context } from "mocha";
import { needs, skip } from "./find-program.js";
import { Program } from "./program.js";

const isRoot = process.getuid?.() === 0;
const OPTIONS = isRoot ? ["-n"] : ["-r", "-n"];

/** In a `before` hook or a test: skips where namespaces cannot be made. */
export function needsNamespaces(context: Context): void {
  needs(context, "unshare", "nsenter", "ip");
  const made = spawnSync("unshare", [...OPTIONS, "true"], { encoding: "utf8" });
  if (made.status !== 0)
    skip(
      context,
      `needs network namespaces, which are not permitted here: ${made.stderr.trim()}`,
    );
}

export class Namespace {
  private constructor(private readonly holder: Program) {}

  static async make(): Promise<Namespace> {
    // It ends with the test's process at the latest, by the end of its stdin.
    const script = "ip link set lo up && echo made && exec cat";
    const holder = new Program("unshare", [...OPTIONS, "sh", "-c", script]);
    await holder.waitForOutput("made");
    return new Namespace(holder);
  }

  /** What stands in front of a program and its arguments to run it here. */
  get prefix(): readonly string[] {
    const user = isRoot ? [] : ["-U", "--preserve-credentials"];
    return ["nsenter", "-t", String(this.holder.pid), ...user, "-n"];
  }

  /** A program that runs here; the caller closes it. */
  run(...words: string[]): Program {
    const [command = "", ...args] = [...this.prefix, ...words];
    return new Program(command, args);
  }

  async close(): Promise<void> {
    await this.holder.close("SIGKILL");
  }
}
