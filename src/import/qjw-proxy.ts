// qjw-proxy's JSON, `in` and `out`: each network that is offered becomes a
// serve, each that is bound a use. Pure.

import { HOST, PORT } from "../config/value.js";
import { goListenAddress } from "./go-listen.js";
import { Labels, NAME, plainName, renamed } from "./labels.js";
import { leftoverComments } from "./leftovers.js";
import { Listeners } from "./listeners.js";
import type { Mapping } from "./mapping.js";
import type { Comment, Imported, Item, Section } from "./outline.js";
import { severalParts } from "./parts.js";
import {
  MILLISECONDS,
  routeSection,
  type RouteParts,
} from "./route-section.js";

interface Network {
  readonly hub: { readonly ip: string; readonly port: number };
  readonly isOut: boolean;
  readonly topic: string;
  /** out: the service's address; in: where to listen, absent: everywhere */
  readonly ip: string | undefined;
  readonly port: number;
  readonly comments: readonly Comment[];
}

export function importQjwProxy(root: Mapping): Imported {
  const listeners = new Listeners();
  const networks = root
    .list("networks")
    .map((network) => readNetwork(network, listeners));
  const given = root.peek("networks");
  if (Array.isArray(given) && given.length === 0)
    root.complain("networks", "found none, allowed: a list of at least one");
  const timing = {
    retryMs: root.take("retry_interval", MILLISECONDS),
    heartbeatMs: root.take("heartbeat_interval", MILLISECONDS),
    timeoutMs: root.take("heartbeat_timeout", MILLISECONDS),
  };
  const hubs = byHub(networks);
  const parts = hubs.map((members) => ({
    title: hubTitle(members),
    items: configuration(members, networks, timing),
  }));
  return {
    from: `qjw-proxy's JSON (${sidesOf(networks)})`,
    program: "vnet",
    items: [
      ...leftoverComments(root.rest()),
      ...severalParts(
        parts,
        `The file names ${hubs.length} servers and a node has one hub (where one hub is enough, move the sections of all into the first configuration)`,
      ),
    ],
  };
}

function readNetwork(network: Mapping, listeners: Listeners): Network {
  const hub = {
    ip: network.need("server_host", HOST, ""),
    port: network.need("server_port", PORT, 0),
  };
  const topic = network.need("topic", NAME, "");
  const isOut = network.has("backend_host") || network.has("backend_port");
  const ip = isOut
    ? network.need("backend_host", HOST, "")
    : network.has("bind")
      ? goListenAddress(network.take("bind", HOST))
      : undefined;
  const port = network.need(isOut ? "backend_port" : "port", PORT, 0);
  if (!isOut) listeners.add(network, "port", ip ?? "127.0.0.1", port);
  const comments = leftoverComments(network.rest());
  return { hub, isOut, topic, ip, port, comments };
}

function byHub(networks: readonly Network[]): Network[][] {
  const hubs = new Map<string, Network[]>();
  for (const network of networks) {
    const key = `${network.hub.ip.toLowerCase()} ${network.hub.port}`;
    const members = hubs.get(key);
    if (members === undefined) hubs.set(key, [network]);
    else members.push(network);
  }
  return [...hubs.values()];
}

function configuration(
  members: readonly Network[],
  all: readonly Network[],
  timing: Partial<RouteParts>,
): Item[] {
  const [first] = members;
  if (first === undefined) return [];
  const labels = new Labels();
  return [
    routeSection({ ...first.hub, ...timing }),
    ...members.map((network) =>
      network.isOut
        ? serveSection(network, all, labels)
        : useSection(network, labels),
    ),
  ];
}

function serveSection(
  { hub, topic, ip = "", port, comments }: Network,
  all: readonly Network[],
  labels: Labels,
): Section {
  const isOffered = all.filter((each) => each.topic === topic && each.isOut);
  const isHere = isOffered.filter(
    (each) => each.hub.ip === hub.ip && each.hub.port === hub.port,
  );
  const share =
    isOffered.length > 1
      ? {
          comment:
            isHere.length > 1
              ? "This topic stands several times for this server, so its connections are shared out."
              : "This topic stands once for each of several servers. Each of them knows its own only; where these become one hub, connections are shared out.",
          value: "balance",
        }
      : {
          comment:
            "As with topics: a later node that offers this name takes it over from the earlier one.",
          value: "takeover",
        };
  return {
    title: labels.make("serve", topic),
    lines: [
      ...comments,
      ...renamed(topic),
      { key: "name", value: plainName(topic) },
      { key: "ip", value: ip },
      { key: "port", value: port },
      { comment: share.comment },
      { key: "share", value: share.value },
    ],
  };
}

function useSection(
  { topic, ip, port, comments }: Network,
  labels: Labels,
): Section {
  return {
    title: labels.make("use", topic),
    lines: [
      ...comments,
      ...renamed(topic),
      { key: "serve", value: plainName(topic) },
      ...(ip === undefined
        ? [
            {
              comment:
                "No bind: listens for this machine only; ip=0.0.0.0 would let others in.",
            },
          ]
        : [{ key: "ip", value: ip }]),
      { key: "port", value: port },
    ],
  };
}

function hubTitle([first]: readonly Network[]): string {
  return `the hub ${first?.hub.ip ?? ""} port ${first?.hub.port ?? 0}`;
}

function sidesOf(networks: readonly Network[]): string {
  const isOut = networks.some((network) => network.isOut);
  const isIn = networks.some((network) => !network.isOut);
  return isOut && isIn ? "in and out" : isOut ? "out" : "in";
}
