// Programs whose files are like ones that an import reads, and are none of
// them: told by name instead of being taken for another one. Pure.

import { VnetError } from "../errors.js";
import { isRecord } from "./mapping.js";
import type { Format } from "./source.js";

interface Other {
  readonly name: string;
  is: (root: Readonly<Record<string, unknown>>, format: Format) => boolean;
}

const has = (value: unknown, ...keys: readonly string[]): boolean =>
  isRecord(value) && keys.some((key) => Object.hasOwn(value, key));

/** The records of a list, or below a mapping's keys. */
function below(value: unknown): Readonly<Record<string, unknown>>[] {
  const each: unknown[] = Array.isArray(value)
    ? value
    : isRecord(value)
      ? Object.values(value)
      : [];
  return each.filter(isRecord);
}

const FRP_TYPES = [
  "tcp",
  "udp",
  "http",
  "https",
  "stcp",
  "xtcp",
  "sudp",
  "tcpmux",
];

const OTHERS: readonly Other[] = [
  {
    name: "Clash (mihomo)",
    is: (root) =>
      has(
        root,
        "proxy-groups",
        "proxy-providers",
        "mixed-port",
        "socks-port",
      ) ||
      below(root.proxies).some(
        (each) => has(each, "server") && has(each, "port"),
      ),
  },
  {
    name: "Docker Compose",
    is: ({ services }) =>
      !Array.isArray(services) &&
      below(services).some((each) => has(each, "image", "build", "extends")),
  },
  {
    name: "gost",
    is: (root) =>
      has(root, "ServeNodes", "ChainNodes") ||
      (Array.isArray(root.services) &&
        below(root.services).some((each) => has(each, "handler", "listener"))),
  },
  {
    name: "nps (npc)",
    is: ({ common }) => has(common, "vkey", "conn_type", "bridge_port"),
  },
  {
    name: "ngrok",
    is: (root) =>
      has(root, "tunnels") && has(root, "authtoken", "agent", "version"),
  },
  {
    name: "cloudflared",
    is: (root) =>
      has(root, "ingress") && has(root, "tunnel", "credentials-file"),
  },
  {
    name: "Xray, V2Ray or sing-box",
    is: (root) => Array.isArray(root.inbounds) || Array.isArray(root.outbounds),
  },
  {
    name: "Shadowsocks",
    is: (root) => has(root, "server_port") && has(root, "method", "password"),
  },
  { name: "WireGuard", is: (root) => has(root.Interface, "PrivateKey") },
  {
    name: "rclone",
    is: (root, format) =>
      format === "INI" &&
      Object.values(root).length > 0 &&
      Object.values(root).every(
        (each) =>
          isRecord(each) &&
          typeof each.type === "string" &&
          !has(each, "local_port", "server_name", "plugin") &&
          (!FRP_TYPES.includes(each.type) || has(each, "url")),
      ),
  },
];

/** Throws VnetError `config` for a file of a program that an import does not read. */
export function refuseOther(
  value: unknown,
  format: Format,
  file: string,
): void {
  if (!isRecord(value)) return;
  const other = OTHERS.find(({ is }) => is(value, format));
  if (other !== undefined) throw refusal(other.name, file);
}

/** The same by words of the text, for a format that is none of those that can be read. */
export function refuseOtherText(text: string, file: string): void {
  if (
    /^[ \t]*bridge_port[ \t]*=/m.test(text) &&
    /^[ \t]*appname[ \t]*=/m.test(text)
  )
    throw refusal("nps (its server)", file);
}

function refusal(name: string, file: string): VnetError {
  return new VnetError(
    "config",
    `${file}: this is a configuration of ${name}, which cannot be imported; docs/coming-from.md shows how to write one by hand`,
  );
}
