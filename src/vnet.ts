// The node's program: reads its configuration, starts the node, and gives it a terminal, a script, or just a log.

import { existsSync, fstatSync, type Stats } from "node:fs";
import { join } from "node:path";
import { describeNode } from "./check.js";
import type { NodeConfig } from "./config/config.js";
import { COMMAND_LINE } from "./config/problem.js";
import { formatChange } from "./config/diff.js";
import { VnetError } from "./errors.js";
import { count } from "./count.js";
import { called, trustCall } from "./called.js";
import type { Log, LogEvent } from "./log.js";
import { Identity } from "./keys/identity.js";
import { KnownHubs } from "./keys/known-hubs.js";
import { KnownNodes } from "./keys/known-nodes.js";
import { Node } from "./node/node.js";
import type { NodeOptions } from "./node/parts.js";
import { pipedScript, untilOnline } from "./piped-script.js";
import {
  openFilesWarnings,
  run,
  software,
  openState,
  stateNews,
  KNOWN_NODES,
} from "./program.js";
import {
  boundNotices,
  LOG_FLAGS,
  openLog,
  type ProgramLog,
} from "./program-log.js";
import type { ProgramArguments } from "./program-arguments.js";
import {
  hangupAtStart,
  nextSignal,
  onHangup,
  secondSignal,
  type Hangup,
} from "./own-signals.js";
import {
  isScreenLent,
  ownPager,
  ownTerminal,
  screenOf,
  type Face,
} from "./own-screen.js";
import { OwnJob } from "./own-job.js";
import type { RunLock } from "./run-lock.js";
import { historyFile, prepareStateFolder } from "./state-folder.js";
import {
  checkKeyFiles,
  KEY_FILES,
  commandLineKeys,
  keysFromEnvironment,
} from "./given-keys.js";
import { NodeFile } from "./node-file.js";
import { drain } from "./shutdown.js";
import type { ExitStatus } from "./verb.js";
import { importVerb, initVerb, keygen, trustVerb } from "./verbs.js";
import { commands } from "./terminal/commands/commands.js";
import { runCommands } from "./terminal/script.js";
import { Terminal } from "./terminal/terminal.js";

const HELP = `Usage: ./vnet [options] [config.ini]
       ./vnet --route HOST:PORT --authkey KEY --serve 22    no file
       ./vnet init [FILE]    write a first config.ini from a few questions
       ./vnet import FILE    print another program's configuration as ours
       ./vnet keygen         print a good authkey or secret
       ./vnet trust NAME     accept the new key of what a use reaches

A node of a virtual LAN: offers local services to its group through a hub, and
maps those of others to local ports. Reads the file (default: config.ini in
this folder); with --route none is needed. Options win over the file. With
terminal=true it takes commands, see \`help\` there.

Options:
  --route HOST[:PORT]    the hub
  --authkey-file FILE    the hub's key, in a file; or the variable VNET_AUTHKEY,
                         or --authkey KEY, which others can read (ps)
  --fingerprint KEY      of the hub, to be sure of it at first contact
  --name, --group NAME   of this node
  --secret-file FILE     the group's, which the hub never learns; or the
                         variable VNET_SECRET, or --secret TEXT
  --serve SPEC           offer a service, as [serve.X]: [IP:]PORT, unix:/PATH
                         or exec:PROGRAM, then ,key=value...; several times
                         --serve 22,name=ssh --serve 192.168.1.9:80,type=http
  --use SPEC             map a serve to a local port, as [use.X]:
                         WHAT[:[IP:]PORT][,key=value...], WHAT is a serveid,
                         NAME or NAME@NODE; several times
                         --use mysql@home:3306 --use to=home:22,port=1122
  --allow-unserve        answer requests for services not offered
  --terminal             take commands
  -e, --execute COMMAND  connect as a guest, run the command, print, exit;
                         may be given several times
  --no-wait              commands (of -e, or of a standard input that is no
                         terminal) do not wait for the hub
  --state FOLDER         where its keys are kept, instead of a folder for each
                         file
  --no-hup               SIGHUP does nothing (as with nohup)
  --check                say what would run, start nothing
  --log-level LEVEL      debug, info, warn or error
  --log-format FORMAT    text or json: a line an event
  --log-file FILE        instead of standard error
  --no-pager             long lists are printed, and not shown by PAGER or less
  --no-color             no colours (as with NO_COLOR)
  -h, --help             this text
  -V, --version          the version

SIGTERM, SIGINT, and SIGHUP where it runs in a terminal, end it when running
streams have ended, or their time is over ([vnet] drain); a second one at
once. Without a terminal SIGHUP reloads the configuration and opens the log
anew.

Exit status: 0 fine, 1 failed at run time, 2 usage or configuration error,
3 import left out something that decided who reaches what.
`;

