// Child processes: started without a shell, ended in steps, and none of them outlives this process.
// What they read and write is program-link.ts.

import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { platform } from "node:os";
import { isAbsolute } from "node:path";
import { baseName } from "../config/link.js";
import { VnetError } from "../errors.js";
import { networkReason } from "./address.js";
import { programPathReason } from "./path-reason.js";

/** Its stdin, stdout and stderr are pipes to us. */
export type Program = ChildProcessWithoutNullStreams;

/** How long a program has to end after SIGTERM, before SIGKILL. */
const TERM_TIMEOUT_MS = 2_000;

const running = new Set<Program>();

/** Resolves when it runs. Rejects with VnetError `network` that says why it does not. */
export function startProgram(
  file: string,
  args: readonly string[],
): Promise<Program> {
  return new Promise((resolve, reject) => {
    const refuse = (cause: unknown) => {
      const why = startReason(file, cause) + shellHint(file, cause);
      const text = `cannot start ${baseName(file)}: ${why}`;
      reject(new VnetError("network", text, { cause }));
    };
    try {
      const program = spawn(file, args, { stdio: "pipe", windowsHide: true });
      program.once("error", refuse);
      program.once("spawn", () => {
        program.off("error", refuse);
        // A signal that could not be sent; whoever it was for is gone.
        program.on("error", () => undefined);
        running.add(program);
        program.once("exit", () => running.delete(program));
        resolve(program);
      });
    } catch (cause) {
      refuse(cause);
    }
  });
}

/** Lets it end by itself for `patienceMs`, then asks it to, then makes it. */
export function endProgram(program: Program, patienceMs: number): void {
  if (!running.has(program)) return;
  const kill = () => {
    program.kill("SIGKILL");
  };
  const terminate = () => {
    program.kill("SIGTERM");
    timer = setTimeout(kill, TERM_TIMEOUT_MS);
  };
  let timer: NodeJS.Timeout | undefined;
  program.once("exit", () => {
    clearTimeout(timer);
  });
  if (patienceMs > 0) timer = setTimeout(terminate, patienceMs);
  else terminate();
}

/** Ends all of them at once, for the moment when this process ends. */
export function killPrograms(): void {
  for (const program of running) program.kill("SIGKILL");
}

function startReason(file: string, cause: unknown): string {
  const { code = "" } = cause as NodeJS.ErrnoException;
  // Only then it is a path; other names are looked for in the PATH.
  const ofPath = isAbsolute(file) ? programPathReason(file, code) : null;
  if (ofPath !== null) return ofPath;
  if (code === "ENOENT") return "there is no such program";
  if (code === "EACCES") return "it is not permitted to run it";
  return networkReason(cause);
}

/**
 * Windows runs `.cmd` and `.bat` by a shell only, and Node by itself not at all (EINVAL); npm, npx and their like are such
 * files, and called without their ending they are not found. Empty: it is nothing of that.
 */
export function shellHint(
  file: string,
  cause: unknown,
  isWindows = platform() === "win32",
): string {
  const { code = "" } = cause as NodeJS.ErrnoException;
  if (!isWindows) return "";
  if (/\.(?:cmd|bat)$/i.test(file))
    return `; Windows runs such a file by cmd only: write exec:cmd /c ${quoted(file)} ARGUMENTS`;
  return code === "ENOENT" && !/\.\w+$/.test(file)
    ? `; where it is a .cmd file, as npm is, write exec:cmd /c ${quoted(file)} ARGUMENTS`
    : "";
}

function quoted(file: string): string {
  return file.includes(" ") ? `"${file}"` : file;
}
