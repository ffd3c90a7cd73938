// The hub's program: reads its configuration, starts the hub, waits for the end.

import { parseHubConfig } from "./config/hub-config.js";
import { readConfigFile } from "./config/file.js";
import { Hub } from "./hub/hub.js";
import { formatAddress } from "./net/address.js";
import {
  run,
  software,
  stderrLog,
  terminationSignal,
  type ProgramArguments,
} from "./program.js";

const HELP = `Usage: ./route [options] [config.ini]

The hub of a virtual LAN: nodes connect to it, it keeps the list of their
services and copies their bytes. Reads [route] of the file (default:
config.ini in this folder).

Options:
  --check        say what would run, start nothing
  -h, --help     this text
  -V, --version  the version

Exit status: 0 fine, 1 failed at run time, 2 usage or configuration error.
`;

await run({ name: "route", help: HELP, takesCommands: false, main });

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
  for (const warning of config.warnings) log.warn(warning);
  const ended = terminationSignal();
  const hub = await Hub.start({
    host: config.route.ip,
    port: config.route.port,
    software: software("vnet"),
    log,
  });
  log.info(`the hub listens on ${address}`);
  log.info(`${await ended}: the hub closes`);
  await hub.close();
  return 0;
}
