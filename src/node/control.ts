// What a node offers to whoever drives it (the terminal, -e, tests): commands and snapshots of its state.
// Types only; node.ts implements them. Ids are numbers here, their padded form is the terminal's business.

import type {
  NodeConfig,
  ServeSettings,
  Share,
  UseSettings,
  VnetSettings,
  RouteSettings,
} from "../config/config.js";
import type { ConfigChange } from "../config/diff.js";
import type { EntryChange } from "../config/unsaved.js";
import type { LogEvent } from "../log.js";

/** Where a serve or use came from: the file, the terminal, or an unserve. */
export type Origin = "config" | "terminal" | "unserve";

/** A serve of this node. `serveid` is the id the hub gave, or the wanted one while it is not registered (0: none). */
export interface ServeView {
  label: string;
  serveid: number;
  /** of an unserve: the number by which its requester knows it; then `serveid` is 0 */
  unserve?: number;
  name: string;
  type: string;
  ip: string;
  port: number;
  info: string;
  share: Share;
  active: boolean;
  /** inactive: not wanted at the hub; waiting: no hub just now; registered; refused: see `error`; lent: an unserve */
  state: "inactive" | "waiting" | "registered" | "refused" | "lent";
  error: string | null;
  origin: Origin;
  /** streams open at this moment */
  streams: number;
}

/** A use of this node. `port` is 0 while it is not known yet (a serve's own port, serve not seen yet). */
export interface UseView {
  label: string;
  /** of the serve that it reaches, or wants; 0: none is known */
  serveid: number;
  /** of the unserve that it reaches; then `serveid` is 0 */
  unserve?: number;
  /** what it wants, as written: `700`, `mysql@home`, `home:127.0.0.1:22` */
  wanted: string;
  ip: string;
  port: number;
  active: boolean;
  /** inactive; waiting: serve, provider or hub not there, nothing listens; listening; error: see `error` */
  state: "inactive" | "waiting" | "listening" | "error";
  /** why it waits or failed, or the newest refusal of a stream while listening; one line, or null */
  error: string | null;
  /** whom it reaches; where serves are balanced, the one that was there first; where they take over, the latest */
  remote: RemoteServe | null;
  /** how many nodes it reaches: more than one where they are balanced, or where earlier ones stand behind the latest */
  providers: number;
  /** the fingerprint of a key that it refuses in place of the one that it knows; null: it refuses none */
  refusedKey: string | null;
  origin: Origin;
  streams: number;
}

/** A serve of the group, as the hub's directory has it, or what a node lends to this one. */
export interface RemoteServe {
  serveid: number;
  /** of an unserve: the number that its node gave it; then `serveid` is 0 */
  unserve?: number;
  /** the node that offers it */
  vnetid: number;
  vnet: string;
  name: string;
  type: string;
  ip: string;
  port: number;
  info: string;
  share: Share;
  /** whether the service is there, as far as its node knows; absent: up */
  service?: "up" | "down" | undefined;
  /** true: another node had its name first, so the bare name does not mean this one */
  namesake?: boolean | undefined;
  /** with share=takeover: when it came, by the hub's clock; of several the latest is meant */
  since?: number | undefined;
}

export interface RemoteNode {
  vnetid: number;
  name: string;
  /** how many serves it shows to this node */
  serves: number;
  /** true for this node itself */
  self: boolean;
  fingerprint: string;
  /** see Trust */
  trusted: Trust;
}

/**
 * Of a node. `yes`: it has shown the group's secret, so that nobody, not even the hub, can have put it there. `no`: it has
 * failed to show it, and nothing of it is used. `unknown`: there was no channel to it yet, or no secret is set.
 */
export type Trust = "yes" | "no" | "unknown";

/** A serve in a list. */
export interface ListedServe extends RemoteServe {
  trusted: Trust;
  /** another one, which is not untrusted, came later and takes over */
  overtaken: boolean;
}

export type LinkState = "connecting" | "online" | "offline" | "closed";

export interface NodeView {
  name: string;
  /** one of `-e`: nobody sees it, it opens nothing, and it ends with its commands */
  guest: boolean;
  group: string;
  /** 0 while not connected */
  vnetid: number;
  /** this node's own key */
  fingerprint: string;
  /** host:port of the hub */
  hub: string;
  /** of the hub reached last; empty: none yet */
  hubFingerprint: string;
  link: LinkState;
  /** why the link is down, and what happens next; one line, or null */
  linkError: string | null;
  /** while it is not online: what it waits for; one line, or null */
  waitsFor: string | null;
  /** the newest heartbeat's round trip, or null */
  rttMs: number | null;
  settings: VnetSettings;
  route: RouteSettings;
  /** streams now and since the start; bytes of user data since the start */
  streams: { now: number; total: number; bytesIn: number; bytesOut: number };
  channels: { idle: number; busy: number };
}

