// What the system says of processes: CPU seconds, memory, open sockets, with
// everything they forked. Reads /proc, so Linux only. Starts nothing.

import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** Ticks of /proc/PID/stat in a second: USER_HZ, 100 on every Linux that Node runs on. */
const TICKS = 100;
const POLL_MS = 50;

/** pid → {state, parent, threads, started, seconds} of all processes. */
function processes() {
  const all = new Map();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const stat = statOf(name);
    if (stat !== null) all.set(Number(name), stat);
  }
  return all;
}

/** null when there is no such process */
function statOf(pid) {
  const stat = read(`/proc/${pid}/stat`);
  if (stat === null) return null;
  // The name of the program may contain spaces and brackets.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return {
    state: fields[0],
    parent: Number(fields[1]),
    seconds: (Number(fields[11]) + Number(fields[12])) / TICKS,
    threads: Number(fields[17]),
    started: fields[19],
  };
}

/** False once it has ended, also while its parent has not yet been told. */
export function isRunning(pid) {
  const stat = statOf(pid);
  return stat !== null && stat.state !== "Z";
}

/** The processes with these ids and everything below them. */
export function family(roots, all = processes()) {
  const found = new Set(roots);
  for (let grown = true; grown;) {
    grown = false;
    for (const [pid, { parent }] of all)
      if (found.has(parent) && !found.has(pid)) {
        found.add(pid);
        grown = true;
      }
  }
  return [...found];
}

/**
 * CPU seconds of each role between start() and stop(). Looks again and again,
 * as a program that forks for each connection takes its figures with it.
 */
export class CpuMeter {
  #roles;
  #before = new Map();
  #latest = new Map();
  #timer = null;

  /** @param roles role → ids of its processes @param forks look while it runs */
  constructor(roles, forks = false) {
    this.#roles = roles;
    this.#look(this.#before);
    if (forks) this.#timer = setInterval(() => this.#look(), POLL_MS);
  }

  /** role → seconds; idempotent */
  stop() {
    clearInterval(this.#timer);
    this.#look();
    const used = {};
    for (const role of Object.keys(this.#roles)) used[role] = 0;
    for (const [key, { role, seconds }] of this.#latest)
      used[role] += seconds - (this.#before.get(key)?.seconds ?? 0);
    return used;
  }

  #look(into = this.#latest) {
    const all = processes();
    for (const [role, roots] of Object.entries(this.#roles))
      for (const pid of family(roots, all)) {
        const one = all.get(pid);
        if (one === undefined) continue;
        const seconds = exactSeconds(pid, one) ?? one.seconds;
        into.set(`${pid} ${one.started}`, { role, seconds });
      }
  }
}

/** Of a process with one thread to the nanosecond: thousands of them use less than a tick each. */
function exactSeconds(pid, { threads }) {
  const text = threads === 1 ? read(`/proc/${pid}/schedstat`) : null;
  return text === null ? null : Number(text.split(" ")[0]) / 1e9;
}

/** role → {rss, pss, sockets}: bytes, bytes, count; summed over its processes. */
export function memoryOf(roles) {
  const all = processes();
  const result = {};
  for (const [role, roots] of Object.entries(roles)) {
    const sum = { rss: 0, pss: 0, sockets: 0 };
    for (const pid of family(roots, all)) {
      sum.rss += kilobytes(`/proc/${pid}/status`, "VmRSS") * 1024;
      sum.pss += kilobytes(`/proc/${pid}/smaps_rollup`, "Pss") * 1024;
      sum.sockets += socketsOf(pid);
    }
    result[role] = sum;
  }
  return result;
}

/** The hard limit of open files, which Node and others raise theirs to; Infinity when there is none. */
export function openFilesLimit() {
  const limits = read("/proc/self/limits") ?? "";
  const hard = /^Max open files\s+\S+\s+(\S+)/m.exec(limits)?.[1];
  return hard === "unlimited" ? Infinity : Number(hard ?? 0);
}

function kilobytes(file, key) {
  const text = read(file) ?? "";
  return Number(new RegExp(`^${key}:\\s+(\\d+)`, "m").exec(text)?.[1] ?? 0);
}

function socketsOf(pid) {
  let count = 0;
  try {
    for (const fd of readdirSync(`/proc/${pid}/fd`))
      if (readlinkSync(`/proc/${pid}/fd/${fd}`).startsWith("socket:")) count++;
  } catch {
    // The process or the descriptor went while it was looked at.
  }
  return count;
}

function read(file) {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return null;
  }
}
