// What the programs do besides running: the first word of the command line names it. Uses `process` as they do.

import { existsSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { called } from "./called.js";
import { parseHubConfig } from "./config/hub-config.js";
import { VnetError } from "./errors.js";
import { createSecret } from "./keys/secret.js";
import { hangupAtStart, nextSignal } from "./own-signals.js";
import { printable } from "./printable.js";
import { ownSeat, screenOf } from "./own-screen.js";
import { giveUpOnStopped } from "./screen/tty-output.js";
import { parseArguments } from "./program-arguments.js";
import { KNOWN_NODES, readConfig } from "./program.js";
import { stateFolder } from "./state-folder.js";
import { trustNode } from "./trust.js";
import type { Verb } from "./verb.js";

/** Prints a secret that nobody guesses. */
export const keygen: Verb = {
  parameters: [],
  help: "Prints a good authkey or secret: random, another one each time.\n",
  run() {
    process.stdout.write(`${createSecret()}\n`);
    return Promise.resolve(0);
  },
};

const importHelp = (
  vnet: string,
) => `Prints the configuration of another program as one of vnet or route, with a
comment for each thing that has no counterpart. Writes and starts nothing:
  ${vnet} import frpc.toml > config.ini

Reads qjw-proxy's JSON (in and out), port-proxy's YAML (server and client),
frp's INI, TOML, YAML or JSON (frpc and frps), and rathole's TOML.

frp fills in {{ .Envs.NAME }} at its start; so does this, from the environment
or from --env NAME=VALUE, which may stand several times.

--server FRPS-FILE is for the file of a frpc: where frps opened the ports for
everybody, and which of them, stands in its own file.

Ports of the server belong into the hub's own file: they are comments at the
end, and a line on standard error counts them.

Exit status: 0 fine; 3 printed, but something that decided who reaches what is
not in it, and a line on standard error names it; 2 nothing could be printed.
`;

/** Prints another program's configuration as ours. */
export const importVerb: Verb = {
  parameters: ["FILE"],
  options: { server: "FRPS-FILE" },
  lists: { env: "NAME=VALUE" },
  get help() {
    return importHelp(called("vnet"));
  },
  async run([file = ""], _noColor, { server }, { env = [] }) {
    const given = env.map((text): [name: string, value: string] => {
      const at = text.indexOf("=");
      if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
      throw new VnetError(
        "usage",
        "vnet import: --env wants NAME=VALUE, and found no = behind a name",
      );
    });
    const environment = { ...process.env, ...Object.fromEntries(given) };
    // Loaded here, so that a node's start does not wait for it.
    const { importFile } = await import("./import/import.js");
    const { text, losses, notes } = await importFile(file, called, {
      server,
      environment,
    });
    process.stdout.write(text);
    for (const loss of [...losses, ...notes])
      process.stderr.write(`! ${printable(`${file}: ${loss}`)}\n`);
    return losses.length === 0 ? 0 : 3;
  },
};

const FORGET_HELP = `Ends the hub's memory of who held a name or an id: of a node, a serve or a
static serveid. Whoever asks for it next has it. A hub that runs does this
within seconds; who is there at that moment keeps what it has until it leaves.
FILE is the hub's configuration (config.ini); of a hub without a file give the
--ip, --port and --state that it was started with.
`;

/** Ends claims of the hub's memory. */
export const forgetVerb: Verb = {
  parameters: ["NAME|ID", "[FILE]"],
  options: {
    group: "GROUP",
    state: "FOLDER",
    ip: "ADDRESS",
    port: "PORT",
  },
  help: FORGET_HELP,
  async run([text = "", file], _noColor, { group, ...start }) {
    const { forget } = await import("./forget.js");
    const flags = Object.entries(start).flatMap(([name, value]) =>
      value === undefined ? [] : [`--${name}`, value],
    );
    const { said, isFound } = forget({
      folder: await hubFolder([
        ...flags,
        ...(file === undefined ? [] : [file]),
      ]),
      text,
      group,
    });
    process.stdout.write(`${said.map(printable).join("\n")}\n`);
    return isFound ? 0 : 1;
  },
};

/** Where the hub of this command line keeps its state. */
async function hubFolder(argv: string[]): Promise<string> {
  const key = (name: string) => ({ section: "route" as const, key: name });
  const options = {
    name: "route" as const,
    takesCommands: false,
    flags: { ip: key("ip"), port: key("port") },
    standsAlone: ["ip", "port"],
  };
  const args = parseArguments(options, argv);
  if (typeof args === "string") throw new Error("no such options");
  if (args.state !== null) return stateFolder(args, "");
  const { text, title } = await readConfig(args);
  const anywhere = args.file === null ? "[route]\n" : text;
  const { route } = parseHubConfig(anywhere, title, args.flags);
  return stateFolder(args, route.state);
}

/** Accepts the key that a use, or a public port, refuses. */
export function trustVerb(program: "route" | "vnet"): Verb {
  return {
    parameters: ["NAME", "[FILE]"],
    options: { state: "FOLDER" },
    help: `A ${program === "vnet" ? "use" : "public port"} remembers the key of the node that it reached first, and refuses another
one. This accepts the refused one: ask the owner of that node for its
fingerprint first. NAME is what follows the dot of the section, what it asks
for (700, NAME, NAME@NODE, NODE:PORT), or the name of the node. Works beside
the running program, which looks again within two seconds. FILE is its
configuration (config.ini where none is named); --state is the folder of its
keys, where it was started with that or without a file.
`,
    async run([name = "", named], _noColor, { state = null }) {
      const usual = "config.ini";
      // One that was started without a file has its keys in a folder all the same.
      const isAlone = state !== null && !existsSync(usual);
      const file = named ?? (isAlone ? null : usual);
      const config = await readConfig({ file });
      const { title } = config;
      const text = file === null ? null : config.text;
      const args = { file, name: program, state };
      const pathOf = (state: string) =>
        join(stateFolder(args, state), KNOWN_NODES);
      const said = await trustNode({ program, name, text, title, pathOf });
      process.stdout.write(said);
      return 0;
    },
  };
}

/** Writes a first configuration file from a few questions. */
export function initVerb(program: "route" | "vnet"): Verb {
  return {
    parameters: ["[FILE]"],
    help: `Asks a few questions and writes a commented configuration file (config.ini
where none is named) that only you can read. One that is there is kept beside
it as FILE.old, and only replaced if you say so.
`,
    async run([file = "config.ini"], noColor) {
      if (ownSeat() !== "screen")
        throw new VnetError(
          "usage",
          `${program} init asks questions and needs a terminal; without one copy config.ini.example to ${file} and edit it`,
        );
      const ended = new AbortController();
      void nextSignal(hangupAtStart(false)).then(() => {
        ended.abort();
        giveUpOnStopped();
      });
      const { init } = await import("./terminal/init/init.js");
      const isWritten = await init({
        program,
        called: called(program),
        file,
        hostName: hostname(),
        isWindows: process.platform === "win32",
        input: process.stdin,
        output: process.stdout,
        screen: screenOf(process.stdout, noColor),
        signal: ended.signal,
      });
      // Input that is still open would keep the process alive.
      process.stdin.destroy();
      return isWritten ? 0 : 1;
    },
  };
}
