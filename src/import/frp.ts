// frp's two shapes as one: the old INI ([common], a section a proxy) and the
// new TOML, YAML or JSON (lists of proxies and visitors). Pure.

import type { Problems } from "../config/problem.js";
import { LABEL, type ValueKind } from "../config/value.js";
import { hasKey, isRecord, Mapping, type Case } from "./mapping.js";
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

/** Any text of one line: what becomes of it is decided later. */
export const TEXT: ValueKind<string> = {
  allowed: "text",
  parse: (text) => text,
};

const CLIENT = ["serverAddr", "serverPort", "proxies", "visitors"];
const CLIENT_COMMON = ["server_addr", "server_port", "user", "start"];
const SERVER = ["bindPort", "bindAddr", "vhostHTTPPort", "kcpBindPort"];
const SERVER_COMMON = ["bind_port", "bind_addr", "vhost_http_port"];
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

/** A value to be filled in from the environment would come out as it stands, so it is refused. */
export function refuseTemplates(text: string, problems: Problems): void {
  for (const [index, line] of text.split(/\r\n|\n|\r/).entries())
    if (/^[^#;]*\{\{/.test(line))
      problems.add(
        { line: index + 1 },
        "found a template {{…}}, which frp fills in at its start; write the value in its place and import again",
      );
}

export function readFrp(
  value: Readonly<Record<string, unknown>>,
  format: Format,
  problems: Problems,
): FrpFile {
  if (format !== "INI") {
    const root = new Mapping(value, "", problems, caseIn(format));
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
  const proxies = Object.entries(others).map(([name, section]) => {
    const mapping = new Mapping(section, `[${name}] `, problems);
    const isVisitor = mapping.take("role", TEXT) === "visitor";
    const type = mapping.take("type", TEXT) ?? "tcp";
    return { name, type, isVisitor, mapping };
  });
  return { format, root: new Mapping(common, "[common] ", problems), proxies };
}

function readProxy(mapping: Mapping, isVisitor: boolean): FrpProxy {
  const name = mapping.need("name", LABEL, "");
  const type = mapping.need("type", LABEL, "");
  return { name, type, isVisitor, mapping };
}