/** The file of its key, in the state folder. */
const IDENTITY = "identity.key";

await run({
  name: "vnet",
  help: HELP,
  takesCommands: true,
  flags: {
    route: { section: "route", key: null },
    authkey: { section: "route", key: "authkey" },
    "authkey-file": { section: "route", key: "authkey_file" },
    fingerprint: { section: "route", key: "fingerprint" },
    name: { section: "vnet", key: "name" },
    group: { section: "vnet", key: "group" },
    secret: { section: "vnet", key: "secret" },
    "secret-file": { section: "vnet", key: "secret_file" },
    serve: { section: "serve", key: null },
    use: { section: "use", key: null },
    "allow-unserve": { section: "vnet", key: "allow_unserve", isSwitch: true },
    terminal: { section: "vnet", key: "terminal", isSwitch: true },
    ...LOG_FLAGS,
  },
  standsAlone: ["route"],
  verbs: {
    init: initVerb("vnet"),
    import: importVerb,
    keygen,
    trust: trustVerb("vnet"),
  },
  commandFor,
  main,
});

function commandFor(words: readonly string[]): "guest" | "node" | null {
  const [word = "", second = ""] = words;
  const family = commands.filter(({ name }) => name.split(" ")[0] === word);
  const exact = family.find(
    ({ name }) => name === word || name === `${word} ${second}`,
  );
  if (family.length === 0) return null;
  const meant = exact === undefined ? family : [exact];
  return meant.some(({ lasting }) => lasting === true) ? "node" : "guest";
}

async function main(args: ProgramArguments): Promise<ExitStatus> {
  const hangup = hangupAtStart(args.noHup);
  // Before there is a node there is nothing to reload.
  let reload: () => void = () => undefined;
  onHangup(hangup, () => reload());
  const keyWarnings = commandLineKeys(args.flags);
  const file = new NodeFile({
    ...{ file: args.file, flags: args.flags },
    keys: keysFromEnvironment("vnet"),
  });
  const config = await file.load(null);
  if (args.check) {
    process.stdout.write(describeNode(args.file ?? COMMAND_LINE, config));
    return 0;
  }
  if (args.commands.length > 0) {
    for (const warning of keyWarnings) process.stderr.write(`! ${warning}\n`);
    return runAsGuest(args, config, file);
  }
  const state = await openState("vnet", args, config.vnet.state);
  file.stateFolder = state.folder;
  const isFirst = !existsSync(join(state.folder, IDENTITY));
  const keys = await keysOf(state.folder);
  const log = await openLog(config.log, args.file ?? COMMAND_LINE);
  for (const line of stateNews(state.folder, { ...state, isFirst }))
    log.info(line);
  for (const warning of [
    ...keyWarnings,
    ...config.warnings,
    ...openFilesWarnings(),
    ...file.openKeys,
  ])
    log.warn(warning);
  const onNode = (node: Node) => {
    reload = reloader(node, file, log);
  };
  const run = { args, config, file, log, state, keys, hangup, onNode };
  return runNode(run);
}

