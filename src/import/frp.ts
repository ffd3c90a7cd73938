// frp's two shapes as one: the old INI ([common], a section a proxy) and the
// new TOML, YAML or JSON (lists of proxies and visitors). Pure.

import type { Problems } from "../config/problem.js";
import { oneOf, type ValueKind } from "../config/value.js";
import { hasKey, isRecord, Mapping, type Case } from "./mapping.js";
import { parsePortRanges, PORT_RANGES } from "./port-ranges.js";
import type { Format } from "./source.js";

export interface FrpProxy {
  readonly name: string;
  readonly type: string;
  readonly isVisitor: boolean;
  readonly mapping: Mapping;
}

export interface FrpFile {
  readonly format: Format;
  readonly root: Mapping;
  readonly proxies: readonly FrpProxy[];
}

/** Of an old INI's section; frp starts with no other word. */
const ROLE = oneOf(["server", "visitor"] as const);

/** Any text of one line: what becomes of it is decided later. */
export const TEXT: ValueKind<string> = {
  allowed: "text",
  parse: (text) => text,
};

const CLIENT = ["serverAddr", "serverPort", "proxies", "visitors"];
const CLIENT_COMMON = ["server_addr", "server_port", "user", "start"];
const SERVER = [
  "bindPort",
  "bindAddr",
  "proxyBindAddr",
  "allowPorts",
  "maxPortsPerClient",
  "subDomainHost",
  "vhostHTTPPort",
  "vhostHTTPSPort",
  "kcpBindPort",
  "quicBindPort",
];
const SERVER_COMMON = [
  "bind_port",
  "bind_addr",
  "proxy_bind_addr",
  "allow_ports",
  "vhost_http_port",
  "vhost_https_port",
];
/** Of an old INI file's sections; `type` alone is in many programs' files. */
const CLIENT_SECTION = [
  "local_port",
  "remote_port",
  "server_name",
  "custom_domains",
  "subdomain",
  "plugin",
];

/** Which program of frp the value configures; null: none. `file` decides where the keys could be of both. */
export function frpSide(
  value: unknown,
  format: Format,
  file: string,
): "frpc" | "frps" | null {
  if (!isRecord(value)) return null;
  const caseOfKeys = caseIn(format);
  const has = (record: unknown, keys: readonly string[]) =>
    isRecord(record) && hasKey(record, keys, caseOfKeys);
  if (format === "INI") {
    if (has(value, ["route", "vnet"])) return null;
    const { common, ...others } = value;
    if (has(common, SERVER_COMMON)) return "frps";
    if (has(common, CLIENT_COMMON)) return "frpc";
    if (Object.values(others).some((each) => has(each, CLIENT_SECTION)))
      return "frpc";
  } else {
    if (has(value, CLIENT)) return "frpc";
    if (has(value, SERVER)) return "frps";
  }
  const isAnyFrp = has(value, ["common", "auth"]);
  const named = /frp[cs]/i.exec(file)?.[0].toLowerCase();
  return isAnyFrp && (named === "frpc" || named === "frps") ? named : null;
}

/** frp reads the new formats by way of JSON, where Go finds `serveraddr` too; in its INI each letter counts. */
function caseIn(format: Format): Case {
  return format === "INI" ? "exact" : "any";
}

export function readFrp(
  value: Readonly<Record<string, unknown>>,
  format: Format,
  problems: Problems,
): FrpFile {
  if (format !== "INI") {
    // To frp a key with a dot in front is there for YAML's anchors only.
    const own = Object.entries(value).filter(([key]) => !key.startsWith("."));
    const root = new Mapping(
      Object.fromEntries(own),
      "",
      problems,
      caseIn(format),
    );
    const proxies = [
      ...root.list("proxies").map((mapping) => readProxy(mapping, false)),
      ...root.list("visitors").map((mapping) => readProxy(mapping, true)),
    ];
    return { format, root, proxies };
  }
  const { common = {}, ...others } = value as Record<
    string,
    Readonly<Record<string, unknown>>
  >;
  const sections = withoutRanges(others, problems);
  const proxies = sections.map(([name, section]) => {
    const mapping = new Mapping(section, `[${name}] `, problems);
    const isVisitor = mapping.take("role", ROLE) === "visitor";
    const type = mapping.take("type", TEXT) ?? "tcp";
    return { name, type, isVisitor, mapping };
  });
  return { format, root: new Mapping(common, "[common] ", problems), proxies };
}

type Section = Readonly<Record<string, unknown>>;

/** `[range:ssh]` with `local_port = 22,23-25` is ssh_0, ssh_1 and so on, as frp calls them. */
function withoutRanges(
  sections: Readonly<Record<string, Section>>,
  problems: Problems,
): [name: string, section: Section][] {
  return Object.entries(sections).flatMap(([title, section]) => {
    const name = /^range:(.*)$/s.exec(title)?.[1]?.trim();
    if (name === undefined) return [[title, section]];
    const complain = (key: string, text: string) => {
      problems.add({ section: title, key }, text);
      return [];
    };
    const ports = (key: string) =>
      parsePortRanges(typeof section[key] === "string" ? section[key] : "");
    const local = ports("local_port");
    const remote = ports("remote_port");
    if (local === undefined)
      return complain(
        "local_port",
        `found something else, allowed ${PORT_RANGES}`,
      );
    if (remote === undefined)
      return complain(
        "remote_port",
        `found something else, allowed ${PORT_RANGES}`,
      );
    if (local.length !== remote.length)
      return complain(
        "remote_port",
        `found ${remote.length} ports, allowed: as many as local_port has, ${local.length}`,
      );
    return local.map((port, at): [string, Section] => [
      `${name}_${at}`,
      {
        ...section,
        local_port: String(port),
        remote_port: String(remote[at] ?? 0),
      },
    ]);
  });
}

function readProxy(mapping: Mapping, isVisitor: boolean): FrpProxy {
  const name = mapping.need("name", TEXT, "");
  const type = mapping.need("type", TEXT, "");
  return { name, type, isVisitor, mapping };
}
