// The hub's program: reads its configuration, starts the hub, waits for the end.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { called, trustCall } from "./called.js";
import { describeHub } from "./check.js";
import { ALL_ADDRESSES, type HubConfig } from "./config/config.js";
import { AUTO, SECRET } from "./config/value.js";
import { parseHubConfig } from "./config/hub-config.js";
import { mergeSections, sectionsFromFlags } from "./config/flags.js";
import { VnetError } from "./errors.js";
import { ClaimsFile } from "./hub/claims-file.js";
import { refuseForeignLinks } from "./foreign-links.js";
import { Hub } from "./hub/hub.js";
import { KeyRing } from "./hub/key-ring.js";
import { limitsFrom } from "./hub/limits.js";
import { HostKey } from "./keys/host-key.js";
import { Identity } from "./keys/identity.js";
import { KnownNodes } from "./keys/known-nodes.js";
import { readOrMakeKeyFile } from "./keys/key-file.js";
import { createSecret } from "./keys/secret.js";
import type { Log } from "./log.js";
import { formatAddress } from "./net/address.js";
import { Networks } from "./net/networks.js";
import { SharedPort } from "./shared-port.js";
import { PublicPorts } from "./public-ports.js";
import {
  openFilesWarnings,
  openKeysWarning,
  readConfig,
  run,
  software,
  openState,
  orImport,
  stateNews,
  KNOWN_NODES,
} from "./program.js";
import type { ProgramArguments } from "./program-arguments.js";
import { LOG_FLAGS, openLog } from "./program-log.js";
import {
  hangupAtStart,
  nextSignal,
  onHangup,
  secondSignal,
} from "./own-signals.js";
import {
  commandLineKeys,
  keyReader,
  keysFromEnvironment,
} from "./given-keys.js";
import { drain } from "./shutdown.js";
import { forgetVerb, initVerb, keygen, trustVerb } from "./verbs.js";

const HELP = `Usage: ./route [options] [config.ini]
       ./route --port 4000 [--authkey KEY]    no file
       ./route init [FILE]    write a first config.ini from one question
       ./route keygen         print a good authkey
       ./route forget NAME    end the memory of who held a name or an id
       ./route trust NAME     accept the new key of what a public port reaches

The hub of a virtual LAN: nodes connect to it, it keeps the list of their
services and copies their bytes. Reads the file (default: config.ini in this
folder); with --ip or --port none is needed. Options win over the file.

Options:
  --ip ADDRESS      where to listen (all addresses), also unix:/PATH
  --port PORT       the hub's one port (7749)
  --authkey-file FILE
                    who may use this hub, in a file; or the variable
                    VNET_AUTHKEY, or --authkey KEY, which others can read (ps);
                    without any of these and without a configuration file one
                    is made at the first start and printed
  --public SPEC     a port of the hub itself that leads to somebody's serve,
                    as [public.X]: WHAT[:[IP:]PORT][,key=value...], WHAT is a
                    serveid, NAME or NAME@NODE; several times
                    --public ssh@home:4000,ip=0.0.0.0
                    --public to=home:3389,port=3389
  --proxy-protocol  connections come through a proxy that says so
  --proxy-from NETWORKS
                    where that proxy is (loopback and private addresses)
  --log-level LEVEL, --log-format text|json, --log-file FILE
                    debug, info, warn or error; a line an event; instead of
                    standard error
  --state FOLDER    where its keys are kept, instead of a folder for each file
  --no-hup          SIGHUP does nothing (as with nohup)
  --check           say what would run, start nothing
  -h, --help        this text
  -V, --version     the version

SIGTERM, SIGINT, and SIGHUP where it runs in a terminal, end it when running
streams have ended, or their time is over ([limits] drain); a second one at
once. Without a terminal SIGHUP opens the log anew.

Exit status: 0 fine, 1 failed at run time, 2 usage or configuration error.
`;

/** What counts without a file where the options say nothing else. */
const WITHOUT_FILE = sectionsFromFlags([
  { name: "", target: { section: "route", key: "authkey" }, value: AUTO },
]);

await run({
  name: "route",
  help: HELP,
  takesCommands: false,
  flags: {
    ip: { section: "route", key: "ip" },
    port: { section: "route", key: "port" },
    authkey: { section: "route", key: "authkey" },
    "authkey-file": { section: "route", key: "authkey_file" },
    "proxy-protocol": {
      section: "route",
      key: "proxy_protocol",
      isSwitch: true,
    },
    "proxy-from": { section: "route", key: "proxy_from" },
    public: { section: "public", key: null },
    ...LOG_FLAGS,
  },
  standsAlone: ["ip", "port"],
  verbs: {
    init: initVerb("route"),
    keygen,
    forget: forgetVerb,
    trust: trustVerb("route"),
  },
  main,
});

