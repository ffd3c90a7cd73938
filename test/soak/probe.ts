// Loaded into a measured process beside the program (node --import): answers SIGUSR2 with what the process
// keeps after a full collection, in a file. It never keeps the process alive, and the program knows nothing of it.

import { renameSync, rmSync, readFileSync, writeFileSync } from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";
import * as v8 from "node:v8";
import { runInNewContext } from "node:vm";
import { PROBE_FOLDER, type Inside } from "./inside.js";

const folder = process.env[PROBE_FOLDER];
if (folder !== undefined) process.on("SIGUSR2", () => answer(folder));

v8.setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

const timer = setTimeout(() => undefined, 0);
const Timer = timer.constructor;
clearTimeout(timer);

function answer(into: string): void {
  const counts = {
    // Also those that keep no process alive, and those that were cleared and are still held by somebody.
    timers: count(Timer),
    sockets: count(Socket),
  };
  const handles: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo())
    handles[kind] = (handles[kind] ?? 0) + 1;
  // Counting has collected already; what finalizers let go then goes now.
  collect();
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  const inside: Inside = {
    ...{ heapUsed, external, arrayBuffers, handles, ...counts },
    code: codeBytes(),
    spare: v8.getHeapStatistics().total_physical_size - heapUsed,
  };
  const name = join(into, String(process.pid));
  snapshotIfAsked(name);
  writeFileSync(`${name}.part`, JSON.stringify(inside));
  renameSync(`${name}.part`, `${name}.json`);
}

function codeBytes(): number {
  const { code_and_metadata_size, bytecode_and_metadata_size } =
    v8.getHeapCodeStatistics();
  return code_and_metadata_size + bytecode_and_metadata_size;
}

function count(kind: unknown): number {
  // Types of Node 20 do not have it, Node 20.13 has.
  const { queryObjects } = v8 as unknown as {
    queryObjects: (kind: unknown, options: { format: "count" }) => number;
  };
  return queryObjects(kind, { format: "count" });
}

/** PID.snapshot holds the name of the heap snapshot that is wanted. */
function snapshotIfAsked(name: string): void {
  let file: string;
  try {
    file = readFileSync(`${name}.snapshot`, "utf8");
  } catch {
    return;
  }
  v8.writeHeapSnapshot(file);
  rmSync(`${name}.snapshot`);
}
