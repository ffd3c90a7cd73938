// Every section and key that a file may have, as data: default, kind of value,
// what it means. The readers, the tests and the documentation walk this table.

import {
  BOOLEAN,
  FINGERPRINT,
  FINGERPRINTS,
  HOST,
  INFO,
  LABEL,
  PORT,
  SECRET,
  SECRET_OR_AUTO,
  SERVE_SERVEID,
  USE_SERVEID,
  wholeNumber,
} from "./value.js";
import type { ValueKind } from "./value.js";

export interface KeySpec<T> {
  readonly kind: ValueKind<T>;
  /** what counts when the key is absent; only a placeholder where `required` */
  readonly fallback: T;
  readonly required: boolean;
  /** the default in words: `7749`, `the host name`, `required` */
  readonly defaultText: string;
  readonly doc: string;
  /** the key to write instead of this one */
  readonly deprecatedFor?: string;
}

export type KeySpecs = Readonly<Record<string, KeySpec<unknown>>>;

export interface SectionSpec {
  /** as in the file: `[route]`, `[serve.NAME]` */
  readonly title: string;
  /** true: `[serve.NAME]`, any number of them; false: at most one, no name */
  readonly labelled: boolean;
  /** the programs that read it; the other one ignores it */
  readonly readBy: readonly ("hub" | "node")[];
  readonly doc: string;
  readonly keys: KeySpecs;
}

function required<T>(kind: ValueKind<T>, placeholder: T, doc: string) {
  const defaultText = "required";
  return { kind, fallback: placeholder, required: true, defaultText, doc };
}

function optional<T>(
  kind: ValueKind<T>,
  fallback: T,
  doc: string,
  defaultText = String(fallback),
) {
  return { kind, fallback, required: false, defaultText, doc };
}

const ROUTE_KEYS = {
  ip: required(HOST, "", "hub: address to listen on; node: the hub's address"),
  port: optional(PORT, 7749, "the hub's one port"),
  authkey: optional(
    SECRET_OR_AUTO,
    "",
    "who may use this hub: the same on the hub and on its nodes",
    "none",
  ),
  fingerprint: optional(
    FINGERPRINT,
    "",
    "node: the hub's key; absent: remembered at first contact",
    "none",
  ),
};

const GROUP_KEYS = {
  authkey: required(
    SECRET,
    "",
    "the key of this one group, instead of [route]'s",
  ),
};

/** Names and defaults of the hub's bounds; behind them stands src/hub/limits.ts. */
const LIMIT_KEYS = {
  handshake_timeout: optional(
    wholeNumber(1, 300),
    10,
    "seconds that a connection has to prove what it is",
  ),
  max_unauthenticated: optional(
    wholeNumber(1, 100_000),
    16_384,
    "connections that have not proved anything yet, in all",
  ),
  max_unauthenticated_per_address: optional(
    wholeNumber(1, 100_000),
    8_192,
    "connections that have not proved anything yet, from one address",
  ),
  max_nodes: optional(wholeNumber(1, 100_000), 10_000, "nodes of all groups"),
  max_serves_per_node: optional(
    wholeNumber(1, 999),
    999,
    "serves that one node may register",
  ),
  max_legs_per_node: optional(
    wholeNumber(1, 1_000_000),
    20_000,
    "channels that one node may have",
  ),
  max_frames_per_second: optional(
    wholeNumber(10, 1_000_000),
    2_000,
    "messages of one node; more of them wait",
  ),
};

const VNET_KEYS = {
  name: optional(LABEL, "", "tells nodes apart", "the host name"),
  group: optional(LABEL, "default", "nodes see and reach their own group only"),
  terminal: optional(BOOLEAN, false, "true: interactive terminal"),
  startserve: optional(
    BOOLEAN,
    true,
    "with terminal=true: false leaves every serve inactive at start",
  ),
  startuse: optional(
    BOOLEAN,
    true,
    "with terminal=true: false leaves every use inactive at start",
  ),
  allow_unserve: optional(
    BOOLEAN,
    false,
    "answer requests for services that are not registered",
  ),
  unserve_remote: optional(
    BOOLEAN,
    false,
    "answer them for addresses that are not loopback too",
  ),
  allow_remote: {
    ...optional(BOOLEAN, false, "the old name of unserve_remote"),
    deprecatedFor: "unserve_remote",
  },
  secret: optional(
    SECRET,
    "",
    "who may talk inside the group; the hub never learns it",
    "none",
  ),
  encrypt: optional(
    BOOLEAN,
    true,
    "false on both nodes: their channels are not encrypted",
  ),
  unserve_num: optional(
    wholeNumber(0, 100),
    1,
    "how many unserves at the same time",
  ),
  unserve_ttl: optional(
    wholeNumber(1, 86_400),
    180,
    "seconds that an unserve stays without being used",
  ),
  unserve_linger: optional(
    wholeNumber(0, 86_400),
    60,
    "seconds that an unserve stays after its last stream closed",
  ),
};

const SERVE_KEYS = {
  serveid: optional(
    SERVE_SERVEID,
    0,
    "1–499 a preference, 500–999 static; absent: the hub chooses",
    "000",
  ),
  type: optional(LABEL, "tcp", "a label beside the transport: http, ssh, rdp"),
  ip: optional(HOST, "127.0.0.1", "any host that the node can reach"),
  port: required(PORT, 0, "the service's port"),
  name: optional(LABEL, "", "shown in lists", "NAME of the section"),
  info: optional(INFO, "", "shown in lists", "empty"),
  active: optional(BOOLEAN, true, "false: not registered until `serve open`"),
  allow: optional(
    FINGERPRINTS,
    "",
    "the nodes that may open it, by fingerprint; absent: the whole group",
    "the group",
  ),
};

const USE_KEYS = {
  serveid: optional(
    USE_SERVEID,
    0,
    "the serve to reach; absent or 000: kept, but disabled",
    "000",
  ),
  ip: optional(HOST, "127.0.0.1", "where to listen"),
  port: optional(PORT, 0, "where to listen", "the serve's own port"),
  active: optional(BOOLEAN, true, "false: not opened until `use open`"),
};

export const SECTIONS = {
  route: {
    title: "[route]",
    labelled: false,
    readBy: ["hub", "node"],
    doc: "where the hub is",
    keys: ROUTE_KEYS,
  },
  group: {
    title: "[group.NAME]",
    labelled: true,
    readBy: ["hub"],
    doc: "a group with a key of its own",
    keys: GROUP_KEYS,
  },
  limits: {
    title: "[limits]",
    labelled: false,
    readBy: ["hub"],
    doc: "the hub's bounds",
    keys: LIMIT_KEYS,
  },
  vnet: {
    title: "[vnet]",
    labelled: false,
    readBy: ["node"],
    doc: "the node itself",
    keys: VNET_KEYS,
  },
  serve: {
    title: "[serve.NAME]",
    labelled: true,
    readBy: ["node"],
    doc: "a local service that the group may use",
    keys: SERVE_KEYS,
  },
  use: {
    title: "[use.NAME]",
    labelled: true,
    readBy: ["node"],
    doc: "a local port that leads to somebody's serve",
    keys: USE_KEYS,
  },
} as const satisfies Record<string, SectionSpec>;

export type SectionKind = keyof typeof SECTIONS;
