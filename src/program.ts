// What both programs share around their main work: command line, version, errors on the screen, exit status, signals.
// With route.ts and vnet.ts the only user of `process`.

import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { basename, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { messageOf, VnetError } from "./errors.js";
import { createSecret } from "./keys/secret.js";
import { createLog, type Log } from "./log.js";

/** 0 fine, 1 failed at run time, 2 usage or configuration error. */
export type ExitStatus = 0 | 1 | 2;

export interface ProgramArguments {
  /** the configuration file; `config.ini` where none is named */
  file: string;
  check: boolean;
  color: boolean;
  /** the commands of -e, in their order */
  commands: string[];
}

export interface Program {
  name: "route" | "vnet";
  help: string;
  /** whether -e is known */
  takesCommands: boolean;
  /** single words in the place of a file that do something else, and what they do */
  verbs: Record<string, () => Promise<ExitStatus>>;
  /** Runs until it is done; the status is the process's. */
  main: (args: ProgramArguments) => Promise<ExitStatus>;
}

/** Name and version, as told to the other side: `vnet 0.1.0`. */
export function software(name: string): string {
  const file = new URL("../../package.json", import.meta.url);
  const { version } = JSON.parse(readFileSync(file, "utf8")) as {
    version: string;
  };
  return `${name} ${version}`;
}

/**
 * Where this machine keeps what belongs to one configuration file: keys, the hubs it knows. Two files are two nodes,
 * so each has a folder of its own. STATE_DIRECTORY is systemd's.
 */
export function stateFolder(configFile: string): string {
  const path = resolve(configFile);
  const digest = createHash("sha256").update(path).digest("hex").slice(0, 10);
  return join(stateHome(), `${basename(path)}-${digest}`);
}

export function stateHome(): string {
  const { VNET_STATE, STATE_DIRECTORY, XDG_STATE_HOME, LOCALAPPDATA } =
    process.env;
  const own = VNET_STATE ?? STATE_DIRECTORY;
  if (own !== undefined) return own;
  return join(
    XDG_STATE_HOME ?? LOCALAPPDATA ?? join(homedir(), ".local", "state"),
    "vnet",
  );
}

/** A warning where others can read a file that holds keys; null where nobody can, or it holds none. */
export function openKeysWarning(
  file: string,
  holdsKeys: boolean,
): string | null {
  if (!holdsKeys || process.platform === "win32") return null;
  const others = statSync(file).mode & 0o077;
  return others === 0
    ? null
    : `${file} holds a key and can be read by others; make it yours alone: chmod 600 ${file}`;
}

/** Prints a secret that nobody guesses. */
export function keygen(): Promise<ExitStatus> {
  process.stdout.write(`${createSecret()}\n`);
  return Promise.resolve(0);
}

export function stderrLog(): Log {
  return createLog((line) => process.stderr.write(`${line}\n`));
}

/** Resolves with the signal's name when the process is asked to end. */
export function terminationSignal(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
      process.once(signal, () => {
        resolve(signal);
      });
  });
}

/** Runs the program and sets the exit status; an error that is nobody's fault but ours goes up with its stack. */
export async function run(program: Program): Promise<void> {
  // Whoever reads our output may leave before its end, as `head` does.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    process.exit(0);
  });
  try {
    const verb = program.verbs[process.argv[2] ?? ""];
    if (verb !== undefined && process.argv.length === 3) {
      process.exitCode = await verb();
      return;
    }
    const args = parse(program);
    process.exitCode = args === null ? 0 : await program.main(args);
  } catch (error) {
    if (!(error instanceof VnetError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode =
      error.code === "usage" || error.code === "config" ? 2 : 1;
  }
}

/** Null: --help or --version was asked for and answered. */
function parse(program: Program): ProgramArguments | null {
  const { values, positionals } = parseCommandLine(program);
  if (values.help === true) {
    process.stdout.write(program.help);
    return null;
  }
  if (values.version === true) {
    process.stdout.write(`${software(program.name)}\n`);
    return null;
  }
  if (positionals.length > 1)
    throw usage(program, "one configuration file at the most");
  return {
    file: positionals[0] ?? "config.ini",
    check: values.check ?? false,
    color:
      values["no-color"] !== true &&
      !process.env.NO_COLOR &&
      process.env.TERM !== "dumb" &&
      process.stdout.isTTY,
    commands: values.execute ?? [],
  };
}

function parseCommandLine(program: Program) {
  try {
    const parsed = parseArgs({
      allowPositionals: true,
      options: {
        help: { type: "boolean", short: "h" },
        version: { type: "boolean", short: "V" },
        check: { type: "boolean" },
        "no-color": { type: "boolean" },
        execute: { type: "string", short: "e", multiple: true },
      },
    });
    if (parsed.values.execute !== undefined && !program.takesCommands)
      throw new VnetError("usage", "-e is an option of vnet only");
    return parsed;
  } catch (cause) {
    throw usage(program, messageOf(cause), cause);
  }
}

function usage(program: Program, text: string, cause?: unknown): VnetError {
  return new VnetError(
    "usage",
    `${program.name}: ${text}; see ./${program.name} --help`,
    { cause },
  );
}
