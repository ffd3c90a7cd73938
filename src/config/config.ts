// What a configuration file means once it is read: plain typed values, every default filled in.
// Pure data; made by hub-config.ts and node-config.ts, compared by diff.ts.

/** `[route]`: where the hub listens; for a node, where the hub is. */
export interface RouteSettings {
  /** address or host name; IPv6 without brackets */
  ip: string;
  /** 1–65535 */
  port: number;
  /** empty: none; `auto`: the hub makes one and keeps it */
  authkey: string;
  /** node: the hub's key; empty: remembered at first contact */
  fingerprint: string;
}

/** `[limits]`, in the file's units. */
export interface LimitSettings {
  handshakeTimeoutSeconds: number;
  maxUnauthenticated: number;
  maxUnauthenticatedPerAddress: number;
  maxNodes: number;
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
  /** empty: none */
  secret: string;
  encrypt: boolean;
}

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
}

/** `[use.LABEL]` */
export interface UseSettings {
  label: string;
  /** 1–999; 0: kept, disabled */
  serveid: number;
  ip: string;
  /** 0: the serve's own port */
  port: number;
  active: boolean;
}

export interface HubConfig {
  route: RouteSettings;
  /** the groups that have keys of their own */
  groups: { name: string; authkey: string }[];
  limits: LimitSettings;
  warnings: string[];
}

export interface NodeConfig {
  route: RouteSettings;
  vnet: VnetSettings;
  serves: ServeSettings[];
  uses: UseSettings[];
  /** one line each, about things that work but deserve a look */
  warnings: string[];
}

/** The numbers of the id space, in one place. */
export const SERVEID = { none: 0, min: 1, staticMin: 500, max: 999 } as const;

/** `7` → `"007"` */
export function formatServeid(serveid: number): string {
  return String(serveid).padStart(3, "0");
}

/** `1` → `"01"`; grows past 99 without a limit */
export function formatVnetid(vnetid: number): string {
  return String(vnetid).padStart(2, "0");
}
