// The text of a file → what the hub needs of it. Pure: reads no file and no
// environment. What only a node reads is skipped, whatever its values.

import type { HubConfig, LimitSettings, RouteSettings } from "./config.js";
import { parseIni } from "./ini.js";
import type { IniSection } from "./ini.js";
import { Problems } from "./problem.js";
import { SECTIONS } from "./schema.js";
import { knownSections, readSection, type KnownSection } from "./section.js";

/** Throws VnetError `config`: one line for each thing wrong, each naming `file`. */
export function parseHubConfig(text: string, file: string): HubConfig {
  const problems = new Problems(file);
  const warnings: string[] = [];
  const sections = knownSections(parseIni(text, problems), problems);
  const route = readRoute(
    sections.find((section) => section.kind === "route")?.ini,
    "ip=0.0.0.0 (or the one address to listen on)",
    problems,
    warnings,
  );
  const groups = readGroups(sections, problems, warnings);
  const limits = readLimits(sections, problems, warnings);
  problems.throwIfAny();
  if (route.authkey === "" && !isLoopbackAddress(route.ip))
    warnings.push(
      `${file}: [route] has no authkey: whoever reaches this port can join any group; write authkey=auto to have one made`,
    );
  return { route, groups, limits, warnings };
}

function isLoopbackAddress(ip: string): boolean {
  return ip.startsWith("127.") || ip === "::1" || ip === "localhost";
}

function readGroups(
  sections: readonly KnownSection[],
  problems: Problems,
  warnings: string[],
): HubConfig["groups"] {
  return sections
    .filter((section) => section.kind === "group")
    .map(({ label, ini }) => {
      const keys = SECTIONS.group.keys;
      const { values } = readSection(ini, keys, problems, warnings);
      return { name: label, authkey: values.authkey };
    });
}

function readLimits(
  sections: readonly KnownSection[],
  problems: Problems,
  warnings: string[],
): LimitSettings {
  const section = sections.find(({ kind }) => kind === "limits")?.ini;
  const given = section ?? { name: "limits", line: 1, entries: new Map() };
  const keys = SECTIONS.limits.keys;
  const { values } = readSection(given, keys, problems, warnings);
  return {
    handshakeTimeoutSeconds: values.handshake_timeout,
    maxUnauthenticated: values.max_unauthenticated,
    maxUnauthenticatedPerAddress: values.max_unauthenticated_per_address,
    maxNodes: values.max_nodes,
    maxServesPerNode: values.max_serves_per_node,
    maxLegsPerNode: values.max_legs_per_node,
    maxFramesPerSecond: values.max_frames_per_second,
  };
}

/** `[route]`, which both programs read; `wanted` is the line to write when it is not there. */
export function readRoute(
  section: IniSection | undefined,
  wanted: string,
  problems: Problems,
  warnings: string[],
): RouteSettings {
  const keys = SECTIONS.route.keys;
  if (section !== undefined)
    return readSection(section, keys, problems, warnings).values;
  problems.add(
    { section: "route" },
    `found no such section; write [route] and on the next line ${wanted}`,
  );
  return {
    ip: keys.ip.fallback,
    port: keys.port.fallback,
    authkey: keys.authkey.fallback,
    fingerprint: keys.fingerprint.fallback,
  };
}
