// Pure difference of two node configurations, for `reload`, and how a person
// reads it. Knows no file and no node; warnings are not compared.

import { formatServeid } from "./config.js";
import { formatWanted, targetOf } from "./target.js";
import type {
  LogSettings,
  NodeConfig,
  RouteSettings,
  ServeSettings,
  UseSettings,
  VnetSettings,
} from "./config.js";
import { describeLink, isLink } from "./link.js";

/** Of what is there afterwards, when the change was applied: whether it is active now. */
interface Outcome {
  active?: boolean;
}

/** One difference. `changed` names the keys, as written in the file, that differ. */
export type ConfigChange =
  | {
      kind: "route";
      before: RouteSettings;
      after: RouteSettings;
      changed: string[];
    }
  | {
      kind: "log";
      before: LogSettings;
      after: LogSettings;
      changed: string[];
    }
  | {
      kind: "vnet";
      before: VnetSettings;
      after: VnetSettings;
      changed: string[];
    }
  | ({ kind: "serve-added"; serve: ServeSettings } & Outcome)
  | { kind: "serve-removed"; serve: ServeSettings }
  | ({
      kind: "serve-changed";
      before: ServeSettings;
      after: ServeSettings;
      changed: string[];
    } & Outcome)
  | ({ kind: "use-added"; use: UseSettings } & Outcome)
  | { kind: "use-removed"; use: UseSettings }
  | ({
      kind: "use-changed";
      before: UseSettings;
      after: UseSettings;
      changed: string[];
    } & Outcome);

/** Field → key as written in the file. A field that is forgotten here does not compile. */
export type KeyNames<T> = Readonly<Record<Exclude<keyof T, "label">, string>>;

const ROUTE_KEYS: KeyNames<RouteSettings> = {
  ip: "ip",
  port: "port",
  authkey: "authkey",
  fingerprint: "fingerprint",
  heartbeatIntervalMs: "heartbeat_interval",
  heartbeatTimeoutMs: "heartbeat_timeout",
  retryIntervalMs: "retry_interval",
  proxyProtocol: "proxy_protocol",
  proxyFrom: "proxy_from",
  connectLine: "connect_line",
  state: "state",
};

/** Their values are never shown. */
const SECRET_KEYS = new Set(["authkey", "secret"]);

const LOG_KEYS: KeyNames<LogSettings> = {
  level: "level",
  format: "format",
  file: "file",
};

/** What they say counts when a node starts. */
const START_KEYS = new Set([
  ...["terminal", "state"],
  ...Object.values(LOG_KEYS),
]);

/** What they say counts for what a file brings, at the start or at a reload. */
const ADDED_KEYS = new Set(["startserve", "startuse"]);

const VNET_KEYS: KeyNames<VnetSettings> = {
  name: "name",
  group: "group",
  terminal: "terminal",
  startserve: "startserve",
  startuse: "startuse",
  allowUnserve: "allow_unserve",
  unserveRemote: "unserve_remote",
  unserveNum: "unserve_num",
  unserveTtlSeconds: "unserve_ttl",
  unserveLingerSeconds: "unserve_linger",
  drainSeconds: "drain",
  secret: "secret",
  encrypt: "encrypt",
  state: "state",
};

export const SERVE_KEYS: KeyNames<ServeSettings> = {
  serveid: "serveid",
  type: "type",
  ip: "ip",
  port: "port",
  name: "name",
  info: "info",
  active: "active",
  allow: "allow",
  share: "share",
  peers: "peers",
  host: "host",
  hosts: "hosts",
  trustForwarded: "trust_forwarded",
  maxProcesses: "max_processes",
  check: "check",
};

export const USE_KEYS: KeyNames<UseSettings> = {
  serveid: "serveid",
  serve: "serve",
  to: "to",
  ip: "ip",
  port: "port",
  active: "active",
  from: "from",
  maxConnections: "max_connections",
  maxPerAddress: "max_per_address",
  idleTimeoutSeconds: "idle_timeout",
  fingerprint: "fingerprint",
};

/** Empty when nothing differs. Order: route, log, vnet, then serves and uses: removed, changed, added. */
export function diffNodeConfig(
  before: NodeConfig,
  after: NodeConfig,
): ConfigChange[] {
  const changes: ConfigChange[] = [
    ...diffSettings("route", ROUTE_KEYS, before.route, after.route),
    ...diffSettings("log", LOG_KEYS, before.log, after.log),
    ...diffSettings("vnet", VNET_KEYS, before.vnet, after.vnet),
  ];
  const serves = diffEntries(SERVE_KEYS, before.serves, after.serves);
  const uses = diffEntries(USE_KEYS, before.uses, after.uses);
  for (const serve of serves.removed)
    changes.push({ kind: "serve-removed", serve });
  for (const pair of serves.changed)
    changes.push({ kind: "serve-changed", ...pair });
  for (const serve of serves.added)
    changes.push({ kind: "serve-added", serve });
  for (const use of uses.removed) changes.push({ kind: "use-removed", use });
  for (const pair of uses.changed)
    changes.push({ kind: "use-changed", ...pair });
  for (const use of uses.added) changes.push({ kind: "use-added", use });
  return changes;
}

