// What both programs share around their main work: command line, version, errors on the screen, exit status, signals.
// With route.ts and vnet.ts the only user of `process`.

import { closeSync, readFileSync, statSync } from "node:fs";
import { access } from "node:fs/promises";
import { userInfo } from "node:os";
import { join, win32 } from "node:path";
import { isatty } from "node:tty";
import { called } from "./called.js";
import { readIniFile } from "./config/file.js";
import { COMMAND_LINE } from "./config/problem.js";
import { VnetError } from "./errors.js";
import { removeLeftovers } from "./files/whole-file.js";
import { names } from "./net/names.js";
import { openFiles } from "./net/open-files.js";
import { killPrograms } from "./net/program.js";
import {
  parseArguments,
  type ProgramArguments,
  type ProgramOptions,
} from "./program-arguments.js";
import { checkKeyFiles, KEY_FILES } from "./given-keys.js";
import { isAskedToEnd, secondSignal } from "./own-signals.js";
import { giveUpOnStopped, neverWait } from "./screen/tty-output.js";
import { RunLock } from "./run-lock.js";
import { makeFolder, prepareStateFolder, stateFolder } from "./state-folder.js";
import { printable } from "./printable.js";
import { OTHER_ENCODINGS, REPLACEMENT } from "./utf8.js";
import {
  refuseUnknownWord,
  runVerb,
  verbHelp,
  type ExitStatus,
  type KnownWords,
  type Verb,
} from "./verb.js";

export interface Program extends ProgramOptions {
  help: string;
  /** first words of the command line that do something else than run the program */
  verbs: Record<string, Verb>;
  /** which commands its terminal knows, see KnownWords */
  commandFor?: NonNullable<KnownWords["commandFor"]>;
  /** Runs until it is done; the status is the process's. */
  main: (args: ProgramArguments) => Promise<ExitStatus>;
}

/** Fewer open files than that are worth a warning: each stream takes two, at the hub and at both nodes. */
const FEW_OPEN_FILES = 4_096;
/** What a program has open without any stream. */
const OWN_FILES = 24;

/** In the state folder. */
export const KNOWN_NODES = "known-nodes";

/** Only who has the lock writes these. Those of known keys `trust` may be writing, or one that ends. */
const WRITTEN_ALONE = [
  ...["hub.key", "public.key", "authkey", "identity.key", "claims.json"],
];

/** Longer than any program of `exec:` has for its end. */
const LEFTOVERS_MS = 10_000;

/** Name and version, as told to the other side: `vnet 0.1.0`. */
export function software(name: string): string {
  const file = new URL("../../package.json", import.meta.url);
  const { version } = JSON.parse(readFileSync(file, "utf8")) as {
    version: string;
  };
  return `${name} ${version}`;
}

/** The text of the configuration file, empty where there is none, and how it is called in messages. */
export async function readConfig({
  file,
}: Pick<ProgramArguments, "file">): Promise<{ text: string; title: string }> {
  if (file === null) return { text: "", title: COMMAND_LINE };
  return { text: await readIniFile(file), title: file };
}

/** What is thrown for a file that is none of ours: whose it is, where `import` reads that; else the error itself. */
export async function orImport(
  error: unknown,
  { file, text }: { file: string | null; text: string },
): Promise<unknown> {
  if (file === null || !(error instanceof VnetError)) return error;
  if (error.code !== "config") return error;
  const { ownerOf } = await import("./import/import.js");
  const owner = await ownerOf(text, file);
  if (owner === null) return error;
  return new VnetError(
    "config",
    `${file}: this is a file of ${owner}; \`${called("vnet")} import ${file}\` prints it as one of ours`,
    { cause: error },
  );
}

/**
 * The state folder, this process's alone until the lock is released. Throws VnetError `obstacle` while another process
 * runs this configuration.
 */
