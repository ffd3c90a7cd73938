// The text of a file → what the hub needs of it. Pure: reads no file and no
// environment. What only a node reads is skipped, whatever its values.

import type { GroupSettings, HubConfig, LimitSettings } from "./config.js";
import { mergeSections } from "./flags.js";
import { withoutEmpty } from "./given.js";
import { parseIni } from "./ini.js";
import type { IniSection } from "./ini.js";
import { readNoKey, withKeyFiles, type ReadKey } from "./key-files.js";
import { isLink } from "./link.js";
import { Problems } from "./problem.js";
import { readLog } from "./log-section.js";
import { readRoute } from "./route-section.js";
import { SECTIONS } from "./schema.js";
import { canListenOn } from "./value.js";
import { knownSections, readSection, type KnownSection } from "./section.js";
import { readPublics } from "./use-section.js";

/**
 * Throws VnetError `config`: one line for each thing wrong, each naming `file`.
 * @param flags what the command line says, which wins
 */
export function parseHubConfig(
  text: string,
  file: string,
  flags: readonly IniSection[] = [],
  readKey: ReadKey = readNoKey,
): HubConfig {
  const problems = new Problems(file);
  const warnings: string[] = [];
  const found = parseIni(text, problems);
  const given = withoutEmpty(found, "hub", file, warnings);
  const merged = mergeSections(given, flags);
  const keyed = withKeyFiles(merged, "hub", readKey, problems);
  const sections = knownSections(keyed, problems);
  const find = (kind: KnownSection["kind"]) =>
    sections.find((section) => section.kind === kind)?.ini;
  const route = readRoute(find("route"), "port=7749", problems, warnings);
  if (!canListenOn(route.ip))
    problems.add(
      {
        line: find("route")?.entries.get("ip")?.line,
        section: "route",
        key: "ip",
      },
      `found "${route.ip.slice(0, route.ip.indexOf(":"))}:…", which can be dialled only; a hub listens on an address, unix:/PATH or hvsock:/PATH:PORT`,
    );
  const log = readLog(sections, problems, warnings);
  const groups = readGroups(sections, problems, warnings);
  const publics = readPublics(sections, problems, warnings);
  const { limits, drainSeconds } = readLimits(sections, problems, warnings);
  problems.throwIfAny();
  if (route.authkey === "" && !isLoopbackAddress(route.ip))
    warnings.push(
      `${file}: [route] has no authkey: whoever reaches this port can join any group; write authkey=auto to have one made`,
    );
  const saysProxies = find("route")?.entries.has("proxy_from") === true;
  if (route.proxyProtocol && !saysProxies && !isLoopbackAddress(route.ip))
    warnings.push(
      `${file}: [route] proxy_protocol=true without proxy_from: PROXY headers are believed from loopback and private addresses, and who sends one chooses the address that counts for him; write proxy_from= with the address of the proxy`,
    );
  return { route, log, groups, publics, limits, drainSeconds, warnings };
}

function isLoopbackAddress(ip: string): boolean {
  if (isLink(ip)) return true;
  return ip.startsWith("127.") || ip === "::1" || ip === "localhost";
}

function readGroups(
  sections: readonly KnownSection[],
  problems: Problems,
  warnings: string[],
): GroupSettings[] {
  return sections
    .filter((section) => section.kind === "group")
    .map(({ label, ini }) => {
      const keys = SECTIONS.group.keys;
      const { values } = readSection(ini, keys, problems, warnings);
      if (!ini.entries.has("authkey") && !ini.entries.has("secret"))
        problems.add(
          { line: ini.line, section: ini.name },
          "found no key in it, allowed: authkey (who may join this group), secret (for this hub's public ports), or both",
        );
      return { name: label, authkey: values.authkey, secret: values.secret };
    });
}

function readLimits(
  sections: readonly KnownSection[],
  problems: Problems,
  warnings: string[],
): { limits: LimitSettings; drainSeconds: number } {
  const section = sections.find(({ kind }) => kind === "limits")?.ini;
  const given = section ?? { name: "limits", line: 1, entries: new Map() };
  const keys = SECTIONS.limits.keys;
  const { values } = readSection(given, keys, problems, warnings);
  const limits = {
    handshakeTimeoutSeconds: values.handshake_timeout,
    maxUnauthenticated: values.max_unauthenticated,
    maxUnauthenticatedPerAddress: values.max_unauthenticated_per_address,
    maxNodes: values.max_nodes,
    reservePercent: values.reserve,
    maxServesPerNode: values.max_serves_per_node,
    maxLegsPerNode: values.max_legs_per_node,
    maxFramesPerSecond: values.max_frames_per_second,
  };
  return { limits, drainSeconds: values.drain };
}