/** One change, or none. */
function diffSettings<K extends string, T>(
  kind: K,
  names: KeyNames<T>,
  before: T,
  after: T,
): { kind: K; before: T; after: T; changed: string[] }[] {
  const changed = changedKeys(names, before, after);
  return changed.length > 0 ? [{ kind, before, after, changed }] : [];
}

function diffEntries<T extends { label: string }>(
  names: KeyNames<T>,
  before: readonly T[],
  after: readonly T[],
) {
  const old = new Map(before.map((entry) => [entry.label, entry]));
  const labels = new Set(after.map((entry) => entry.label));
  const removed = before.filter((entry) => !labels.has(entry.label));
  const added: T[] = [];
  const changed: { before: T; after: T; changed: string[] }[] = [];
  for (const entry of after) {
    const previous = old.get(entry.label);
    if (previous === undefined) {
      added.push(entry);
      continue;
    }
    const keys = changedKeys(names, previous, entry);
    if (keys.length > 0)
      changed.push({ before: previous, after: entry, changed: keys });
  }
  return { removed, changed, added };
}

/** The keys, as written in the file, in which the two differ. */
export function changedKeys<T>(
  names: KeyNames<T>,
  before: T,
  after: T,
): string[] {
  return fieldsOf(names)
    .filter(([field]) => before[field] !== after[field])
    .map(([, key]) => key);
}

export function fieldsOf<T>(names: KeyNames<T>) {
  return Object.entries(names) as [keyof KeyNames<T>, string][];
}

/**
 * One line: `+ serve ssh 700 → 127.0.0.1:22 (active)`, `~ use db: port 3306 → 3307 (active)`, `- serve web`. Of what is not
 * applied yet it says what the file does.
 */
export function formatChange(change: ConfigChange): string {
  switch (change.kind) {
    case "route":
      return `~ route: ${formatKeys(ROUTE_KEYS, change)}`;
    case "log":
      return `~ log: ${formatKeys(LOG_KEYS, change)}`;
    case "vnet":
      return `~ vnet: ${formatKeys(VNET_KEYS, change)}`;
    case "serve-added": {
      const { label, serveid, ip, port } = change.serve;
      return `+ serve ${label} ${formatServeid(serveid)} → ${formatTarget(ip, port)}${outcomeOf(change, change.serve, "until `serve open`")}`;
    }
    case "serve-changed":
      return `~ serve ${change.after.label}: ${formatKeys(SERVE_KEYS, change)}${outcomeOf(change, change.after, "until `serve open`")}`;
    case "serve-removed":
      return `- serve ${change.serve.label}`;
    case "use-added": {
      const { label, ip, port } = change.use;
      return `+ use ${label} ${formatTarget(ip, port)} → ${formatWanted(change.use)}${outcomeOf(change, change.use, useWaitsFor(change.use))}`;
    }
    case "use-changed":
      return `~ use ${change.after.label}: ${formatKeys(USE_KEYS, change)}${outcomeOf(change, change.after, useWaitsFor(change.after))}`;
    case "use-removed":
      return `- use ${change.use.label}`;
  }
}

/** @param waitsFor said where it is not active although its section says so */
function outcomeOf(
  { active }: Outcome,
  settings: { active: boolean },
  waitsFor: string,
): string {
  if (active ?? settings.active) return " (active)";
  return settings.active ? ` (inactive ${waitsFor})` : " (inactive)";
}

function useWaitsFor(use: UseSettings): string {
  return targetOf(use).kind === "none"
    ? "as it has no serveid"
    : "until `use open`";
}

function formatKeys<T>(
  names: KeyNames<T>,
  change: { before: T; after: T; changed: readonly string[] },
): string {
  return fieldsOf(names)
    .filter(([, key]) => change.changed.includes(key))
    .map(([field, key]) => {
      if (SECRET_KEYS.has(key)) return `${key} changed`;
      const before = formatValue(key, change.before[field]);
      const after = formatValue(key, change.after[field]);
      const when = START_KEYS.has(key)
        ? " (at the next start)"
        : ADDED_KEYS.has(key)
          ? " (for what is added, and at the next start)"
          : "";
      return `${key} ${before} → ${after}${when}`;
    })
    .join(", ");
}

function formatValue(key: string, value: unknown): string {
  if (typeof value === "number") {
    if (key === "serveid") return formatServeid(value);
    return key === "port" ? formatPort(value) : String(value);
  }
  const text = key === "ip" ? describeLink(String(value)) : String(value);
  return /^[^\s"]+$/.test(text) ? text : JSON.stringify(text);
}

function formatTarget(ip: string, port: number): string {
  if (isLink(ip)) return describeLink(ip);
  return `${ip.includes(":") ? `[${ip}]` : ip}:${formatPort(port)}`;
}

function formatPort(port: number): string {
  return port === 0 ? "(the serve's own port)" : String(port);
}