async function main(args: ProgramArguments): Promise<0> {
  const hangup = hangupAtStart(args.noHup);
  // Before the log is open there is nothing to open anew.
  let reload: () => void = () => undefined;
  onHangup(hangup, () => reload());
  const { text, title } = await readConfig(args);
  const keyWarnings = commandLineKeys(args.flags);
  const flags = [
    ...(args.file === null ? WITHOUT_FILE : []),
    ...keysFromEnvironment("route"),
    ...args.flags,
  ];
  const readKey = keyReader(args.file, keyWarnings);
  const given = mergeSections([], flags);
  let config;
  try {
    config = parseHubConfig(text, title, given, readKey);
  } catch (error) {
    throw await orImport(error, { file: args.file, text });
  }
  refuseForeignLinks(title, config);
  if (args.check) {
    process.stdout.write(describeHub(title, config));
    return 0;
  }
  const { folder, adopted, lock } = await openState(
    "route",
    args,
    config.route.state,
  );
  const log = await openLog(config.log, title);
  reload = () => {
    log.reopen();
    log.info(
      "SIGHUP: the log is opened anew; what changed in the configuration counts at the next start",
    );
  };
  const isFirst = !existsSync(join(folder, "hub.key"));
  const hostKey = await HostKey.load(join(folder, "hub.key"));
  // All that can fail does so before the hub listens.
  const publicKeys =
    config.publics.length === 0
      ? null
      : {
          identity: await Identity.load(join(folder, "public.key")),
          knownNodes: await KnownNodes.load(join(folder, KNOWN_NODES)),
        };
  const authkey = await authkeyOf(config, folder, log);
  for (const line of stateNews(folder, { adopted, isFirst })) log.info(line);
  for (const warning of [
    ...keyWarnings,
    ...config.warnings,
    ...openFilesWarnings(),
    ...openKeysWarning(args.file, text),
  ])
    log.warn(warning);
  const firstSignal = nextSignal(hangup);
  const sharedPort = new SharedPort(config.route);
  const isShared = config.publics.some(({ ip, port }) =>
    sharedPort.isAt({ host: ip, port }),
  );
  const memory = ClaimsFile.open(folder, log);
  const hub = await Hub.start({
    ...(isShared && { onPlain: sharedPort.take }),
    host: config.route.ip,
    port: config.route.port,
    ...(config.route.proxyProtocol && {
      proxyFrom: new Networks(config.route.proxyFrom),
    }),
    connectLine: config.route.connectLine,
    software: software("vnet"),
    log,
    hostKey,
    keys: await KeyRing.make(authkey, config.groups),
    limits: limitsFrom(config),
    claims: memory.claims,
  });
  memory.onForgotten = (group, claims) => {
    hub.forgotten(group, claims);
  };
  log.info(`the hub's key is ${hostKey.fingerprint}`);
  log.info(`the hub listens on ${placeOf(hub, config.route)}`);
  const publicPorts =
    publicKeys &&
    PublicPorts.start({
      config,
      authkey,
      hub,
      sharedPort,
      hostKey,
      ...publicKeys,
      software: software("vnet"),
      trustCall: trustCall(called("route"), args, folder),
      log,
    });
  log.info("ready: nodes can join");
  const signal = await firstSignal;
  // The next hub may start while streams of this one run; what is remembered is its from then on.
  await memory.close();
  lock.release();
  await drain({
    signal,
    nextSignal: secondSignal(),
    what: {
      retire: async () => {
        await publicPorts?.retire();
        await hub.retire();
      },
      get running() {
        return hub.running;
      },
    },
    drainSeconds: config.drainSeconds,
    log,
  });
  await publicPorts?.close();
  await hub.close();
  return 0;
}

/** Where it listens, also where nobody said so. */
function placeOf(hub: Hub, { ip, port }: HubConfig["route"]): string {
  const address = formatAddress(hub.host, port);
  if (ip !== ALL_ADDRESSES) return address;
  return hub.host === "::"
    ? `${address}, all addresses of IPv6 and IPv4`
    : `${address}, all addresses of IPv4`;
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
