// Typed configurations of nodes, made from the few fields that a test cares
// about. The others have the defaults of the file, but for hurried heartbeats.

import type {
  NodeConfig,
  RouteSettings,
  ServeSettings,
  UseSettings,
  VnetSettings,
} from "../../src/config/config.js";

export function routeSettings(
  port: number,
  route: Partial<RouteSettings> = {},
): RouteSettings {
  return {
    ip: "127.0.0.1",
    port,
    authkey: "",
    fingerprint: "",
    heartbeatIntervalMs: 100,
    heartbeatTimeoutMs: 2_000,
    retryIntervalMs: 0,
    proxyProtocol: false,
    proxyFrom:
      "127.0.0.0/8 ::1 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 fc00::/7",
    connectLine: false,
    state: "",
    ...route,
  };
}

export interface NodeSettings {
  name: string;
  group?: string;
  route?: Partial<RouteSettings>;
  vnet?: Partial<VnetSettings>;
  serves?: ServeSettings[];
  uses?: UseSettings[];
}

export function nodeSettings(hubPort: number, node: NodeSettings): NodeConfig {
  return {
    route: routeSettings(hubPort, node.route),
    log: { level: "info", format: "text", file: "" },
    vnet: {
      name: node.name,
      group: node.group ?? "default",
      terminal: false,
      startserve: true,
      startuse: true,
      allowUnserve: false,
      unserveRemote: false,
      unserveNum: 1,
      unserveTtlSeconds: 180,
      unserveLingerSeconds: 60,
      secret: "",
      drainSeconds: 0,
      encrypt: true,
      state: "",
      ...node.vnet,
    },
    serves: node.serves ?? [],
    uses: node.uses ?? [],
    warnings: [],
  };
}

export function serveSettings(
  label: string,
  serve: Partial<ServeSettings> & { port: number },
): ServeSettings {
  return {
    label,
    serveid: 0,
    type: "tcp",
    ip: "127.0.0.1",
    name: label,
    info: "",
    active: true,
    allow: "",
    host: "",
    hosts: "",
    trustForwarded: false,
    peers: "",
    // Most tests have no service, and are about something else.
    check: false,
    share: "exclusive",
    ...serve,
  };
}

export function useSettings(
  label: string,
  use: Partial<UseSettings> & { port: number },
): UseSettings {
  const nothing = { serveid: 0, serve: "", to: "", fingerprint: "" };
  return { label, ...nothing, ip: "127.0.0.1", active: true, ...use };
}
