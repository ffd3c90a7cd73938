// What a person, their terminal and the others do in a session, as bytes: a step is one letter and what belongs to it.
// Pure, so that a session that did harm can be kept in a file and played again.

import type { Size } from "./screen.js";

export type Step =
  /** one read of the input: a key, an escape sequence, a paste, a line */
  | { kind: "keys"; bytes: Buffer }
  | { kind: "resize"; size: Size }
  /** of the node, so many at once */
  | { kind: "notices"; count: number }
  /** nobody reads the output until it goes on */
  | { kind: "stop" | "go on" }
  /** everything that is under way has some turns of the event loop */
  | { kind: "wait" };

export interface Setting extends Size {
  /** what is attacked: the terminal, a question whose answer is not shown, a piped script */
  kind: "terminal" | "secret" | "script";
  color: boolean;
  /** how many serves the group has */
  serves: number;
  /** what the node does: its answers, their time */
  seed: number;
}

const LETTERS = { s: "stop", g: "go on", w: "wait" } as const;

export function encodeStep(step: Step): Buffer {
  switch (step.kind) {
    case "keys":
      return Buffer.concat([Buffer.from("k"), step.bytes]);
    case "resize":
      return Buffer.from(`r${step.size.columns}x${step.size.rows}`);
    case "notices":
      return Buffer.from(`n${step.count}`);
    case "stop":
      return Buffer.from("s");
    case "go on":
      return Buffer.from("g");
    case "wait":
      return Buffer.from("w");
  }
}

export function decodeStep(bytes: Buffer): Step {
  const letter = bytes.toString("latin1", 0, 1);
  const rest = bytes.subarray(1);
  if (letter === "k") return { kind: "keys", bytes: rest };
  if (letter === "n")
    return { kind: "notices", count: Number(rest.toString()) };
  if (letter === "r") {
    const [columns = 0, rows = 0] = rest.toString().split("x").map(Number);
    return { kind: "resize", size: { columns, rows } };
  }
  const kind = LETTERS[letter as keyof typeof LETTERS];
  if (kind === undefined) throw new Error(`no step begins with ${letter}`);
  return { kind };
}

/** A script's way: what the session begins with. */
export function encodeSetting(setting: Setting): string {
  return JSON.stringify(setting);
}

export function decodeSetting(way: string): Setting {
  return JSON.parse(way) as Setting;
}
