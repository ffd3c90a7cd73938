// Imports a text and reads the result with the project's own INI reader: what
// a test compares is what a program would see.

import { parseIni } from "../../src/config/ini.js";
import { Problems } from "../../src/config/problem.js";
import { importText } from "../../src/import/import.js";

export type Sections = Record<string, Record<string, string | null>>;

export interface Imported {
  text: string;
  sections: Sections;
  /** the comments as one line of words */
  comments: string;
  /** what is told on stderr, as one line of words */
  losses: string;
}

export async function imported(text: string, file: string): Promise<Imported> {
  const { text: output, losses } = await importText(
    text,
    file,
    (program) => `./${program}`,
  );
  const comments = output
    .split("\n")
    .filter((line) => line.startsWith(";"))
    .map((line) => line.replace(/^[; ]+/, ""))
    .join(" ");
  const sections = readBack(output);
  return { text: output, sections, comments, losses: losses.join(" ") };
}

/** Fails when the text is not our INI. */
export function readBack(text: string): Sections {
  const problems = new Problems("imported");
  const sections = parseIni(text, problems);
  problems.throwIfAny();
  return Object.fromEntries(
    sections.map(({ name, entries }) => [
      name,
      Object.fromEntries([...entries.values()].map((e) => [e.key, e.value])),
    ]),
  );
}

/** The lines of a sketch, without what makes them comments. */
export function uncommented(text: string): string {
  return text
    .split("\n")
    .map((line) => line.replace(/^; ?/, ""))
    .join("\n");
}

/** Of a file that became several configurations: each as a text of its own. The sketch for the hub is none. */
export function parts(text: string): string[] {
  const own = text.split(/^; ==== for the hub.*$/m)[0] ?? "";
  const [, ...found] = own.split(/^; ==== .*$/m);
  return found.map((part, at) => (at === 0 ? part : uncommented(part)));
}

/** What stands behind the configurations, for the hub's own file. */
export function hubSketch(text: string): string {
  const [, sketch = ""] = text.split(/^; ==== for the hub.*$/m);
  return uncommented(sketch);
}
