// The text of a file → what the hub needs of it. Pure: reads no file and no
// environment. What only a node reads is skipped, whatever its values.

import type { HubConfig, RouteSettings } from "./config.js";
import { parseIni } from "./ini.js";
import type { IniSection } from "./ini.js";
import { Problems } from "./problem.js";
import { SECTIONS } from "./schema.js";
import { knownSections, readSection } from "./section.js";

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
  problems.throwIfAny();
  return { route, warnings };
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
  return { ip: keys.ip.fallback, port: keys.port.fallback };
}
