// One process at a time runs a configuration: a lock in its state folder that says who. A lock whose process is gone is
// nobody's. The lock is a link that leads nowhere: made in one step with its text, it takes no room on a full disk.

import { createHash } from "node:crypto";
import {
  lstatSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  type Stats,
} from "node:fs";
import { hostname } from "node:os";
import { VnetError } from "./errors.js";

/** To take the place of a dead owner needs microseconds, and several may do so at once. */
const ROUNDS = 100;
const PAUSE_MS = 10;

/** Who holds it: `PID START WHERE`, as the target of the link. */
interface Owner {
  pid: number;
  /** when that process was started, as the same number can be another one later; "-" where the system does not say */
  start: string;
  /** this boot and its numbering of processes: elsewhere the pid means nothing */
  where: string;
}

export class RunLock {
  private constructor(
    private readonly path: string,
    /** empty: nothing can be written there, so there is no lock */
    private readonly mine: string,
  ) {}

  /**
   * `heldBy`: the pid of the process that has it. Waits a moment while others are just taking it. Throws VnetError
   * `config` where something else has that name, which is left alone.
   */
  static take(path: string): RunLock | { heldBy: number } {
    const mine = textOf(ownerOf(process.pid));
    let found: string | null = null;
    for (let round = 0; round < ROUNDS; round++) {
      if (make(path, mine)) return new RunLock(path, mine);
      found = read(path);
      if (found === null) refuseOthers(path);
      if (found === mine) return new RunLock(path, mine);
      const owner = found === null ? null : parse(found);
      if (owner !== null && isAlive(owner)) return { heldBy: owner.pid };
      if (found !== null && replace(path, found, mine))
        return new RunLock(path, mine);
      if (!canMake(path)) return new RunLock(path, "");
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
    }
    return { heldBy: parse(found ?? "")?.pid ?? 0 };
  }

  /** For the next one. Idempotent. */
  release(): void {
    if (this.mine === "" || read(this.path) !== this.mine) return;
    rmSync(this.path, { force: true });
  }
}

/** The pid that holds the lock at this path; null: nobody. */
export function holderOf(path: string): number | null {
  const text = read(path);
  const owner = text === null ? null : parse(text);
  return owner !== null && isAlive(owner) ? owner.pid : null;
}

/**
 * Puts `mine` in the place of a dead owner's text. Several may see it dead: only the one who holds the claim on that very
 * text replaces it, and looks again before that, so a lock that lives is never overwritten.
 */
function replace(path: string, dead: string, mine: string): boolean {
  const name = createHash("sha256").update(dead).digest("hex").slice(0, 8);
  const claim = `${path}.${name}`;
  if (!make(claim, mine)) {
    const claimer = parse(read(claim) ?? "");
    // Killed in the middle of this.
    if (claimer === null || !isAlive(claimer)) remove(claim);
    return false;
  }
  if (read(path) !== dead) {
    remove(claim);
    return false;
  }
  try {
    renameSync(claim, path);
  } catch {
    remove(claim);
  }
  return read(path) === mine;
}

/** False: it is there already, or cannot be made. */
function make(path: string, text: string): boolean {
  try {
    if (hasLinks) symlinkSync(text, path);
    else writeFileSync(path, text, { flag: "wx", mode: 0o600 });
    return true;
  } catch {
    return false;
  }
}

/** Whether the folder takes such a file at all. */
function canMake(path: string): boolean {
  const probe = `${path}.${process.pid}`;
  const isMade = make(probe, "probe");
  remove(probe);
  return isMade;
}

function remove(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // a folder that has become read-only
  }
}

function refuseOthers(path: string): void {
  const there = lookAt(path);
  if (there === undefined) return;
  if (hasLinks ? there.isSymbolicLink() : there.isFile()) return;
  throw new VnetError(
    "config",
    `${path} is in the way: the lock of a program that runs has this name, and this is none; move it away`,
  );
}

/** Undefined: nothing is there, or its folder cannot be looked into, which the first key there says. */
function lookAt(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

/** Null: there is none, or something else. */
function read(path: string): string | null {
  try {
    return hasLinks ? readlinkSync(path) : readFileSync(path, "utf8");
  } catch {
    return null;
  }
}

/** On Windows a plain user may not make links. */
const hasLinks = process.platform !== "win32";

function textOf({ pid, start, where }: Owner): string {
  return `${pid} ${start} ${where}`;
}

function parse(text: string): Owner | null {
  const [pid = "", start, where] = text.split(" ");
  if (!/^[1-9]\d{0,9}$/.test(pid)) return null;
  if (start === undefined || where === undefined) return null;
  return { pid: Number(pid), start, where };
}

function ownerOf(pid: number): Owner {
  return { pid, start: startOf(pid), where: here() };
}

function isAlive(owner: Owner): boolean {
  if (owner.where !== here()) return false;
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
  return owner.start === startOf(owner.pid);
}

/** In the kernel's ticks since it started. */
function startOf(pid: number): string {
  const stat = textIn(`/proc/${pid}/stat`);
  return stat?.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "-";
}

function here(): string {
  const boot = textIn("/proc/sys/kernel/random/boot_id")?.trim();
  if (boot === undefined) return hostname().replaceAll(" ", "_");
  try {
    return `${boot}/${readlinkSync("/proc/self/ns/pid")}`;
  } catch {
    return boot;
  }
}

function textIn(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
