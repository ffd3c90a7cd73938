// What a configuration file means once it is read: plain typed values, every default filled in.
// Pure data; made by hub-config.ts and node-config.ts, compared by diff.ts.

import type { LogFormat, LogLevel } from "../log.js";

/** As an address to listen on: every one that this machine has, of IPv4 and IPv6. */
export const ALL_ADDRESSES = "";

/** `[route]`: where the hub listens; for a node, where the hub is. */
export interface RouteSettings {
  /** address or host name, IPv6 without brackets; a hub's may be ALL_ADDRESSES */
  ip: string;
  /** 1–65535 */
  port: number;
  /** empty: none; `auto`: the hub makes one and keeps it */
  authkey: string;
  /** node: the hub's key; empty: remembered at first contact */
  fingerprint: string;
  heartbeatIntervalMs: number;
  heartbeatTimeoutMs: number;
  /** node: between two attempts at the hub; 0: backing off */
  retryIntervalMs: number;
  /** hub: what its listener expects in front of everything else */
  proxyProtocol: boolean;
  /** networks with a space between: from where PROXY headers are believed */
  proxyFrom: string;
  connectLine: boolean;
  /** hub: the folder of its keys, as written; empty: the usual place */
  state: string;
}

/** `[log]` */
export interface LogSettings {
  level: LogLevel;
  format: LogFormat;
  /** empty: standard error */
  file: string;
}

/** `[limits]`, in the file's units. */
export interface LimitSettings {
  handshakeTimeoutSeconds: number;
  maxUnauthenticated: number;
  maxUnauthenticatedPerAddress: number;
  maxNodes: number;
  reservePercent: number;
  maxServesPerNode: number;
  maxLegsPerNode: number;
  maxFramesPerSecond: number;
}

/** `[vnet]`. Durations in seconds, as in the file. */
export interface VnetSettings {
  name: string;
  group: string;
  terminal: boolean;
  /** already true where `terminal` is false, as the document says */
  startserve: boolean;
  startuse: boolean;
  allowUnserve: boolean;
  unserveRemote: boolean;
  unserveNum: number;
  unserveTtlSeconds: number;
  unserveLingerSeconds: number;
  drainSeconds: number;
  /** empty: none */
  secret: string;
  encrypt: boolean;
  /** the folder of its keys, as written; empty: the usual place */
  state: string;
}

/** Programs of one serve, or of the way to a hub, that run at the same time. */
export const DEFAULT_MAX_PROCESSES = 64;

/** What happens when two serves want one id or name. */
export const SHARES = ["exclusive", "takeover", "balance"] as const;
export type Share = (typeof SHARES)[number];

/** `[serve.LABEL]` */
export interface ServeSettings {
  /** what stands behind the dot; the handle in the terminal, unique in a node */
  label: string;
  /** 1–499 preference, 500–999 static, 0: the hub chooses */
  serveid: number;
  type: string;
  ip: string;
  port: number;
  name: string;
  info: string;
  active: boolean;
  /** fingerprints with a space between; empty: the whole group */
  allow: string;
  share: Share;
  /** of exec: and vsock:, at the same time; absent: DEFAULT_MAX_PROCESSES */
  maxProcesses?: number;
  /** with share=takeover or balance: fingerprints of who else may have it; empty: who has shown the group's secret */
  peers: string;
  /** with type=http: the Host header that the service gets; empty: HTTP is not looked at */
  host: string;
  /** with host: the names that users may ask for, with spaces between; empty: those that are always allowed */
  hosts: string;
  /** with host: what users say of themselves in forwarding headers is believed */
  trustForwarded: boolean;
  /** whether its node looks if the service is there */
  check: boolean;
}

/** Whether the node with that fingerprint may have a serve as well that is shared. */
export function isPeer(
  { peers }: Pick<ServeSettings, "peers">,
  fingerprint: string,
): boolean {
  return peers === "" || peers.split(" ").includes(fingerprint);
}

/** `[use.LABEL]` */
export interface UseSettings {
  label: string;
  /** 1–999; 0: see the next two; none of the three: kept, disabled */
  serveid: number;
  /** NAME or NAME@NODE; empty: not by name */
  serve: string;
  /** NODE:PORT or NODE:IP:PORT, what nobody has registered; empty: not by address */
  to: string;
  ip: string;
  /** 0: the serve's own port */
  port: number;
  active: boolean;
  /** networks with a space between: who may connect; absent: everybody */
  from?: string;
  /** connections at the same time, in all and of one address; absent: no bound */
  maxConnections?: number;
  maxPerAddress?: number;
  /** a connection without a byte in either direction for so long is cut; absent: never */
  idleTimeoutSeconds?: number;
  /** of the node that it is to reach, or several with a space between; empty: the first one met is remembered */
  fingerprint: string;
}

/** `[public.LABEL]`: a use of the hub itself */
export interface PublicSettings extends UseSettings {
  group: string;
}

/** `[group.NAME]`; an empty key: the group has none of its own */
export interface GroupSettings {
  name: string;
  authkey: string;
  /** for the hub's own public ports only */
  secret: string;
}

export interface HubConfig {
  route: RouteSettings;
  log: LogSettings;
  groups: GroupSettings[];
  publics: PublicSettings[];
  limits: LimitSettings;
  /** `[limits] drain` */
  drainSeconds: number;
  warnings: string[];
}

export interface NodeConfig {
  route: RouteSettings;
  log: LogSettings;
  vnet: VnetSettings;
  serves: ServeSettings[];
  uses: UseSettings[];
  /** one line each, about things that work but deserve a look */
  warnings: string[];
}

/** The numbers of the id space, in one place. */
export const SERVEID = { none: 0, min: 1, staticMin: 500, max: 999 } as const;

/** How many dynamic serveids one node gets where the hub keeps a tenth for others (`[limits] reserve`). */
export const DYNAMIC_IDS_OF_ONE = 450;

/** Why some of so many serves will not open; null: all have an id. */
export function shortOfIds(dynamic: number): string | null {
  if (dynamic <= DYNAMIC_IDS_OF_ONE) return null;
  return `${dynamic} serves want a dynamic serveid, of which a group has ${SERVEID.staticMin - SERVEID.min} and a hub gives one node ${DYNAMIC_IDS_OF_ONE} ([limits] reserve): the rest does not open. Write a serveid of their own (${SERVEID.staticMin}–${SERVEID.max}) for some, or divide them among nodes of several groups`;
}

/** Keys in one `peers=`. */
export const MAX_PEERS = 64;

/** The number that its provider gave to an unserve: `u3`. */
export function formatUnserve(unserve: number): string {
  return `u${unserve}`;
}

/** `7` → `"007"` */
export function formatServeid(serveid: number): string {
  return String(serveid).padStart(3, "0");
}

/** `1` → `"01"`; grows past 99 without a limit */
export function formatVnetid(vnetid: number): string {
  return String(vnetid).padStart(2, "0");
}