export async function openState(
  program: "route" | "vnet",
  args: ProgramArguments,
  setting: string,
): Promise<{ folder: string; adopted: string | null; lock: RunLock }> {
  const name = `${program}.lock`;
  // The lock first: who has it alone takes keys over from elsewhere.
  const wanted = stateFolder(args, setting);
  makeFolder(wanted);
  const lock = RunLock.take(join(wanted, name));
  if (!(lock instanceof RunLock))
    throw new VnetError(
      "obstacle",
      `${args.file ?? "this command line"} already runs (pid ${lock.heldBy}, which has its keys in ${wanted}); end that one first, or let this one be another ${program === "route" ? "hub" : "node"} with --state FOLDER`,
    );
  process.on("exit", () => lock.release());
  // Of a start or a run that was killed.
  removeLeftovers(wanted, WRITTEN_ALONE);
  const state = await prepareStateFolder(args, setting, name);
  checkKeyFiles(state.folder, KEY_FILES);
  return { ...state, lock };
}

/** What the log says of where the keys are. */
export function stateNews(
  folder: string,
  { adopted, isFirst }: { adopted: string | null; isFirst: boolean },
): string[] {
  if (adopted !== null)
    return [
      `the keys that this configuration had in ${adopted} were copied to ${folder}`,
    ];
  return isFirst
    ? [
        `first start: a new key is kept in ${folder}; if this ran before at another place, name the folder of its keys with state= or --state`,
        ...(process.platform === "win32" ? foreignFolderNews(folder) : []),
      ]
    : [];
}

/**
 * Windows knows no file modes: what protects a key is what its folder inherits, and only the user's own folders keep others
 * out by that.
 */
export function foreignFolderNews(
  folder: string,
  { username, homedir }: { username: string; homedir: string } = userInfo(),
): string[] {
  const way = win32.relative(homedir, folder);
  const isOwn = !win32.isAbsolute(way) && !/^\.\.(?:\\|$)/.test(way);
  return isOwn
    ? []
    : [
        `${folder} is none of this user's own folders, and Windows may let others read the keys in it; make it yours alone: icacls "${folder}" /inheritance:r /grant:r "${username}:(OI)(CI)F"`,
      ];
}

