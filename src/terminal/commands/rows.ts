// What a serve, a use or a node is in a table and in JSON: one place for the columns of both.
// Pure; `show` prints them, other commands describe with them.

import {
  formatServeid,
  formatUnserve,
  formatVnetid,
  type Share,
} from "../../config/config.js";
import { describeLink } from "../../config/link.js";
import type {
  ListedServe,
  Origin,
  RemoteNode,
  RemoteServe,
  ServeView,
  Trust,
  UseView,
} from "../../node/control.js";

/** An entry as it is shown; a guest does not know the state of what another node may have open. */
export type Shown<T> = Omit<T, "state"> & { state: string; guest: boolean };

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
  "name",
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
  "trusted",
] as const;

export const REMOTE_NODE_COLUMNS = [
  "vnetid",
  "name",
  "serves",
  "trusted",
  "fingerprint",
] as const;

/** `007`; of an unserve the number that its provider gave it: `u3` */
export function formatId({
  serveid,
  unserve,
}: Pick<RemoteServe, "serveid" | "unserve">): string {
  return unserve === undefined
    ? formatServeid(serveid)
    : formatUnserve(unserve);
}

/** What a use wants, as it was written; of an unserve its number. */
export function useId({
  origin,
  remote,
  wanted,
}: Pick<UseView, "origin" | "remote" | "wanted">): string {
  return origin === "unserve" && remote ? formatId(remote) : wanted;
}

export function serveRow(serve: Shown<ServeView>): string[] {
  const state = withReason(serve.state, serve.error) + markOf(serve.origin);
  return [
    formatId(serve),
    serve.name + markOfHandle(serve) + markOfShare(serve.share),
    serve.type,
    describeLink(serve.ip),
    formatPort(serve.port),
    serve.info,
    formatFlag(serve.active),
    state,
  ];
}

export function serveJson(serve: Shown<ServeView>) {
  const { name, type, port, info, share } = serve;
  const { active, state, error, origin, guest } = serve;
  const ip = describeLink(serve.ip);
  const serveid = formatId(serve);
  return {
    serveid,
    ...{ name, local_name: serve.label, type, ip, port, info, share },
    ...{ active, state, error, origin, guest },
  };
}

export function useRow(use: Shown<UseView>): string[] {
  return [
    useId(use),
    use.label,
    describeLink(use.ip),
    formatPort(use.port),
    formatFlag(use.active),
    withReason(use.state, use.error) + markOf(use.origin),
    use.remote ? describeRemote(use.remote) + describeOthers(use) : "",
  ];
}

export function useJson(use: Shown<UseView>) {
  const { wanted, ip, port, active, state, error } = use;
  const { providers, origin, guest } = use;
  const refused_key = use.refusedKey;
  const serveid = formatId(use);
  const remote = use.remote ? remoteServeJson(use.remote) : null;
  return {
    serveid,
    name: use.label,
    ...{ wanted, ip, port, active, state, error },
    ...{ remote, providers, refused_key, origin, guest },
  };
}

/** @param provable whether there is a secret that a node could have shown */
export function remoteServeRow(
  serve: ListedServe,
  provable: boolean,
): string[] {
  return [
    formatServeid(serve.serveid),
    formatVnetid(serve.vnetid),
    serve.vnet,
    serve.name + markOfListed(serve) + markOfService(serve),
    serve.type,
    serve.ip,
    formatPort(serve.port),
    serve.info,
    formatTrust(serve.trusted, provable),
  ];
}

export function listedServeJson(serve: ListedServe) {
  const { trusted, overtaken } = serve;
  return { ...remoteServeJson(serve), trusted, overtaken };
}

function remoteServeJson(serve: RemoteServe) {
  const { vnet, name, type, ip, port, info, share, service = "up" } = serve;
  const serveid = formatId(serve);
  const vnetid = formatVnetid(serve.vnetid);
  return {
    ...{ serveid, vnetid, vnet, name, type, ip, port },
    ...{ info, share, service },
  };
}

/** @param provable as above */
export function remoteNodeRow(node: RemoteNode, provable: boolean): string[] {
  const self = node.self ? " (this node)" : "";
  return [
    formatVnetid(node.vnetid),
    node.name + self,
    String(node.serves),
    formatTrust(node.trusted, provable),
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

/** Behind the name that the group sees: the one that this node's commands take, where that is another. */
function markOfHandle({
  label,
  name,
}: Pick<ServeView, "label" | "name">): string {
  return label === name ? "" : ` [here ${label}]`;
}

/** Behind the first of several: those that have connections as well, or stand by. */
function describeOthers({ providers, remote }: Shown<UseView>): string {
  if (providers < 2) return "";
  const others = providers - 1;
  return remote?.share === "takeover"
    ? `, else ${others} earlier`
    : ` and ${others} more`;
}

/** As markOfShare, for one that others can be seen beside. */
function markOfListed({ share, overtaken }: ListedServe): string {
  return overtaken ? ` (${share}: a later one is there)` : markOfShare(share);
}

/** Behind an id that others may have too, or take. */
function markOfShare(share: Share): string {
  return share === "exclusive" ? "" : ` (${share})`;
}

function markOfService({ service }: RemoteServe): string {
  return service === "down" ? " (service is down)" : "";
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

/** `unknown` is for what will be known; where the group has no secret nothing ever is. */
function formatTrust(trusted: Trust, provable: boolean): string {
  return trusted === "unknown" && !provable ? "no secret" : trusted;
}

function formatFlag(flag: boolean): string {
  return flag ? "true" : "false";
}