export interface PingResult {
  /** one for each probe, in milliseconds; the whole way */
  rttMs: number[];
  /** for a node: the two parts of the way, each with one value a probe, and how the channel runs */
  path: { kind: "relay"; hubMs: number[]; nodeMs: number[] } | null;
}

/** A thing that happened, for the person in front of the terminal or for the log. One line. */
/** What a person should know; reads as a sentence, see LogEvent. */
export interface Notice extends LogEvent {
  level: "info" | "warn" | "error";
}

/** Where a use listens. */
export interface LocalAddress {
  ip: string;
  port: number;
}

export interface NodeControl {
  readonly config: NodeConfig;

  view(): NodeView;
  serves(): ServeView[];
  uses(): UseView[];
  /**
   * What the group offers, in the order in which it came, which is made one by one: there may be many. Throws VnetError
   * `closed` while the hub is not reached.
   */
  remoteServes(): Iterable<ListedServe>;
  remoteNodes(): Iterable<RemoteNode>;
  /** the last directory known, also while offline; for completion, never throws */
  knownServes(): Iterable<ListedServe>;
  knownNodes(): Iterable<RemoteNode>;
  /** One of them. */
  knownNode(vnetid: number): Pick<RemoteNode, "vnetid" | "name"> | undefined;

  /**
   * Defines a serve made in the terminal. With `active` it is registered: resolves when the hub answered (or at
   * once with state `waiting` while there is no hub), rejects with the hub's reason, and then there is no such serve.
   * Throws VnetError `usage` when its label, or its static serveid, is already taken in this node.
   */
  addServe(settings: ServeSettings): Promise<ServeView>;
  /** Rejects with the hub's reason; the serve stays, refused, and is asked for again. */
  openServe(label: string): Promise<ServeView>;
  closeServe(label: string): Promise<ServeView>;
  deleteServe(label: string): Promise<void>;

  /**
   * Defines a use made in the terminal. With `active` it resolves when it listens or waits; rejects with VnetError
   * `network` when it cannot listen, and then there is no such use. Throws VnetError `usage` when its label, or its
   * address, is another use's.
   */
  addUse(settings: UseSettings): Promise<UseView>;
  /** Resolves when it listens, waits or failed to listen (see state), which is tried again. */
  openUse(label: string): Promise<UseView>;
  closeUse(label: string): Promise<UseView>;
  /** Accepts the key that the use refuses. Rejects with VnetError `usage` where it refuses none. */
  trustUse(label: string): Promise<UseView>;
  deleteUse(label: string): Promise<void>;

  /** Asks node `vnetid` for a service that it has not registered. Rejects with its reason. Nothing is mapped yet. */
  requestUnserve(request: {
    vnetid: number;
    ip: string;
    port: number;
  }): Promise<RemoteServe>;
  /**
   * Maps what requestUnserve brought; the use goes when the unserve goes. `port` 0: the serve's own. Rejects as addUse
   * does; whoever does not want it any more then gives it back.
   */
  mapUnserve(granted: RemoteServe, local: LocalAddress): Promise<UseView>;
  /** Gives back what requestUnserve brought and nobody mapped. Never throws. */
  withdrawUnserve(granted: RemoteServe): void;

  /** Round trip to the hub, or to a node through a channel. */
  ping(vnetid: number | null, probes: number): Promise<PingResult>;

  /** Applies only what differs; what was made in the terminal stays. Resolves when all of it is applied. */
  reload(config: NodeConfig): Promise<ConfigChange[]>;

  /** What was made, deleted, opened and closed in the terminal: what the file, as it was read last, does not say. */
  unsaved(): EntryChange[];
  /**
   * These are in the file now. What came of them counts as the file's from now on.
   * @param read the configuration of a new file, which says what runs
   */
  saved(changes: readonly EntryChange[], read?: NodeConfig): void;

  /** Every notice from now on, until the returned function is called. */
  onNotice(listener: (notice: Notice) => void): () => void;

  /** Closes everything, newest first. Idempotent. */
  close(): Promise<void>;
}
