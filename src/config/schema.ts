// Every section and key that a file may have, as data. The readers, the tests and the documentation walk this table.

import { PUBLIC_KEYS, SERVE_KEYS, USE_KEYS } from "./entry-keys.js";
import type { KeySpecs } from "./key-spec.js";
import { LOG_KEYS } from "./log-keys.js";
import { GROUP_KEYS, LIMIT_KEYS, ROUTE_KEYS } from "./route-keys.js";
import { VNET_KEYS } from "./vnet-keys.js";

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

export const SECTIONS = {
  route: {
    title: "[route]",
    labelled: false,
    readBy: ["hub", "node"],
    doc: "where the hub is",
    keys: ROUTE_KEYS,
  },
  log: {
    title: "[log]",
    labelled: false,
    readBy: ["hub", "node"],
    doc: "what is written down, and where",
    keys: LOG_KEYS,
  },
  group: {
    title: "[group.NAME]",
    labelled: true,
    readBy: ["hub"],
    doc: "a group with keys of its own",
    keys: GROUP_KEYS,
  },
  public: {
    title: "[public.NAME]",
    labelled: true,
    readBy: ["hub"],
    doc: "a port of the hub itself that leads to somebody's serve",
    keys: PUBLIC_KEYS,
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