async function runAsGuest(
  args: ProgramArguments,
  config: NodeConfig,
  file: NodeFile,
): Promise<ExitStatus> {
  // Beside a running node, whose lock stays its own.
  const state = await prepareStateFolder(args, config.vnet.state, "vnet.lock");
  checkKeyFiles(state.folder, KEY_FILES);
  const node = Node.start({
    config,
    software: software("vnet"),
    guest: true,
    ...(await keysOf(state.folder)),
  });
  try {
    if (!args.noWait) await untilOnline(node);
    return await runCommands(args.commands, {
      control: node,
      output: process.stdout,
      errorOutput: process.stderr,
      loadConfig: (path) => file.load(path),
      saves: file,
      screen: screenOf(process.stdout, args.noColor),
    });
  } finally {
    await node.close();
  }
}

type Keys = Pick<NodeOptions, "identity" | "knownHubs" | "knownNodes">;

/** What this configuration's node is known by, made at its first start. */
async function keysOf(folder: string): Promise<Keys> {
  return {
    identity: await Identity.load(join(folder, IDENTITY)),
    knownHubs: new KnownHubs(join(folder, "known_hubs")),
    knownNodes: await KnownNodes.load(join(folder, KNOWN_NODES)),
  };
}

interface Run {
  args: ProgramArguments;
  config: NodeConfig;
  file: NodeFile;
  log: ProgramLog;
  hangup: Hangup;
  onNode: (node: Node) => void;
  state: { folder: string; lock: RunLock };
  keys: Keys;
}

async function runNode({
  args,
  config,
  file,
  log,
  state,
  keys,
  hangup,
  onNode,
}: Run): Promise<ExitStatus> {
  const face = config.vnet.terminal ? ownTerminal(args.noColor) : null;
  const job = face && new OwnJob(process.stdin);
  // Where the screen is dumb, Ctrl-C is this signal, and means what it means at other screens.
  let hasLeft = false;
  const firstSignal = nextSignal(
    hangup,
    () => isScreenLent() || (face?.screen.isDumb === true && !hasLeft),
  );
  // What a terminal shows as notices is not written across its input line.
  const isShown = () => job?.isForeground === true && config.log.file === "";
  const audit = boundNotices(log);
  const node = Node.start({
    config,
    software: software("vnet"),
    trustCall: trustCall(called("vnet"), args, state.folder),
    ...keys,
    audit: (event: LogEvent) => {
      if (!isShown()) audit.info(event);
    },
  });
  onNode(node);
  follow(node, config, log, isShown);
  void node.ready().then(() => {
    node.tellWaiting();
  });
  if (!config.vnet.terminal) tellOfInput(log);
  let status: ExitStatus = 0;
  const ending = new AbortController();
  const script = {
    ...{ node, saves: file, waits: !args.noWait },
    loadConfig: (path: string | null) => file.load(path),
    screen: screenOf(process.stdout, args.noColor),
  };
  const leaves = job
    ? terminalExit(node, { args, file, log, state, ...face, job }, firstSignal)
    : config.vnet.terminal
      ? pipedScript({ ...script, signal: ending.signal }).then((last) => {
          status = last;
          return "exit";
        })
      : new Promise<never>(() => undefined);
  const signal = await Promise.race([firstSignal, leaves]);
  ending.abort();
  hasLeft = true;
  // The next node of this configuration may start while streams of this one run.
  state.lock.release();
  // Who typed `exit` has seen what runs; whoever sent a signal has not.
  if (signal !== "exit")
    await drain({
      signal,
      nextSignal: secondSignal(),
      what: node,
      drainSeconds: node.config.vnet.drainSeconds,
      log,
    });
  await node.close();
  // Input that is still open would keep the process alive.
  process.stdin.destroy();
  return status;
}

/** On SIGHUP: the log is opened anew and the configuration read again, one time after the other. */
function reloader(node: Node, file: NodeFile, log: ProgramLog): () => void {
  let last = Promise.resolve();
  let waiting = 0;
  const once = async () => {
    waiting--;
    log.reopen();
    try {
      const config = await file.load(null);
      for (const warning of config.warnings) log.warn(warning);
      const changes = await node.reload(config);
      log.info(
        `SIGHUP: the log is opened anew, the configuration read; ${changes.length === 0 ? "nothing differs" : "what differs is applied"}`,
      );
      for (const change of changes) log.info(formatChange(change));
    } catch (error) {
      if (!(error instanceof VnetError)) throw error;
      for (const line of error.message.split("\n"))
        log.error(`SIGHUP: the configuration stays as it was: ${line}`);
    }
  };
  return () => {
    // The one that waits reads the newest.
    if (waiting > 0) return;
    waiting++;
    last = last.then(once);
  };
}

