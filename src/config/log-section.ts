// `[log]`, which both programs read.

import type { LogSettings } from "./config.js";
import type { Problems } from "./problem.js";
import { SECTIONS } from "./schema.js";
import { readSection, type KnownSection } from "./section.js";

export function readLog(
  sections: readonly KnownSection[],
  problems: Problems,
  warnings: string[],
): LogSettings {
  const section = sections.find(({ kind }) => kind === "log")?.ini;
  const given = section ?? { name: "log", line: 1, entries: new Map() };
  return readSection(given, SECTIONS.log.keys, problems, warnings).values;
}
