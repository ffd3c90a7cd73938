// What --check prints: that a configuration is fine, and what would run.

import {
  ALL_ADDRESSES,
  formatServeid,
  type HubConfig,
  type NodeConfig,
  type UseSettings,
} from "./config/config.js";
import { isLink } from "./config/link.js";
import { formatWanted } from "./config/target.js";
import { formatAddress } from "./net/address.js";
import { openFilesWarnings } from "./program.js";

/** Of a hub. */
export function describeHub(
  title: string,
  { route, publics, warnings }: HubConfig,
): string {
  const address =
    route.ip === ALL_ADDRESSES
      ? `port ${route.port} of all addresses`
      : formatAddress(route.ip, route.port);
  const ports = publics.map((port) => {
    const listens =
      port.port === 0 && !isLink(port.ip)
        ? `${port.ip}, the serve's own port`
        : formatAddress(port.ip, port.port);
    const inactive = port.active ? "" : " (inactive)";
    return `public ${port.label}: ${formatWanted(port)} of group ${port.group}${keyOf(port)}, listens on ${listens}${inactive}`;
  });
  return [
    ...[...warnings, ...openFilesWarnings()].map(
      (warning) => `warning: ${warning}`,
    ),
    `${title} is fine: a hub on ${address}`,
    ...ports,
    "",
  ].join("\n");
}

/** Of a node. */
export function describeNode(file: string, config: NodeConfig): string {
  const { route, vnet, serves, uses, warnings } = config;
  const starts = (active: boolean, all: boolean) =>
    active && all ? "" : ", inactive at start";
  const set = (text: string) => (text === "" ? "none" : "set");
  return [
    ...[...warnings, ...openFilesWarnings()].map(
      (warning) => `warning: ${warning}`,
    ),
    `${file} is fine: vnet ${vnet.name} of group ${vnet.group}, hub ${formatAddress(route.ip, route.port)}, terminal ${vnet.terminal ? "on" : "off"}`,
    `authkey ${set(route.authkey)}, secret ${set(vnet.secret)}, channels ${vnet.encrypt ? "encrypted end to end" : "NOT encrypted (encrypt=false)"}`,
    ...serves.map(
      (serve) =>
        `serve ${serve.label}: ${formatServeid(serve.serveid)} ${serve.name} (${serve.type}), reaches ${formatAddress(serve.ip, serve.port)}${starts(serve.active, vnet.startserve)}`,
    ),
    ...uses.map(
      (use) =>
        `use ${use.label}: ${formatWanted(use)}${keyOf(use)}, listens on ${use.port === 0 && !isLink(use.ip) ? `${use.ip}, the serve's own port` : formatAddress(use.ip, use.port)}${starts(use.active, vnet.startuse)}`,
    ),
    vnet.allowUnserve
      ? `unserve: up to ${vnet.unserveNum}, ${vnet.unserveRemote ? "any address this machine reaches" : "loopback addresses only"}`
      : "unserve: not allowed",
    "",
  ].join("\n");
}

/** Whom alone it may reach, where that is said. */
function keyOf({ fingerprint }: Pick<UseSettings, "fingerprint">): string {
  return fingerprint === ""
    ? ""
    : ` with the key ${fingerprint.replaceAll(" ", " or ")}`;
}
