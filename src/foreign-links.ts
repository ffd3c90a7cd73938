// Refuses links that this system has not: a Unix socket on Windows, a named pipe of Windows elsewhere. A file is read the
// same everywhere; what it can do here is said before anything starts.

import type { HubConfig, NodeConfig } from "./config/config.js";
import { isNamedPipe, parseLink } from "./config/link.js";
import { VnetError } from "./errors.js";

type Config =
  | Pick<NodeConfig, "route" | "serves" | "uses">
  | Pick<HubConfig, "route" | "publics">;

/** Throws VnetError `config` that names the section and what to write. */
export function refuseForeignLinks(
  title: string,
  config: Config,
  isWindows = process.platform === "win32",
): void {
  for (const [section, ip] of placesOf(config)) {
    const problem = foreignProblem(ip, isWindows);
    if (problem !== null)
      throw new VnetError(
        "config",
        `${title}: [${section}] ip: found ${ip}, ${problem}`,
      );
  }
}

function placesOf(config: Config): [section: string, ip: string][] {
  const named = (kind: string, entries: { label: string; ip: string }[]) =>
    entries.map(({ label, ip }): [string, string] => [`${kind}.${label}`, ip]);
  const more =
    "publics" in config
      ? named("public", config.publics)
      : [...named("serve", config.serves), ...named("use", config.uses)];
  return [["route", config.route.ip], ...more];
}

/** Null: it is none. */
function foreignProblem(ip: string, isWindows: boolean): string | null {
  const link = parseLink(ip);
  if (link?.scheme !== "unix" && link?.scheme !== "hvsock") return null;
  const isPipe = isNamedPipe(link.path);
  if (isPipe === isWindows) return null;
  if (link.scheme === "hvsock")
    return "the socket of a virtual machine monitor, which runs on Linux only";
  return isPipe
    ? "a named pipe of Windows, which this is not; write unix:/PATH"
    : "a Unix socket, which Windows has not; write a named pipe, unix:\\\\.\\pipe\\NAME";
}
