// Owns every process and file of a run: what is started here is in a process
// group of its own and ends, with what it forked, at stop() or with the suite.

import { fork, spawn } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { family, isRunning } from "./process-figures.mjs";

const LOG_TAIL = 600;
/** What was killed is gone within milliseconds, unless the machine is very busy. */
const END_MS = 5000;

export class Children {
  /** everything the run writes; removed at the end */
  folder = mkdtempSync(join(tmpdir(), "vnet-bench-"));
  #running = new Set();
  #count = 0;

  /** A program that runs until it is stopped. Its output goes to a file. */
  start(command, args, { env = process.env, cwd = this.folder } = {}) {
    const logFile = join(this.folder, `${this.#count++}.log`);
    const log = openSync(logFile, "w");
    const child = spawn(command, args, {
      ...{ env, cwd, detached: true },
      stdio: ["ignore", log, log],
    });
    closeSync(log);
    return this.#keep(child, command, logFile);
  }

  /** One of our own modules as a process that talks by messages. */
  fork(module, args = []) {
    const child = fork(module, args, { detached: true, stdio: "ignore" });
    return this.#keep(child, module, null);
  }

  /**
   * Runs a program to its end and gives its standard output.
   * Rejects with what it said when it fails or `signal` aborts.
   */
  async run(command, args, { signal, env = process.env } = {}) {
    const child = spawn(command, args, {
      ...{ env, detached: true, cwd: this.folder },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#keep(child, command, null);
    const said = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"])
      child[name].setEncoding("utf8").on("data", (text) => {
        said[name] += text;
      });
    const abort = () => this.stop(child);
    signal?.addEventListener("abort", abort, { once: true });
    try {
      const [status] = await once(child, "close");
      if (signal?.aborted) throw new Error(`${command} did not end in time`);
      if (status === 0) return said.stdout;
      throw new Error(
        `${command} failed (${status}): ${(said.stderr || said.stdout).trim().slice(-LOG_TAIL)}`,
      );
    } finally {
      signal?.removeEventListener("abort", abort);
    }
  }

  /** A new folder for one program. */
  newFolder() {
    const place = join(this.folder, `f${this.#count++}`);
    mkdirSync(place);
    return place;
  }

  /** A new file with that text; its path. */
  write(name, text) {
    const file = join(this.newFolder(), name);
    writeFileSync(file, text, { mode: 0o600 });
    return file;
  }

  /** Ends them with everything they forked; waits until they are gone. */
  async stop(...children) {
    this.#kill(children);
    await Promise.all(children.map((child) => child.gone));
  }

  /** For the very end: returns once they are gone, and nothing else happens until then. Idempotent. */
  close() {
    const pids = this.#kill([...this.#running]);
    const deadline = performance.now() + END_MS;
    while (pids.some(isRunning) && performance.now() < deadline) pause(5);
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 3 });
  }

  /** The ids of all that it met. */
  #kill(children) {
    const mine = children.filter((child) => this.#running.has(child));
    // What has a session of its own (sshd's connections) is in no group of ours.
    const pids = family(mine.map((child) => child.pid));
    for (const pid of [...mine.map((child) => -child.pid), ...pids])
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // gone already
      }
    return pids;
  }

  #keep(child, command, logFile) {
    child.command = command;
    child.ended = null;
    child.tail = () =>
      logFile === null ? "" : readFileSync(logFile, "utf8").slice(-LOG_TAIL);
    child.gone = new Promise((resolve) => {
      const end = (what) => {
        child.ended ??= what;
        this.#running.delete(child);
        resolve();
      };
      child.once("exit", (status, signal) => end(String(status ?? signal)));
      child.once("error", (error) => {
        if (child.pid === undefined) end(error.message);
      });
    });
    if (child.pid !== undefined) this.#running.add(child);
    return child;
  }
}

/** Milliseconds in which this process does nothing. */
function pause(ms) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