/** A key that is written into a file: `auto` is none. */
const KEY_LINE = /^[ \t]*(?:authkey|secret)[ \t]*[=:][ \t]*(?!auto\s)[^\s;#]/m;

/** A warning where others can read a configuration that has keys in its text. */
export function openKeysWarning(file: string | null, text: string): string[] {
  const holdsKeys = KEY_LINE.test(`${text}\n`);
  if (file === null || !holdsKeys || process.platform === "win32") return [];
  // It may be gone since it was read.
  const others = (statSync(file, { throwIfNoEntry: false })?.mode ?? 0) & 0o077;
  return others === 0
    ? []
    : [
        `${file} holds a key and can be read by others; make it yours alone: chmod 600 ${file}`,
      ];
}

/**
 * How many files this process may have open; Node has raised the soft limit to the hard one by now. Infinity: there is no
 * limit, or none is known.
 */
function openFilesLimit(): number {
  if (process.platform === "win32") return Infinity;
  const report = process.report.getReport() as {
    userLimits?: { open_files?: { soft?: number | "unlimited" } };
  };
  const limit = report.userLimits?.open_files?.soft;
  return typeof limit === "number" ? limit : Infinity;
}

/** A warning where the system lets this process have few streams only; else none. */
export function openFilesWarnings(): string[] {
  const { limit, room } = openFiles;
  if (limit >= FEW_OPEN_FILES) return [];
  const streams = Math.max(0, Math.floor((room - OWN_FILES) / 2));
  return [
    `this process may have ${limit} open files, enough for about ${streams} streams at once; raise it with \`ulimit -n\`, or LimitNOFILE= of the systemd unit`,
  ];
}

/**
 * When a screen is gone for good, Node would set it back at its end to what it was, and abort as that fails; what is closed it
 * leaves alone.
 */
function closeLostScreens(): void {
  const { stdin, stdout, stderr } = process;
  for (const [fd, { isTTY }] of [stdin, stdout, stderr].entries())
    if (isTTY && !isatty(fd)) closeIfOpen(fd);
}

function closeIfOpen(fd: number): void {
  try {
    closeSync(fd);
  } catch {
    // twice told
  }
}

/**
 * All is closed. What still keeps the process alive is a connection in the making that nobody wants, or a reader that
 * does not read what a finished stream left for it: a signal ends that, or a while. Whoever reads our output has time, but
 * not when it was a signal that ended the program: what sent it waits.
 */
function exitSoon(): void {
  void secondSignal().then(() => process.exit());
  setInterval(() => {
    const { stdout, stderr } = process;
    const isWriting =
      stdout.writableLength > 0 || (stderr.isTTY && stderr.writableLength > 0);
    if (!isWriting || isAskedToEnd()) process.exit();
  }, LEFTOVERS_MS).unref();
}

/** Throws VnetError `usage` where Node could not read a word, and has put its sign for wrong bytes in it. */
function refuseUnreadable(name: string, words: readonly string[]): void {
  const word = words.find((each) => each.includes(REPLACEMENT));
  if (word !== undefined)
    throw new VnetError(
      "usage",
      `${name}: the command line has bytes that are not UTF-8 (${OTHER_ENCODINGS}), in ${printable(word)}; set the terminal, or the script, to UTF-8`,
    );
}

/** Runs the program and sets the exit status; an error that is nobody's fault but ours goes up with its stack. */
export async function run(program: Program): Promise<void> {
  for (const output of [process.stdout, process.stderr]) neverWait(output);
  let isOutputLost = false;
  // Nearly always none is left: programs end with their connections, and this process waits for them.
  process.on("exit", killPrograms);
  process.on("exit", closeLostScreens);
  // Whoever reads our output may leave before its end, as `head` does. A screen that is gone is told of otherwise.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(0);
    if (isOutputLost || (error.code === "EIO" && process.stdout.isTTY)) return;
    isOutputLost = true;
    process.on("exit", () => {
      if ((process.exitCode ?? 0) === 0) process.exitCode = 1;
    });
    process.stderr.write(`the output cannot be written: ${error.message}\n`);
  });
  // Nor does the program end because nobody reads its log any more.
  process.stderr.on("error", () => undefined);
  try {
    refuseUnreadable(program.name, process.argv);
    const [word = "", ...rest] = process.argv.slice(2);
    const verb = Object.hasOwn(program.verbs, word)
      ? program.verbs[word]
      : undefined;
    if (verb !== undefined) {
      const call = {
        program: program.name,
        called: called(program.name),
        word,
        words: rest,
      };
      const status = await runVerb(verb, call);
      if (status !== "help") process.exitCode = status;
      else process.stdout.write(verbHelp(verb, call));
      return;
    }
    refuseUnknownWord({ ...program, called: called(program.name) }, [
      word,
      ...rest,
    ]);
    const args = parseArguments(program, process.argv.slice(2));
    if (args === "help")
      process.stdout.write(
        program.help.replaceAll(`./${program.name}`, called(program.name)),
      );
    else if (args === "version")
      process.stdout.write(`${software(program.name)}\n`);
    else {
      openFiles.setLimit(openFilesLimit());
      names.setThreads(Number(process.env.UV_THREADPOOL_SIZE) || 4);
      // The threads begin with the first work for them, and read then how many they are to be.
      await access("/").catch(() => undefined);
      // What the launcher set is for this process, not for the programs of `exec:`.
      delete process.env.UV_THREADPOOL_SIZE;
      delete process.env.MALLOC_ARENA_MAX;
      process.exitCode = await program.main(args);
      // A script's output is waited for; a program that was ended has shown what there was to see.
      if (args.commands.length === 0 && !args.check) giveUpOnStopped();
      exitSoon();
    }
  } catch (error) {
    if (!(error instanceof VnetError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode =
      error.code === "usage" || error.code === "config" ? 2 : 1;
  }
}
