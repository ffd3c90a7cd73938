// The node's program: reads its configuration, starts the node, and gives it a terminal, a script, or just a log.

import { join } from "node:path";
import { createInterface } from "node:readline";
import { readConfigFile } from "./config/file.js";
import { formatServeid, type NodeConfig } from "./config/config.js";
import { parseNodeConfig } from "./config/node-config.js";
import type { Log } from "./log.js";
import { formatAddress } from "./net/address.js";
import { Identity } from "./keys/identity.js";
import { KnownHubs } from "./keys/known-hubs.js";
import { Node } from "./node/node.js";
import type { NodeOptions } from "./node/parts.js";
import {
  openKeysWarning,
  keygen,
  run,
  software,
  stateFolder,
  stateHome,
  stderrLog,
  terminationSignal,
  type ExitStatus,
  type ProgramArguments,
} from "./program.js";
import { runCommands, runScript } from "./terminal/script.js";
import { Terminal } from "./terminal/terminal.js";

const HELP = `Usage: ./vnet [options] [config.ini]
       ./vnet keygen     print a good authkey or secret

A node of a virtual LAN: offers local services to its group through a hub, and
maps those of others to local ports. Reads the file (default: config.ini in
this folder); with terminal=true it takes commands, see \`help\` there.

Options:
  -e, --execute COMMAND  connect as a guest, run the command, print, exit;
                         may be given several times
  --check                say what would run, start nothing
  --no-color             no colours (as with NO_COLOR)
  -h, --help             this text
  -V, --version          the version

Exit status: 0 fine, 1 failed at run time, 2 usage or configuration error.
`;

/** A guest's commands wait this long for the hub. */
const GUEST_TIMEOUT_MS = 5_000;

await run({
  name: "vnet",
  help: HELP,
  takesCommands: true,
  verbs: { keygen },
  main,
});

async function main(args: ProgramArguments): Promise<ExitStatus> {
  const loadConfig = async (path: string | null): Promise<NodeConfig> => {
    const file = path ?? args.file;
    return parseNodeConfig(await readConfigFile(file), file);
  };
  const config = await loadConfig(null);
  if (args.check) {
    process.stdout.write(describe(args.file, config));
    return 0;
  }
  const log = stderrLog();
  if (args.commands.length > 0)
    return runAsGuest(args.commands, args.file, config, loadConfig);
  for (const warning of config.warnings) log.warn(warning);
  const { route, vnet } = config;
  const holdsKeys = route.authkey !== "" || vnet.secret !== "";
  const openKeys = openKeysWarning(args.file, holdsKeys);
  if (openKeys !== null) log.warn(openKeys);
  await runNode(args, config, loadConfig, log);
  return 0;
}

type LoadConfig = (path: string | null) => Promise<NodeConfig>;

async function runAsGuest(
  commands: string[],
  file: string,
  config: NodeConfig,
  loadConfig: LoadConfig,
): Promise<ExitStatus> {
  const node = Node.start({
    config,
    software: software("vnet"),
    guest: true,
    ...(await keysOf(file)),
  });
  try {
    await node.online(GUEST_TIMEOUT_MS);
    return (await runCommands(commands, {
      control: node,
      output: process.stdout,
      errorOutput: process.stderr,
      loadConfig,
      columns: process.stdout.isTTY ? process.stdout.columns : undefined,
    })) as ExitStatus;
  } finally {
    await node.close();
  }
}

/** What this configuration's node is known by, made at its first start. */
async function keysOf(
  file: string,
): Promise<Pick<NodeOptions, "identity" | "knownHubs">> {
  const folder = stateFolder(file);
  return {
    identity: await Identity.load(join(folder, "identity.key")),
    knownHubs: new KnownHubs(join(folder, "known_hubs")),
  };
}

async function runNode(
  args: ProgramArguments,
  config: NodeConfig,
  loadConfig: LoadConfig,
  log: Log,
): Promise<void> {
  const ended = terminationSignal();
  const node = Node.start({
    config,
    software: software("vnet"),
    ...(await keysOf(args.file)),
  });
  const isInteractive = config.vnet.terminal && process.stdin.isTTY;
  if (isInteractive) {
    await new Promise<void>((resolve) => {
      const terminal = Terminal.start({
        control: node,
        input: process.stdin,
        output: process.stdout,
        loadConfig,
        historyFile: join(stateHome(), "history"),
        color: args.color,
        onExit: resolve,
      });
      void ended.then(() => {
        terminal.close();
        resolve();
      });
    });
  } else {
    node.onNotice(({ level, text }) => {
      log[level](text);
    });
    log.info(`vnet ${config.vnet.name} of group ${config.vnet.group} starts`);
    await (config.vnet.terminal
      ? Promise.race([ended, scriptedExit(node, loadConfig)])
      : ended);
  }
  await node.close();
  // Input that is still open would keep the process alive.
  process.stdin.destroy();
}

/** Resolves when the piped script says `exit`; its mere end leaves the node running. */
async function scriptedExit(node: Node, loadConfig: LoadConfig): Promise<void> {
  const end = await runScript({
    control: node,
    input: createInterface({ input: process.stdin }),
    output: process.stdout,
    errorOutput: process.stderr,
    loadConfig,
  });
  if (end === "end") await new Promise<never>(() => undefined);
}

/** What --check prints. */
function describe(file: string, config: NodeConfig): string {
  const { route, vnet, serves, uses, warnings } = config;
  const starts = (active: boolean, all: boolean) =>
    active && all ? "" : ", inactive at start";
  const set = (text: string) => (text === "" ? "none" : "set");
  return [
    ...warnings.map((warning) => `warning: ${warning}`),
    `${file} is fine: vnet ${vnet.name} of group ${vnet.group}, hub ${formatAddress(route.ip, route.port)}, terminal ${vnet.terminal ? "on" : "off"}`,
    `authkey ${set(route.authkey)}, secret ${set(vnet.secret)}, channels ${vnet.encrypt ? "encrypted end to end" : "NOT encrypted (encrypt=false)"}`,
    ...serves.map(
      (serve) =>
        `serve ${serve.label}: ${formatServeid(serve.serveid)} ${serve.name} (${serve.type}), reaches ${formatAddress(serve.ip, serve.port)}${starts(serve.active, vnet.startserve)}`,
    ),
    ...uses.map(
      (use) =>
        `use ${use.label}: ${formatServeid(use.serveid)}, listens on ${use.port === 0 ? `${use.ip}, the serve's own port` : formatAddress(use.ip, use.port)}${starts(use.active, vnet.startuse)}`,
    ),
    vnet.allowUnserve
      ? `unserve: up to ${vnet.unserveNum}, ${vnet.unserveRemote ? "any address this machine reaches" : "loopback addresses only"}`
      : "unserve: not allowed",
    "",
  ].join("\n");
}
