// `[use.X]` of a node and `[public.X]` of a hub: a listener, and what of the group it leads to.

import type { PublicSettings, UseSettings } from "./config.js";
import type { IniSection } from "./ini.js";
import { refuseLinkPort } from "./link-port.js";
import { once } from "./once.js";
import { formatPlace, type Problems } from "./problem.js";
import { SECTIONS } from "./schema.js";
import { readSection, type KnownSection } from "./section.js";
import { parseTo } from "./target.js";

/** What each says of where it leads: one of them, in a section. */
const WANTED_KEYS = ["serveid", "serve", "to"] as const;

interface Values extends Pick<
  UseSettings,
  "serveid" | "serve" | "to" | "ip" | "port" | "active" | "fingerprint"
> {
  from: string;
  max_connections: number;
  max_per_address: number;
  idle_timeout: number;
}

/** The `[use.X]` sections. */
export function readUses(
  sections: readonly KnownSection[],
  problems: Problems,
  warnings: string[],
): UseSettings[] {
  const keys = SECTIONS.use.keys;
  const check = createCheck("uses", problems, warnings);
  return sections
    .filter((section) => section.kind === "use")
    .map(({ label, ini }) => {
      const { values, lines } = readSection(ini, keys, problems, warnings);
      check(ini, values, (key) => lines.get(key));
      return { label, ...useOf(values) };
    });
}

/** The `[public.X]` sections. */
export function readPublics(
  sections: readonly KnownSection[],
  problems: Problems,
  warnings: string[],
): PublicSettings[] {
  const keys = SECTIONS.public.keys;
  const check = createCheck("public ports", problems, warnings);
  return sections
    .filter((section) => section.kind === "public")
    .map(({ label, ini }) => {
      const { values, lines } = readSection(ini, keys, problems, warnings);
      check(ini, values, (key) => lines.get(key));
      return { label, ...useOf(values), group: values.group };
    });
}

/** What is not bounded has no bound in it. */
function useOf(values: Values): Omit<UseSettings, "label"> {
  const { serveid, serve, to, ip, port, active, fingerprint } = values;
  const { from, max_connections, max_per_address, idle_timeout } = values;
  return {
    ...{ serveid, serve, to, ip, port, active, fingerprint },
    ...(from !== "" && { from }),
    ...(max_connections > 0 && { maxConnections: max_connections }),
    ...(max_per_address > 0 && { maxPerAddress: max_per_address }),
    ...(idle_timeout > 0 && { idleTimeoutSeconds: idle_timeout }),
  };
}

/** Checks one section after the other, also against those before it. */
function createCheck(
  what: "uses" | "public ports",
  problems: Problems,
  warnings: string[],
) {
  // Two may mean the same serve: for two addresses of this machine, say, or two names in one list.
  const listenOnce = once(problems, `each ip and port once among the ${what}`);
  return (
    ini: IniSection,
    values: Values,
    lineOf: (key: keyof Values) => number | undefined,
  ): void => {
    const { serveid, to, ip, port } = values;
    const site = (key: string, line: number) => {
      return { line, section: ini.name, key };
    };
    refuseTwoTargets(ini, problems);
    refuseLinkPort(ini.name, ip, lineOf("port"), problems);
    const idLine = lineOf("serveid");
    if (serveid === 0 && !ini.entries.has("serve") && !ini.entries.has("to"))
      warnAboutNone(ini, idLine, problems.file, warnings);
    // An address that was not valid is reported already and compares to nothing.
    const ipIsKnown = lineOf("ip") !== undefined || !ini.entries.has("ip");
    const listens = port === 0 ? Number(parseTo(to)?.port ?? 0) : port;
    const portLine = lineOf("port") ?? lineOf("to");
    if (portLine !== undefined && listens !== 0 && ipIsKnown)
      listenOnce(`${ip.toLowerCase()} port ${listens}`, site("port", portLine));
  };
}

function refuseTwoTargets(ini: IniSection, problems: Problems): void {
  const [first, second] = WANTED_KEYS.filter((key) => ini.entries.has(key));
  if (first === undefined || second === undefined) return;
  const line = ini.entries.get(second)?.line;
  problems.add(
    { line, section: ini.name, key: second },
    `found beside ${first}, allowed: one of ${WANTED_KEYS.join(", ")}`,
  );
}

function warnAboutNone(
  ini: IniSection,
  idLine: number | undefined,
  file: string,
  warnings: string[],
): void {
  // A value that was not valid is an error already.
  if (idLine === undefined && ini.entries.has("serveid")) return;
  const line = idLine ?? ini.line;
  warnings.push(
    formatPlace(
      file,
      { line, section: ini.name, key: "serveid" },
      "no serveid, so this stays disabled; write the serve's (1–999), or its name as serve=NAME",
    ),
  );
}
