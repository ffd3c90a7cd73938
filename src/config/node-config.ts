// The text of a file → what a node needs of it, checked as a whole. Pure but
// for the default name, which is this machine's.

import { hostname } from "node:os";
import {
  DEFAULT_MAX_PROCESSES,
  formatServeid,
  SERVEID,
  shortOfIds,
} from "./config.js";
import type {
  NodeConfig,
  RouteSettings,
  ServeSettings,
  UseSettings,
  VnetSettings,
} from "./config.js";
import { mergeSections } from "./flags.js";
import { withoutEmpty } from "./given.js";
import { parseIni } from "./ini.js";
import type { IniSection } from "./ini.js";
import { readNoKey, withKeyFiles, type ReadKey } from "./key-files.js";
import { isLink } from "./link.js";
import { refuseLinkPort } from "./link-port.js";
import { once } from "./once.js";
import { Problems, formatPlace } from "./problem.js";
import { readLog } from "./log-section.js";
import { readRoute } from "./route-section.js";
import { SECTIONS } from "./schema.js";
import { knownSections, readSection } from "./section.js";
import type { KnownSection } from "./section.js";
import { readUses } from "./use-section.js";
import { AUTO, fitLabel, PORT } from "./value.js";

/**
 * Throws VnetError `config`: one line for each thing wrong, each naming `file`.
 * `hostName` is the default of `[vnet] name`, made to fit. `flags`: what the command line says, which wins.
 */
export function parseNodeConfig(
  text: string,
  file: string,
  hostName: string = hostname(),
  flags: readonly IniSection[] = [],
  readKey: ReadKey = readNoKey,
): NodeConfig {
  const problems = new Problems(file);
  const warnings: string[] = [];
  const found = parseIni(text, problems);
  const given = withoutEmpty(found, "node", file, warnings);
  const merged = mergeSections(given, flags);
  const keyed = withKeyFiles(merged, "node", readKey, problems);
  const sections = knownSections(keyed, problems);
  const find = (kind: KnownSection["kind"]) =>
    sections.find((section) => section.kind === kind)?.ini;
  const route = readRoute(
    find("route"),
    "ip=ADDRESS OF THE HUB",
    problems,
    warnings,
  );
  refuseNoHub(find("route"), problems);
  refuseAuto(route, find("route"), problems);
  warnAboutAnyAddress(route, find("route"), file, warnings);
  const vnet = readVnet(find("vnet"), hostName, problems, warnings);
  const log = readLog(sections, problems, warnings);
  const serves = readServes(sections, problems, warnings);
  const uses = readUses(sections, problems, warnings);
  problems.throwIfAny();
  if (!vnet.encrypt) warnAboutPins(uses, file, warnings);
  const dynamic = serves.filter(
    ({ active, serveid }) => active && serveid < SERVEID.staticMin,
  );
  const short = shortOfIds(dynamic.length);
  if (short !== null) warnings.push(`${file}: ${short}`);
  return { route, log, vnet, serves, uses, warnings };
}

/** A hub without ip= listens on all addresses; a node has to be told where its hub is. */
function refuseNoHub(
  section: IniSection | undefined,
  problems: Problems,
): void {
  if (section?.entries.has("ip") !== false) return;
  const line = section.empty?.get("ip") ?? section.line;
  problems.add(
    { line, section: "route", key: "ip" },
    `found nothing, allowed ${SECTIONS.route.keys.ip.kind.allowed}; write ip=ADDRESS OF THE HUB`,
  );
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

/** Without encryption nobody proves a key. */
function warnAboutPins(
  uses: readonly UseSettings[],
  file: string,
  warnings: string[],
): void {
  for (const { label, fingerprint } of uses)
    if (fingerprint !== "")
      warnings.push(
        `${file}: [use.${label}] fingerprint: with encrypt=false it is compared with what the hub says, and proves nothing`,
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
    drainSeconds: values.drain,
    secret: values.secret,
    encrypt: values.encrypt,
    state: values.state,
  };
}

function readServes(
  sections: readonly KnownSection[],
  problems: Problems,
  warnings: string[],
): ServeSettings[] {
  const idOnce = once(
    problems,
    `each serveid from ${SERVEID.staticMin} on once among the serves`,
  );
  const nameOnce = once(
    problems,
    "each name once among serves with share=takeover, of which only the latest would be used",
  );
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
      // A lower one is a preference only.
      if (line !== undefined && values.serveid >= SERVEID.staticMin)
        idOnce(formatServeid(values.serveid), {
          line,
          section: ini.name,
          key: "serveid",
        });
      const name = values.name || label;
      if (values.share === "takeover")
        nameOnce(name, {
          line: lines.get("share") ?? ini.line,
          section: ini.name,
          key: "name",
        });
      refuseLinkPort(ini.name, values.ip, lines.get("port"), problems);
      if (
        !ini.entries.has("port") &&
        !isLink(ini.entries.get("ip")?.value ?? "")
      )
        problems.add(
          {
            line: ini.empty?.get("port") ?? ini.line,
            section: ini.name,
            key: "port",
          },
          `found nothing, allowed ${PORT.allowed}`,
        );
      refuseHost(values, { ini, line: lines.get("host") }, problems);
      if (values.peers !== "" && values.share === "exclusive")
        problems.add(
          { line: lines.get("peers"), section: ini.name, key: "peers" },
          "found it with share=exclusive, allowed with share=takeover or balance only; write share= or remove it",
        );
      for (const key of ["hosts", "trust_forwarded"] as const)
        if (values.host === "" && lines.has(key))
          problems.add(
            { line: lines.get(key) ?? ini.line, section: ini.name, key },
            "found it without host=, allowed with type=http and host= only; write those or remove it",
          );
      const {
        trust_forwarded: trustForwarded,
        max_processes: maxProcesses,
        ...rest
      } = values;
      const isUsual = maxProcesses === DEFAULT_MAX_PROCESSES;
      return {
        ...{ label, ...rest, trustForwarded, name },
        ...(!isUsual && { maxProcesses }),
      };
    });
}

/** The Host header can be rewritten only where HTTP is spoken, to a service that takes one connection after another. */
function refuseHost(
  { host, type, ip }: Pick<ServeSettings, "host" | "type" | "ip">,
  { ini, line }: { ini: IniSection; line: number | undefined },
  problems: Problems,
): void {
  if (host === "") return;
  const place = { line: line ?? ini.line, section: ini.name, key: "host" };
  if (type.toLowerCase() !== "http")
    problems.add(
      place,
      `found it with type=${type}, allowed with type=http only; write type=http or remove it`,
    );
  const link = /^(?:exec|vsock):/.exec(ip)?.[0];
  if (link !== undefined)
    problems.add(
      place,
      `found it with ip=${link}…, allowed with a host, unix: or hvsock: only`,
    );
}
