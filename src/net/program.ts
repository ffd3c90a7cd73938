// Child processes: started without a shell and without a terminal, ended in steps together with what they started, and none
// of them outlives this process. What they read and write is program-link.ts.

import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { platform } from "node:os";
import { isAbsolute } from "node:path";
import { baseName } from "../config/link.js";
import { VnetError } from "../errors.js";
import { networkReason } from "./address.js";
import { programPathReason } from "./path-reason.js";

/** Its stdin, stdout and stderr are pipes to us. */
export type Program = ChildProcessWithoutNullStreams;

/**
 * On Unix each has a session of its own, and so no terminal: a question of ssh or sudo would stand in the middle of what a
 * person types to us, and get it. It is a group of processes, too: Ctrl-C and a closed window reach this process only,
 * which gives running streams their time and then ends the group. On Windows it has a console of its own that nobody sees;
 * with a session of its own a window would open there.
 */
const HAS_SESSIONS = platform() !== "win32";

/** How long a program has to end after SIGTERM, before SIGKILL. */
const TERM_TIMEOUT_MS = 2_000;

/** It, or what it started, runs. */
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
      const program = spawn(file, args, {
        stdio: "pipe",
        env: environment(),
        detached: HAS_SESSIONS,
        windowsHide: true,
      });
      program.once("error", refuse);
      program.once("spawn", () => {
        program.off("error", refuse);
        // A signal that could not be sent; whoever it was for is gone.
        program.on("error", () => undefined);
        running.add(program);
        program.once("exit", () => forgetIfGone(program));
        resolve(program);
      });
    } catch (cause) {
      refuse(cause);
    }
  });
}

/**
 * Without a terminal ssh would open a window for its question, unless the person said otherwise; and gpg would go to the
 * terminal that this variable names.
 */
function environment(): NodeJS.ProcessEnv {
  const { GPG_TTY: _, ...inherited } = process.env;
  const { SSH_ASKPASS_REQUIRE: askpass = "" } = inherited;
  return { ...inherited, SSH_ASKPASS_REQUIRE: askpass || "never" };
}

/** Lets it and what it started end by themselves for `patienceMs`, then asks them to, then makes them. */
export function endProgram(program: Program, patienceMs: number): void {
  if (!forgetIfGone(program)) return;
  const kill = () => {
    signal(program, "SIGKILL");
    running.delete(program);
  };
  const terminate = () => {
    if (!forgetIfGone(program)) return;
    signal(program, "SIGTERM");
    timer = setTimeout(kill, TERM_TIMEOUT_MS);
  };
  let timer: NodeJS.Timeout | undefined;
  program.once("exit", () => {
    if (!running.has(program)) clearTimeout(timer);
  });
  if (patienceMs > 0) timer = setTimeout(terminate, patienceMs);
  else terminate();
}

/** Ends all of them at once, for the moment when this process ends. */
export function killPrograms(): void {
  for (const program of running) signal(program, "SIGKILL");
}

/** False: neither it nor anything that it started runs. */
function forgetIfGone(program: Program): boolean {
  const lives = running.has(program) && signal(program, 0);
  if (!lives) running.delete(program);
  return lives;
}

/** To the program and what it started. False: nothing of it is there. */
function signal(program: Program, name: NodeJS.Signals | 0): boolean {
  const { pid, exitCode, signalCode } = program;
  const hasEnded = exitCode !== null || signalCode !== null;
  if (pid === undefined) return false;
  if (!HAS_SESSIONS) return !hasEnded && program.kill(name);
  // Its number is given to another process only when its group is gone.
  if (hasEnded && send(pid, 0)) return false;
  return send(-pid, name);
}

function send(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
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
