// What a run was made on: machine, system, versions, date.

import { cpus, loadavg, release, totalmem, type } from "node:os";
import { findProgram, versionOf } from "./find-program.mjs";

/** @param programs names; those that are there get their version */
export function describeMachine(programs) {
  const present = [...new Set(programs)].filter((name) => findProgram(name));
  return {
    date: new Date().toISOString().slice(0, 16).replace("T", " ") + " UTC",
    node: process.version,
    cpu: `${cpus().length} × ${cpus()[0]?.model.trim() ?? "unknown"}`,
    memoryGigabytes: Math.round(totalmem() / 1e9),
    system: `${type()} ${release()}`,
    loadBefore: loadavg()[0],
    programs: Object.fromEntries(
      present
        .map((name) => [name, versionOf(name)])
        .filter(([, version]) => version !== null),
    ),
  };
}
