// What a serve, a use or a node is in a table and in JSON: one place for the columns of both.
// Pure; `show` prints them, other commands describe with them.

import { formatServeid, formatVnetid } from "../../config/config.js";
import type {
  Origin,
  RemoteNode,
  RemoteServe,
  ServeView,
  UseView,
} from "../../node/control.js";

export const SERVE_COLUMNS = [
  "serveid",
  "name",
  "type",
  "ip",
  "port",
  "info",
  "active",
  "state",
] as const;

export const USE_COLUMNS = [
  "serveid",
  "ip",
  "port",
  "active",
  "state",
  "remote",
] as const;

export const REMOTE_SERVE_COLUMNS = [
  "serveid",
  "vnetid",
  "vnet",
  "name",
  "type",
  "ip",
  "port",
  "info",
] as const;

export const REMOTE_NODE_COLUMNS = [
  "vnetid",
  "name",
  "serves",
  "trusted",
  "fingerprint",
] as const;

export function serveRow(serve: ServeView): string[] {
  const state = withReason(serve.state, serve.error) + markOf(serve.origin);
  return [
    formatServeid(serve.serveid),
    serve.name,
    serve.type,
    serve.ip,
    formatPort(serve.port),
    serve.info,
    formatFlag(serve.active),
    state,
  ];
}

export function serveJson(serve: ServeView) {
  const { name, type, ip, port, info, active, state, error, origin } = serve;
  const serveid = formatServeid(serve.serveid);
  return { serveid, name, type, ip, port, info, active, state, error, origin };
}

export function useRow(use: UseView): string[] {
  return [
    formatServeid(use.serveid),
    use.ip,
    formatPort(use.port),
    formatFlag(use.active),
    withReason(use.state, use.error) + markOf(use.origin),
    use.remote ? describeRemote(use.remote) : "",
  ];
}

export function useJson(use: UseView) {
  const { ip, port, active, state, error, origin } = use;
  const serveid = formatServeid(use.serveid);
  const remote = use.remote ? remoteServeJson(use.remote) : null;
  return { serveid, ip, port, active, state, error, remote, origin };
}

export function remoteServeRow(serve: RemoteServe): string[] {
  return [
    formatServeid(serve.serveid),
    formatVnetid(serve.vnetid),
    serve.vnet,
    serve.name,
    serve.type,
    serve.ip,
    formatPort(serve.port),
    serve.info,
  ];
}

export function remoteServeJson(serve: RemoteServe) {
  const { vnet, name, type, ip, port, info } = serve;
  const serveid = formatServeid(serve.serveid);
  const vnetid = formatVnetid(serve.vnetid);
  return { serveid, vnetid, vnet, name, type, ip, port, info };
}

export function remoteNodeRow(node: RemoteNode): string[] {
  const self = node.self ? " (this node)" : "";
  return [
    formatVnetid(node.vnetid),
    node.name + self,
    String(node.serves),
    node.trusted ? "yes" : "no",
    node.fingerprint,
  ];
}

export function remoteNodeJson(node: RemoteNode) {
  const { name, serves, trusted, fingerprint, self } = node;
  const vnetid = formatVnetid(node.vnetid);
  return { vnetid, name, serves, trusted, fingerprint, self };
}

/** `ssh on remote-ssh (01)` */
export function describeRemote(serve: RemoteServe): string {
  return `${serve.name} on ${serve.vnet} (${formatVnetid(serve.vnetid)})`;
}

function withReason(state: string, error: string | null): string {
  return error === null ? state : `${state}: ${error}`;
}

/** Behind the state: where an entry that is in no file comes from. */
function markOf(origin: Origin): string {
  return origin === "config" ? "" : ` [${origin}]`;
}

function formatPort(port: number): string {
  return port === 0 ? "-" : String(port);
}

function formatFlag(flag: boolean): string {
  return flag ? "true" : "false";
}
