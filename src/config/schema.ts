// Every section and key that a file may have, as data: default, kind of value,
// what it means. The readers, the tests and the documentation walk this table.

import {
  BOOLEAN,
  HOST,
  INFO,
  LABEL,
  PORT,
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
