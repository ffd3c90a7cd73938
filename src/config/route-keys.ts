// The keys that are about the hub: `[route]`, `[group.NAME]`, `[limits]`.

import { ALL_ADDRESSES } from "./config.js";
import { optional } from "./key-spec.js";
import {
  BOOLEAN,
  FINGERPRINT,
  FOLDER,
  HUB_HOST,
  NETWORKS,
  PATH,
  PORT,
  SECRET,
  SECRET_OR_AUTO,
  wholeNumber,
} from "./value.js";

/** Loopback, RFC 1918 and RFC 4193: on most networks no stranger has one. */
const PRIVATE_NETWORKS =
  "127.0.0.0/8 ::1 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 fc00::/7";

export const ROUTE_KEYS = {
  ip: optional(
    HUB_HOST,
    ALL_ADDRESSES,
    "hub: address to listen on; node: the hub's address",
    "hub: all addresses; node: required",
  ),
  port: optional(PORT, 7749, "the hub's one port"),
  authkey: optional(
    SECRET_OR_AUTO,
    "",
    "who may use this hub: the same on the hub and on its nodes",
    "none",
  ),
  authkey_file: optional(
    PATH,
    "",
    "instead of authkey: the file that holds it, from this file's folder on",
    "none",
  ),
  fingerprint: optional(
    FINGERPRINT,
    "",
    "node: the hub's key; absent: remembered at first contact",
    "none",
  ),
  heartbeat_interval: optional(
    wholeNumber(100, 600_000),
    4_000,
    "milliseconds between two signs of life",
  ),
  heartbeat_timeout: optional(
    wholeNumber(200, 3_600_000),
    12_000,
    "milliseconds of silence after which the other side is given up",
  ),
  retry_interval: optional(
    wholeNumber(100, 600_000),
    0,
    "node: milliseconds between two attempts at the hub",
    "200, growing to 1000",
  ),
  proxy_protocol: optional(
    BOOLEAN,
    false,
    "hub: behind a proxy that sends the PROXY protocol (version 1 or 2)",
  ),
  proxy_from: optional(
    NETWORKS,
    PRIVATE_NETWORKS,
    "hub: where proxies are; from elsewhere a PROXY header is refused",
    "loopback and private addresses",
  ),
  connect_line: optional(
    BOOLEAN,
    false,
    "hub: a line CONNECT PORT comes first, as on a hybrid vsock socket",
  ),
  state: optional(
    FOLDER,
    "",
    "hub: the folder of its keys, beside this file where it does not begin with /",
    "one for each file",
  ),
};

export const GROUP_KEYS = {
  authkey: optional(
    SECRET,
    "",
    "the key of this one group, instead of [route]'s",
    "[route]'s",
  ),
  authkey_file: optional(
    PATH,
    "",
    "instead of authkey: the file that holds it",
    "none",
  ),
  secret: optional(
    SECRET,
    "",
    "the group's secret, for this hub's own public ports",
    "none",
  ),
  secret_file: optional(
    PATH,
    "",
    "instead of secret: the file that holds it",
    "none",
  ),
};

/** Names and defaults of the hub's bounds; behind them stands src/hub/limits.ts. */
export const LIMIT_KEYS = {
  drain: optional(
    wholeNumber(0, 3_600),
    5,
    "seconds that running streams have when the hub is asked to end",
  ),
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
    1_024,
    "handshakes under way from one address",
  ),
  max_nodes: optional(wholeNumber(1, 100_000), 10_000, "nodes of all groups"),
  reserve: optional(
    wholeNumber(0, 50),
    10,
    "percent of places and serveids kept for those who have few; 0: nothing is kept",
  ),
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
