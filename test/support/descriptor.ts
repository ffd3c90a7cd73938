// What the system says of a process's open descriptor. Linux.

import { constants, readFileSync } from "node:fs";

/** Whether it has O_NONBLOCK, which all have who share it. */
export function isNonblocking(pid: number, fd = 1): boolean {
  const info = readFileSync(`/proc/${pid}/fdinfo/${fd}`, "utf8");
  const flags = /^flags:\s+([0-7]+)/m.exec(info)?.[1] ?? "";
  return (parseInt(flags, 8) & constants.O_NONBLOCK) !== 0;
}
