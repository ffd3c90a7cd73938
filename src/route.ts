// The hub's program: reads its configuration, starts the hub, waits for the end.

import { join } from "node:path";
import type { HubConfig } from "./config/config.js";
import { AUTO, SECRET } from "./config/value.js";
import { parseHubConfig } from "./config/hub-config.js";
import { readConfigFile } from "./config/file.js";
import { VnetError } from "./errors.js";
import { Hub } from "./hub/hub.js";
import { KeyRing } from "./hub/key-ring.js";
import { limitsFrom } from "./hub/limits.js";
import { HostKey } from "./keys/host-key.js";
import { readOrMakeKeyFile } from "./keys/key-file.js";
import { createSecret } from "./keys/secret.js";
import type { Log } from "./log.js";
import { formatAddress } from "./net/address.js";
import {
  openKeysWarning,
  keygen,
  run,
  software,
  stateFolder,
  stderrLog,
  terminationSignal,
  type ProgramArguments,
} from "./program.js";

const HELP = `Usage: ./route [options] [config.ini]
       ./route keygen    print a good authkey

The hub of a virtual LAN: nodes connect to it, it keeps the list of their
services and copies their bytes. Reads [route] of the file (default:
config.ini in this folder).

Options:
  --check        say what would run, start nothing
  -h, --help     this text
  -V, --version  the version

Exit status: 0 fine, 1 failed at run time, 2 usage or configuration error.
`;

await run({
  name: "route",
  help: HELP,
  takesCommands: false,
  verbs: { keygen },
  main,
});

async function main({ file, check }: ProgramArguments): Promise<0> {
  const config = parseHubConfig(await readConfigFile(file), file);
  const address = formatAddress(config.route.ip, config.route.port);
  if (check) {
    for (const warning of config.warnings)
      process.stdout.write(`warning: ${warning}\n`);
    process.stdout.write(`${file} is fine: a hub on ${address}\n`);
    return 0;
  }
  const log = stderrLog();
  const folder = stateFolder(file);
  const hostKey = await HostKey.load(join(folder, "hub.key"));
  const authkey = await authkeyOf(config, folder, log);
  for (const warning of config.warnings) log.warn(warning);
  const holdsKeys =
    config.groups.length > 0 || !["", AUTO].includes(config.route.authkey);
  const openKeys = openKeysWarning(file, holdsKeys);
  if (openKeys !== null) log.warn(openKeys);
  const ended = terminationSignal();
  const hub = await Hub.start({
    host: config.route.ip,
    port: config.route.port,
    software: software("vnet"),
    log,
    hostKey,
    keys: await KeyRing.make(authkey, config.groups),
    limits: limitsFrom(config.limits),
  });
  log.info(`the hub's key is ${hostKey.fingerprint}`);
  log.info(`the hub listens on ${address}`);
  log.info(`${await ended}: the hub closes`);
  await hub.close();
  return 0;
}

/** The hub's own key; with `auto` the one made at the first start, which is printed then and only then. */
async function authkeyOf(
  { route }: HubConfig,
  folder: string,
  log: Log,
): Promise<string | null> {
  if (route.authkey === "") return null;
  if (route.authkey !== AUTO) return route.authkey;
  const path = join(folder, "authkey");
  const make = () => Buffer.from(`${createSecret()}\n`);
  const { bytes, isNew } = await readOrMakeKeyFile(path, make);
  const authkey = SECRET.parse(bytes.toString().trim());
  if (authkey === undefined)
    throw new VnetError(
      "config",
      `${path}: this key file is damaged; restore it from a copy, or remove it to get a new key (every node needs it then)`,
    );
  if (isNew) {
    log.info(
      `an authkey was made and is kept in ${path}; every node needs it:`,
    );
    process.stdout.write(`authkey=${authkey}\n`);
  } else log.info(`the authkey is the one in ${path}`);
  return authkey;
}
