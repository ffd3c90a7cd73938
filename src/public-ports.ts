// The hub's own ports (`[public.X]`): uses of nodes that live in the hub's process, one for each group that has some.
// They come to the hub through memory and are nodes like any other: the hub itself still reads nothing.

import { VnetError } from "./errors.js";
import type { HubConfig, NodeConfig } from "./config/config.js";
import type { Hub } from "./hub/hub.js";
import type { HostKey } from "./keys/host-key.js";
import type { Identity } from "./keys/identity.js";
import { KnownHubs } from "./keys/known-hubs.js";
import type { KnownNodes } from "./keys/known-nodes.js";
import type { Log } from "./log.js";
import { Listener, type ListenerOptions } from "./net/listener.js";
import { openFiles } from "./net/open-files.js";
import { reset } from "./net/reset.js";
import { boundNotices } from "./program-log.js";
import { PublicState } from "./public-state.js";
import type { SharedPort } from "./shared-port.js";
import type { UseView } from "./node/control.js";
import { Node } from "./node/node.js";

/** How the hub's own nodes are called in their groups. */
const NAME = "hub";

export interface PublicPortsOptions {
  config: HubConfig;
  /** the hub's, as it is after `auto`; null: none */
  authkey: string | null;
  hub: Hub;
  sharedPort: SharedPort;
  hostKey: HostKey;
  /** of these nodes */
  identity: Identity;
  /** whom the ports have reached; one for all of these nodes */
  knownNodes: KnownNodes;
  software: string;
  /** see ChoiceParts */
  trustCall: (wanted: string) => string;
  log: Log;
}

export class PublicPorts {
  private constructor(
    private readonly nodes: readonly Node[],
    private readonly states: ReadonlyMap<string, PublicState>,
  ) {}

  static start(options: PublicPortsOptions): PublicPorts {
    const { config, identity, hub, sharedPort, software, log } = options;
    const { knownNodes } = options;
    const groups = [...new Set(config.publics.map(({ group }) => group))];
    log.info(
      `public ports are opened by vnet ${NAME}, key ${identity.fingerprint}`,
    );
    const guard = createGuard();
    const bounded = boundNotices(log);
    const states = new Map(
      config.publics.map((settings) => {
        const { label, ip: host, port } = settings;
        const isShared = sharedPort.isAt({ host, port });
        return [label, new PublicState(settings, isShared, bounded)];
      }),
    );
    const see = (use: UseView) => states.get(use.label)?.see(use);
    const nodes = groups.map((group) => {
      const node = Node.start({
        config: nodeConfig(group, options),
        software,
        identity,
        // The hub's key is pinned: nothing has to be remembered.
        knownHubs: new KnownHubs(null),
        knownNodes,
        secretPlace: `[group.${group}] secret`,
        trustCall: options.trustCall,
        dialHub: () => Promise.resolve(hub.connect()),
        listen: (asked) => {
          const listener = guard(asked);
          return sharedPort.isAt(listener)
            ? sharedPort.listen(listener)
            : Listener.start(listener);
        },
        onUse: (use) => {
          if (!isFirstTry(use)) see(use);
        },
      });
      // That it waits for the first answer of this same process is nothing to tell.
      let isReady = false;
      const isFirstTry = ({ state }: UseView) =>
        !isReady && state === "waiting" && node.view().linkError === null;
      const seeAll = () => {
        for (const use of node.uses()) if (!isFirstTry(use)) see(use);
      };
      void node.ready().then(() => {
        isReady = true;
        seeAll();
      });
      seeAll();
      node.onNotice(({ level, who = "", ...event }) => {
        // That nodes and serves come and go is in the hub's log already.
        if (level === "info") return;
        const title = `public, group ${group}: ${who}`.trim();
        bounded[level]({ who: title, ...event });
      });
      return node;
    });
    return new PublicPorts(nodes, states);
  }

  /** They stop listening. */
  async retire(): Promise<void> {
    for (const state of this.states.values()) state.close();
    await Promise.all(this.nodes.map((node) => node.retire()));
  }

  /** Idempotent. */
  async close(): Promise<void> {
    for (const state of this.states.values()) state.close();
    await Promise.all(this.nodes.map((node) => node.close()));
  }
}

/** Users of public ports leave so much of the descriptors for nodes and their channels. */
const KEPT_SHARE = 1 / 4;

/** Lets in whom there is room for beside that share, his channel's leg included. */
function createGuard(): (listener: ListenerOptions) => ListenerOptions {
  /** users whose leg has not come yet */
  let waiting = 0;
  return (listener) => ({
    ...listener,
    onConnection: (connection, peer) => {
      const { limit, room } = openFiles;
      const needed = waiting + 2;
      if (limit < Infinity && openFiles.isShort(room * KEPT_SHARE + needed)) {
        connection.on("error", () => undefined);
        reset(connection);
        const text = `three quarters of the ${limit} open files are taken, the rest is kept for nodes (raise it: \`ulimit -n\`, or LimitNOFILE= of the systemd unit)`;
        listener.onError(new VnetError("network", text));
        return;
      }
      waiting++;
      // It is taken over as soon as there is a channel for it, and this duplex is over then.
      connection.once("close", () => {
        waiting--;
      });
      listener.onConnection(connection, peer);
    },
  });
}

function nodeConfig(
  group: string,
  { config, authkey, hostKey }: PublicPortsOptions,
): NodeConfig {
  const keys = config.groups.find(({ name }) => name === group);
  const own = keys?.authkey ?? "";
  return {
    route: {
      ...config.route,
      authkey: own === "" ? (authkey ?? "") : own,
      fingerprint: hostKey.fingerprint,
    },
    log: config.log,
    vnet: {
      name: NAME,
      group,
      terminal: false,
      startserve: true,
      startuse: true,
      allowUnserve: false,
      unserveRemote: false,
      unserveNum: 0,
      unserveTtlSeconds: 1,
      unserveLingerSeconds: 1,
      drainSeconds: 0,
      secret: keys?.secret ?? "",
      encrypt: true,
      state: "",
    },
    serves: [],
    uses: config.publics
      .filter((port) => port.group === group)
      .map(({ group: _group, ...use }) => use),
    warnings: [],
  };
}
