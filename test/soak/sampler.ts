// What the processes of a soak keep, sample by sample: one line of measurement for each life of a process.
// Asks the probe inside by a signal and reads the rest from /proc. Starts and ends no process.

import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import type { Launched } from "../support/launch.js";
import { makeFolder, removeFolder } from "../support/folder.js";
import { residentBytes } from "../support/memory.js";
import { PROBE_FOLDER, type Inside } from "./inside.js";

const ANSWER_MS = 20_000;

export interface Sample extends Inside {
  /** milliseconds since the sampler was made */
  at: number;
  rss: number;
  descriptors: number;
  /** as many of the descriptors are channels, which come and go with the load; null: not known */
  channels: number | null;
}

export interface Line {
  name: string;
  pid: number;
  samples: Sample[];
}

/** What the sampler needs of a program. */
export type Sampled = Pick<Launched, "pid" | "running" | "kill">;

export interface Measured {
  name: string;
  program: Launched;
}

export class Sampler {
  readonly lines: Line[] = [];
  readonly #folder = makeFolder("vnet-soak-");
  readonly #begin = performance.now();

  /** Of the sampler, and so of the soak. */
  get ageMs(): number {
    return performance.now() - this.#begin;
  }

  /** What the environment of a measured program needs. */
  get env(): NodeJS.ProcessEnv {
    const probe = pathToFileURL(join(import.meta.dirname, "probe.js")).href;
    return {
      NODE_OPTIONS: `--disable-warning=ExperimentalWarning --import ${probe}`,
      [PROBE_FOLDER]: this.#folder,
    };
  }

  /** One more sample of each that runs. @param channels by name */
  async sample(
    measured: readonly { name: string; program: Sampled }[],
    channels: Record<string, number> = {},
  ): Promise<void> {
    for (const { name, program } of measured) {
      const { pid } = program;
      const inside = await this.#ask(program);
      if (inside === null) continue;
      const sample: Sample = {
        ...inside,
        at: this.ageMs,
        rss: residentBytes(pid),
        descriptors: descriptorsOf(pid),
        channels: channels[name] ?? null,
      };
      this.#lineOf(name, pid).samples.push(sample);
    }
  }

  /** Has the process write what is on its heap to FILE, for Chrome's developer tools. */
  async snapshot({ program }: Measured, file: string): Promise<void> {
    writeFileSync(join(this.#folder, `${program.pid}.snapshot`), file);
    await this.#ask(program, 120_000);
  }

  close(): void {
    removeFolder(this.#folder);
  }

  /** Null when it ends meanwhile. */
  async #ask(program: Sampled, timeoutMs = ANSWER_MS): Promise<Inside | null> {
    const file = join(this.#folder, `${program.pid}.json`);
    rmSync(file, { force: true });
    program.kill("SIGUSR2");
    for (const end = performance.now() + timeoutMs; program.running;) {
      try {
        return JSON.parse(readFileSync(file, "utf8")) as Inside;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      }
      if (performance.now() > end)
        throw new Error(`the probe in ${program.pid} does not answer`);
      await sleep(5);
    }
    return null;
  }

  #lineOf(name: string, pid: number): Line {
    const known = this.lines.find((line) => line.pid === pid);
    if (known !== undefined) return known;
    const line: Line = { name, pid, samples: [] };
    this.lines.push(line);
    return line;
  }
}

export function descriptorsOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}
