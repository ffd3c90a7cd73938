// The lock that lets one builder at a time work in a clone: a file made
// exclusively, with the owner's pid inside. A dead owner's lock is taken over.
// Only builder.mjs holds it.

import {
  closeSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { BuildError, root } from "./built.mjs";

const POLL_MS = 100;
const DEADLINE_MS = 10 * 60_000;
/** How long a lock may be without its text: its owner is just writing it. */
const UNWRITTEN_MS = 5_000;

/**
 * Runs `work` while holding the lock of this clone.
 * @throws {BuildError} when another builder holds it for ten minutes
 */
export async function withBuildLock(
  { say, file = join(root, ".build.lock"), deadlineMs = DEADLINE_MS },
  work,
) {
  const mine = `${process.pid} ${startOf(process.pid)} ${hostname()}\n`;
  await acquire(file, mine, deadlineMs, say);
  const held = () => read(file) === mine;
  const release = () => {
    if (held()) rmSync(file, { force: true });
  };
  process.on("exit", release);
  try {
    return await work({
      assertHeld() {
        if (!held())
          throw new BuildError(
            "the build lock was taken away meanwhile; start again",
          );
      },
    });
  } finally {
    process.off("exit", release);
    release();
  }
}

async function acquire(file, mine, deadlineMs, say) {
  const giveUpAt = Date.now() + deadlineMs;
  let told = false;
  while (!create(file, mine)) {
    const text = read(file);
    if (text !== null && isDead(file, text)) {
      discard(file, text);
      continue;
    }
    const owner = text?.split(" ")[0] || "unknown";
    if (Date.now() > giveUpAt)
      throw new BuildError(
        `another build (pid ${owner}) has not finished for ${Math.round(deadlineMs / 60_000)} minutes; if there is none, delete ${file} and start again`,
      );
    if (!told) say(`waiting for another build (pid ${owner})…`);
    told = true;
    await delay(POLL_MS);
  }
}

function create(file, mine) {
  try {
    const handle = openSync(file, "wx");
    try {
      writeSync(handle, mine);
    } finally {
      closeSync(handle);
    }
    return true;
  } catch (error) {
    if (error.code === "EEXIST") return false;
    throw error;
  }
}

/** Removes the lock only if it still is the dead one that was looked at. */
function discard(file, deadText) {
  const aside = `${file}.${process.pid}`;
  try {
    renameSync(file, aside);
  } catch (error) {
    if (error.code === "ENOENT") return;
    throw error;
  }
  try {
    if (read(aside) !== deadText) linkSync(aside, file);
  } catch {
    // Somebody has the lock already; whoever lost it notices in assertHeld.
  } finally {
    rmSync(aside, { force: true });
  }
}

function isDead(file, text) {
  const [pid, start, host] = text.trim().split(" ");
  if (!pid || !start || !host) {
    const age =
      Date.now() -
      (statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    return age > UNWRITTEN_MS;
  }
  // Another machine's pid on a shared folder says nothing here.
  if (host !== hostname()) return false;
  try {
    process.kill(Number(pid), 0);
  } catch (error) {
    return error.code === "ESRCH";
  }
  // The same number can be another process by now.
  return start !== startOf(pid);
}

/** When the process was started, in the kernel's ticks; "-" where unknown. */
function startOf(pid) {
  const stat = read(`/proc/${pid}/stat`);
  if (stat === null) return "-";
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "-";
}

function read(file) {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if (error.code === "ENOENT" || error.code === "ESRCH") return null;
    throw error;
  }
}
