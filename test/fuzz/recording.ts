// Scripts in a file: those that were under way when a target failed, and those of the corpus. JSON, with bytes in hex.

import { readFileSync, writeFileSync } from "node:fs";
import type { Script } from "./script.js";

export interface Recording {
  target: string;
  /** what was seen, or what it once did */
  about: string;
  seed: number;
  /** the number of the first of the scripts */
  first: number;
  scripts: readonly Script[];
}

export function writeRecording(file: string, recording: Recording): void {
  const { scripts, ...head } = recording;
  const written = scripts.map(({ steps, ...script }) => ({
    ...script,
    steps: steps.map((step) => step.toString("hex")),
  }));
  const document = { ...head, scripts: written };
  writeFileSync(file, `${JSON.stringify(document, null, 2)}\n`);
}

export function readRecording(file: string): Recording {
  const document = JSON.parse(readFileSync(file, "utf8")) as Omit<
    Recording,
    "scripts"
  > & { scripts: (Omit<Script, "steps"> & { steps: string[] })[] };
  const scripts = document.scripts.map(({ steps, ...script }) => ({
    ...script,
    steps: steps.map((step) => Buffer.from(step, "hex")),
  }));
  return { ...document, scripts };
}
