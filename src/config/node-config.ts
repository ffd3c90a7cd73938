// The text of a file → what a node needs of it, checked as a whole. Pure but
// for the default name, which is this machine's.

import { hostname } from "node:os";
import { formatServeid } from "./config.js";
import type {
  NodeConfig,
  RouteSettings,
  ServeSettings,
  UseSettings,
  VnetSettings,
} from "./config.js";
import { readRoute } from "./hub-config.js";
import { parseIni } from "./ini.js";
import type { IniSection } from "./ini.js";
import { Problems, formatPlace } from "./problem.js";
import { SECTIONS } from "./schema.js";
import { knownSections, readSection } from "./section.js";
import type { KnownSection } from "./section.js";
import { AUTO, fitLabel } from "./value.js";

/** Says where each value first stood, and complains about the second one. */
type Once = (value: string, place: Site) => void;

interface Site {
  readonly line: number;
  readonly section: string;
  readonly key: string;
}

/**
 * Throws VnetError `config`: one line for each thing wrong, each naming `file`.
 * `hostName` is the default of `[vnet] name`, made to fit.
 */
export function parseNodeConfig(
  text: string,
  file: string,
  hostName: string = hostname(),
): NodeConfig {
  const problems = new Problems(file);
  const warnings: string[] = [];
  const sections = knownSections(parseIni(text, problems), problems);
  const find = (kind: KnownSection["kind"]) =>
    sections.find((section) => section.kind === kind)?.ini;
  const route = readRoute(
    find("route"),
    "ip=ADDRESS OF THE HUB",
    problems,
    warnings,
  );
  refuseAuto(route, find("route"), problems);
  warnAboutAnyAddress(route, find("route"), file, warnings);
  const vnet = readVnet(find("vnet"), hostName, problems, warnings);
  const serves = readServes(sections, problems, warnings);
  const uses = readUses(sections, problems, warnings);
  problems.throwIfAny();
  return { route, vnet, serves, uses, warnings };
}

/** Only a hub can make the key; a node has to be told it. */
function refuseAuto(
  route: RouteSettings,
  section: IniSection | undefined,
  problems: Problems,
): void {
  if (route.authkey !== AUTO) return;
  const line = section?.entries.get("authkey")?.line ?? 1;
  problems.add(
    { line, section: "route", key: "authkey" },
    `found ${AUTO}, which is for the hub; write the key that the hub printed at its first start`,
  );
}

function warnAboutAnyAddress(
  route: RouteSettings,
  section: IniSection | undefined,
  file: string,
  warnings: string[],
): void {
  if (route.ip !== "0.0.0.0" && route.ip !== "::") return;
  const line = section?.entries.get("ip")?.line;
  const advice = `${route.ip} is where a hub listens; a node wants the hub's own address`;
  warnings.push(
    formatPlace(file, { line, section: "route", key: "ip" }, advice),
  );
}

function readVnet(
  section: IniSection | undefined,
  hostName: string,
  problems: Problems,
  warnings: string[],
): VnetSettings {
  const given = section ?? { name: "vnet", line: 1, entries: new Map() };
  const { values } = readSection(given, SECTIONS.vnet.keys, problems, warnings);
  return {
    name: values.name === "" ? fitLabel(hostName, "vnet") : values.name,
    group: values.group,
    terminal: values.terminal,
    startserve: values.startserve || !values.terminal,
    startuse: values.startuse || !values.terminal,
    allowUnserve: values.allow_unserve,
    unserveRemote: values.unserve_remote,
    unserveNum: values.unserve_num,
    unserveTtlSeconds: values.unserve_ttl,
    unserveLingerSeconds: values.unserve_linger,
    secret: values.secret,
    encrypt: values.encrypt,
  };
}

function readServes(
  sections: readonly KnownSection[],
  problems: Problems,
  warnings: string[],
): ServeSettings[] {
  const idOnce = once(problems, "each serveid once among the serves");
  return sections
    .filter((section) => section.kind === "serve")
    .map(({ label, ini }) => {
      const { values, lines } = readSection(
        ini,
        SECTIONS.serve.keys,
        problems,
        warnings,
      );
      const line = lines.get("serveid");
      if (line !== undefined && values.serveid !== 0)
        idOnce(formatServeid(values.serveid), {
          line,
          section: ini.name,
          key: "serveid",
        });
      return { label, ...values, name: values.name || label };
    });
}

function readUses(
  sections: readonly KnownSection[],
  problems: Problems,
  warnings: string[],
): UseSettings[] {
  const idOnce = once(problems, "each serveid once among the uses");
  const listenOnce = once(problems, "each ip and port once among the uses");
  return sections
    .filter((section) => section.kind === "use")
    .map(({ label, ini }) => {
      const { values, lines } = readSection(
        ini,
        SECTIONS.use.keys,
        problems,
        warnings,
      );
      const site = { section: ini.name };
      const idLine = lines.get("serveid");
      if (values.serveid !== 0 && idLine !== undefined)
        idOnce(formatServeid(values.serveid), {
          ...site,
          line: idLine,
          key: "serveid",
        });
      else if (idLine !== undefined || !ini.entries.has("serveid"))
        warnings.push(
          formatPlace(
            problems.file,
            { ...site, line: idLine ?? ini.line, key: "serveid" },
            "no serveid, so this use stays disabled; write the serve's (1–999)",
          ),
        );
      const portLine = lines.get("port");
      // An address that was not valid is reported already and compares to nothing.
      const ipIsKnown = lines.has("ip") || !ini.entries.has("ip");
      if (portLine !== undefined && ipIsKnown)
        listenOnce(`${values.ip.toLowerCase()} port ${values.port}`, {
          ...site,
          line: portLine,
          key: "port",
        });
      return { label, ...values };
    });
}

function once(problems: Problems, allowed: string): Once {
  const seen = new Map<string, Site>();
  return (value, site) => {
    const first = seen.get(value);
    if (first === undefined) seen.set(value, site);
    else
      problems.add(
        site,
        `found ${value}, which [${first.section}] has on line ${first.line}; allowed: ${allowed}`,
      );
  };
}