/** Writes down what happens to the node, but for what a terminal shows. */
function follow(
  node: Node,
  config: NodeConfig,
  log: Log,
  isShown: () => boolean,
): void {
  const bounded = boundNotices(log);
  node.onNotice(({ level, ...event }) => {
    if (!isShown()) bounded[level](event);
  });
  if (!isShown())
    log.info(`vnet ${config.vnet.name} of group ${config.vnet.group} starts`);
  void node.ready().then(() => {
    if (isShown()) return;
    const [serves, uses] = [node.serves(), node.uses()];
    const registered = serves.filter(({ state }) => state === "registered");
    const listening = uses.filter(({ state }) => state === "listening");
    log.info(
      `ready: ${registered.length} of ${count(serves.length, "serve")} registered, ${listening.length} of ${count(uses.length, "use")} listening`,
    );
  });
}

/** A warning for commands that nobody reads. A pipe that stays empty, as a service may have, is no reason for one. */
function tellOfInput(log: Log): void {
  const { stdin } = process;
  // What a screen's user types is the shell's.
  if (stdin.isTTY) return;
  const tell = () => {
    log.warn(
      "standard input is not read: with terminal=true, or --terminal, its lines are commands",
    );
  };
  const input = inputOrNull();
  if (input?.isFile() === true && input.size > 0) tell();
  if (input?.isFIFO() !== true && input?.isSocket() !== true) return;
  stdin.on("error", () => undefined);
  stdin.once("data", () => {
    stdin.pause();
    tell();
  });
  stdin.unref();
}

function inputOrNull(): Stats | null {
  try {
    return fstatSync(0);
  } catch {
    return null;
  }
}

/**
 * Resolves when the person leaves, or with the signal, the terminal closed. There is one while the shell has this process in
 * the foreground.
 */
function terminalExit(
  node: Node,
  {
    args,
    file,
    log,
    state,
    output,
    screen,
    job,
  }: Pick<Run, "args" | "file" | "log" | "state"> & Face & { job: OwnJob },
  signal: Promise<string>,
): Promise<string> {
  const { stdout } = process;
  const pager = screen.isDumb
    ? undefined
    : ownPager(args.noPager, () => job.stop());
  return new Promise((resolve) => {
    let terminal: Terminal | null = null;
    const open = () =>
      Terminal.start({
        control: node,
        input: process.stdin,
        output,
        screen,
        ...(pager && { pager }),
        ...(output !== stdout && {
          results: { output: stdout, screen: screenOf(stdout, args.noColor) },
        }),
        loadConfig: (path) => file.load(path),
        saves: file,
        historyFile: historyFile(state.folder),
        onStop: () => job.stop(),
        onExit: (how) => {
          process.off("SIGINT", interrupt);
          job.close();
          // Whoever lost his screen has not seen what runs.
          resolve(how === "left" ? "exit" : "lost screen");
        },
      });
    const interrupt = () => terminal?.interrupt();
    // The system makes a signal of the keys of a line that it edits itself.
    if (screen.isDumb) process.on("SIGINT", interrupt);
    job.follow((isForeground) => {
      if (isForeground) {
        if (terminal) terminal.redraw();
        else terminal = open();
        return;
      }
      // A pager that was stopped with this process has it until it ends.
      if (isScreenLent()) return;
      terminal?.close();
      terminal = null;
      log.info("in the background: `fg` brings the terminal back");
    });
    void signal.then((name) => {
      process.off("SIGINT", interrupt);
      job.close();
      terminal?.close();
      resolve(name);
    });
  });
}
