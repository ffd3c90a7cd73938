// Loopback ports that must be known before somebody listens on them. Nobody
// else gets the same one: not the system (outside its ephemeral range), not
// another suite on this machine (a lock file for each port).

import {
  mkdirSync,
  chmodSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const COUNT = 10_000;
const folder = join(tmpdir(), "vnet-test-ports");
const held = new Set<string>();

process.on("exit", () => {
  for (const file of held) rmSync(file, { force: true });
});

/** A free TCP port of 127.0.0.1, kept for this process until it ends. */
export async function reservePort(): Promise<number> {
  const first = firstPort();
  const start = Math.floor(Math.random() * COUNT);
  for (let step = 0; step < COUNT; step++) {
    const port = first + ((start + step) % COUNT);
    if (!lock(port)) continue;
    if (await isFree(port)) return port;
    unlock(port);
  }
  throw new Error(`no free port between ${first} and ${first + COUNT}`);
}

/** Just below the range from which the system takes ports by itself. */
function firstPort(): number {
  let low = 32_768;
  try {
    const text = readFileSync("/proc/sys/net/ipv4/ip_local_port_range", "utf8");
    low = Number(text.trim().split(/\s+/)[0]);
  } catch {
    // Not Linux: the usual ranges start above that.
  }
  return Math.max(1_024, low - COUNT);
}

function lock(port: number): boolean {
  mkdirSync(folder, { recursive: true });
  try {
    chmodSync(folder, 0o1777);
  } catch {
    // Another user's folder, shared already.
  }
  const file = join(folder, String(port));
  try {
    writeFileSync(file, String(process.pid), { flag: "wx" });
  } catch {
    // Left by a suite that was killed: for the next one, not for us, so that
    // two of us can never both think they have taken it over.
    if (isStale(file)) rmSync(file, { force: true });
    return false;
  }
  held.add(file);
  return true;
}

function unlock(port: number): void {
  const file = join(folder, String(port));
  rmSync(file, { force: true });
  held.delete(file);
}

function isStale(file: string): boolean {
  try {
    if (Date.now() - statSync(file).mtimeMs < 60_000) return false;
    process.kill(Number(readFileSync(file, "utf8")), 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
