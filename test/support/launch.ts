// Starts the real ./route and ./vnet for end-to-end tests, each in a folder of
// its own that also holds its state, so that nothing of the person's is
// touched. Register closeLaunched in an `afterEach` or `after` hook.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeFolder, removeFolder } from "./folder.js";
import { reservePort } from "./ports.js";
import { accepts, Program, type ProgramExit } from "./program.js";
import { projectRoot } from "./project.js";

export type Launcher = "route" | "vnet";

/** A running hub or node; pid, output, send and so on are Program's. */
export class Launched extends Program {
  readonly configFile: string;

  constructor(
    launcher: Launcher,
    readonly folder: string,
    args: string[],
    env: NodeJS.ProcessEnv,
    prefix: readonly string[] = [],
  ) {
    const file = join(projectRoot, launcher);
    // Windows runs no script by its first line: there Node reads it.
    const start = process.platform === "win32" ? [process.execPath] : [];
    const [command = file, ...words] = [...prefix, ...start, file, ...args];
    super(command, words, {
      cwd: folder,
      env: environment(folder, env),
    });
    this.configFile = join(folder, "config.ini");
    launched.add(this);
  }

  /** Replaces the configuration file, for `reload`. */
  writeConfig(text: string): void {
    writeFileSync(this.configFile, text);
  }

  override async close(
    signal: NodeJS.Signals = "SIGTERM",
    graceMs?: number,
  ): Promise<void> {
    await super.close(signal, graceMs);
    removeFolder(this.folder);
    launched.delete(this);
  }
}

const launched = new Set<Launched>();

/** Ends whatever is left, newest first. */
export async function closeLaunched(): Promise<void> {
  for (const each of [...launched].reverse()) await each.close();
}

export interface LaunchOptions {
  /** after the configuration file */
  args?: string[];
  env?: NodeJS.ProcessEnv;
  /** of a program that ended: started again there it has the same keys, and so is the same to the others */
  folder?: string;
  /** a program with its arguments that becomes it: `nsenter …` */
  prefix?: readonly string[];
}

export type Hub = Launched & { readonly port: number };

/** A hub that accepts. With a text, it must say its `port=` itself. */
export async function startHub(
  config: string | { port?: number } = {},
  options: LaunchOptions = {},
): Promise<Hub> {
  const port =
    typeof config === "string"
      ? Number(/^\s*port\s*=\s*(\d+)/m.exec(config)?.[1] ?? 7749)
      : (config.port ?? (await reservePort()));
  const text =
    typeof config === "string"
      ? config
      : `[route]\nip = 127.0.0.1\nport = ${port}\n`;
  const hub = Object.assign(launch("route", text, options), { port });
  // Its log usually says so first; the attempts leave no trace before that.
  let up = false;
  while (!up && hub.running && !hub.output.includes(" listens on ")) {
    up = await accepts(port);
    if (!up) await new Promise((resolve) => setTimeout(resolve, 25));
  }
  if (hub.running) return hub;
  throw new Error(`the hub did not start; it said:\n${hub.output}`);
}

/** A node that was started; wait for what you need of its output. */
export function startNode(
  config: string,
  options: LaunchOptions = {},
): Launched {
  return launch("vnet", config, options);
}

/** Started with these words and no file, in an empty folder unless one is given. */
export function startBare(
  launcher: Launcher,
  args: string[],
  { env = {}, folder = makeFolder(), prefix }: Omit<LaunchOptions, "args"> = {},
): Launched {
  return new Launched(launcher, folder, args, env, prefix);
}

function launch(
  launcher: Launcher,
  config: string,
  { args = [], env = {}, folder = makeFolder(), prefix }: LaunchOptions,
): Launched {
  writeFileSync(join(folder, "config.ini"), config);
  return new Launched(launcher, folder, ["config.ini", ...args], env, prefix);
}

export interface Outcome {
  status: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  /** written to config.ini of the empty folder in which it runs */
  config?: string;
  env?: NodeJS.ProcessEnv;
  /** all of its stdin */
  input?: string;
  timeoutMs?: number;
  /** as in LaunchOptions */
  prefix?: readonly string[];
}

/** Runs a launcher to its end: `run("vnet", ["config.ini", "--check"], …)`. */
export async function run(
  launcher: Launcher,
  args: string[],
  { config, env = {}, input = "", timeoutMs = 60_000, prefix }: RunOptions = {},
): Promise<Outcome> {
  const folder = makeFolder();
  if (config !== undefined) writeFileSync(join(folder, "config.ini"), config);
  const program = new Launched(launcher, folder, args, env, prefix);
  if (input !== "") program.send(input.replace(/\n$/, ""));
  program.endInput();
  try {
    const exit: ProgramExit = await program.waitFor(
      () => program.exit,
      "end",
      timeoutMs,
    );
    return { ...exit, stdout: program.stdout, stderr: program.stderr };
  } finally {
    await program.close("SIGKILL");
  }
}

function environment(
  folder: string,
  extra: NodeJS.ProcessEnv,
): NodeJS.ProcessEnv {
  const {
    FORCE_COLOR: _,
    NODE_OPTIONS: __,
    // A shell may hand on how wide its own window is.
    COLUMNS: ___,
    ...inherited
  } = process.env;
  return {
    ...inherited,
    HOME: folder,
    VNET_STATE: join(folder, "state"),
    XDG_STATE_HOME: join(folder, "state"),
    XDG_CONFIG_HOME: join(folder, "config"),
    NO_COLOR: "1",
    ...extra,
  };
}
