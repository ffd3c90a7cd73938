// The keys of what is offered and used: `[serve.NAME]`, `[use.NAME]`, `[public.NAME]`.

import { DEFAULT_MAX_PROCESSES } from "./config.js";
import { optional } from "./key-spec.js";
import {
  BOOLEAN,
  DIAL_HOST,
  FINGERPRINTS,
  HOST_HEADER,
  HOST_NAMES,
  INFO,
  LABEL,
  LISTEN_HOST,
  NETWORKS,
  PEERS,
  PORT,
  SERVE_NAME,
  SERVE_SERVEID,
  SHARE,
  TO,
  USE_SERVEID,
  wholeNumber,
} from "./value.js";

export const SERVE_KEYS = {
  serveid: optional(
    SERVE_SERVEID,
    0,
    "1–499 a preference, 500–999 static; absent: the hub chooses",
    "000",
  ),
  type: optional(LABEL, "tcp", "a word for lists: http, ssh, rdp"),
  ip: optional(DIAL_HOST, "127.0.0.1", "any host that the node can reach"),
  port: optional(PORT, 0, "the service's port", "required"),
  name: optional(LABEL, "", "shown in lists", "NAME of the section"),
  info: optional(INFO, "", "shown in lists", "empty"),
  active: optional(BOOLEAN, true, "false: not registered until `serve open`"),
  allow: optional(
    FINGERPRINTS,
    "",
    "the nodes that may open it, by fingerprint; absent: the whole group",
    "the group",
  ),
  share: optional(
    SHARE,
    "exclusive",
    "when another serve wants its id or name: exclusive, takeover, balance",
  ),
  peers: optional(
    PEERS,
    "",
    "with share=takeover or balance: who else may have it, by fingerprint; absent: whoever has the secret",
    "the group",
  ),
  host: optional(
    HOST_HEADER,
    "",
    "with type=http: the Host header that the service gets",
    "none",
  ),
  hosts: optional(
    HOST_NAMES,
    "",
    "with host: further names that users may ask for; * allows any",
    "localhost, addresses, the hub's name and host=",
  ),
  trust_forwarded: optional(
    BOOLEAN,
    false,
    "with host: true passes the X-Forwarded-* of users on; for a proxy in front of them",
  ),
  max_processes: optional(
    wholeNumber(1, 100_000),
    DEFAULT_MAX_PROCESSES,
    "with exec: and vsock: programs that may run at the same time",
  ),
  check: optional(
    BOOLEAN,
    true,
    "false: uses listen whether or not the service is there",
  ),
};

export const USE_KEYS = {
  serveid: optional(
    USE_SERVEID,
    0,
    "the serve to reach; absent or 000: kept, but disabled",
    "000",
  ),
  serve: optional(
    SERVE_NAME,
    "",
    "instead of serveid: the serve's name, or NAME@NODE",
    "none",
  ),
  to: optional(
    TO,
    "",
    "instead of serveid: NODE:PORT or NODE:IP:PORT, registered or not",
    "none",
  ),
  ip: optional(LISTEN_HOST, "127.0.0.1", "where to listen"),
  port: optional(PORT, 0, "where to listen", "the serve's own port"),
  active: optional(BOOLEAN, true, "false: not opened until `use open`"),
  from: optional(
    NETWORKS,
    "",
    "who may connect: addresses and networks",
    "everybody",
  ),
  max_connections: optional(
    wholeNumber(1, 1_000_000),
    0,
    "connections at the same time",
    "no bound",
  ),
  max_per_address: optional(
    wholeNumber(1, 1_000_000),
    0,
    "… of one address (of IPv6, one /64)",
    "no bound",
  ),
  idle_timeout: optional(
    wholeNumber(1, 31_536_000),
    0,
    "seconds without a byte in either direction, then it is cut",
    "never",
  ),
  fingerprint: optional(
    FINGERPRINTS,
    "",
    "the key of the node to reach, or several; absent: remembered at the first connection",
    "remembered",
  ),
};

export const PUBLIC_KEYS = {
  ...USE_KEYS,
  group: optional(LABEL, "default", "the group whose serve it reaches"),
};
