// What the system says of a process: its memory and its open descriptors.

import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** Whether this system tells (Linux's /proc). */
export const canMeasure = process.platform === "linux";

/** Resident memory in bytes. */
export function residentBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) * 1024;
}

/** The most that it ever had, in bytes. */
export function peakResidentBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1] ?? 0) * 1024;
}

/** How many sockets it has open. */
export function openSockets(pid: number): number {
  return openDescriptors(pid).filter((link) => link.startsWith("socket:"))
    .length;
}

function openDescriptors(pid: number): string[] {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).flatMap((fd) => {
    try {
      return [readlinkSync(`${folder}/${fd}`)];
    } catch {
      // closed while we looked
      return [];
    }
  });
}
