// What a person types or pastes as an answer, in whole steps: keys that come together are judged together, so that a paste is
// taken whole or refused, and its rest never becomes the next answer or a command. Where the terminal tells of pastes
// (bracketed paste), they are known as such; elsewhere more than one key in one read is a paste until nothing more comes.
// Listens to the input until it is closed; writes and edits nothing.

import { emitKeypressEvents } from "node:readline";
import type { Key } from "./history-search.js";
import { isPrintable } from "../printable.js";

/**
 * - `text`    to be put into the line; printable, in one row
 * - `key`     edits or moves
 * - `entered` Enter
 * - `refused` nothing of it was taken
 */
export type Step =
  | { kind: "text"; text: string }
  | { kind: "key"; key: Key }
  | { kind: "entered" }
  | { kind: "refused"; why: string }
  | { kind: "cancelled" };

export interface AnswerKeysOptions {
  input: NodeJS.ReadableStream;
  /** No more characters can be meant. */
  lengthMax: number;
  /** All steps of what came together; the line is drawn once behind them. */
  onSteps(steps: readonly Step[]): void;
}

/** So long nothing comes, and what came together is over. A key that is held down repeats more slowly. */
const QUIET_MS = 20;
/** The terminal told of a paste's beginning, and its end does not come. */
const LOST_END_MS = 2_000;

const BEGIN = "paste-start";
const END = "paste-end";
const ENTERS = new Set(["return", "enter"]);
const KEYS = new Set([
  ...["left", "right", "up", "down", "home", "end", "tab", "escape"],
  ...["backspace", "delete", "pageup", "pagedown"],
]);
const CTRL_KEYS = new Set("abdefhklnptuwyz_-".split(""));
const META_KEYS = new Set("bdfy".split(""));
const WITH_CTRL_OR_META = new Set(["left", "right", "backspace", "delete"]);

interface Press {
  text: string;
  key: Key & { meta?: boolean; sequence?: string };
}

export class AnswerKeys {
  private presses: Press[] = [];
  private isTooLong = false;
  /** between the marks of a paste */
  private isPasting = false;
  private timer: NodeJS.Timeout | undefined;
  private turn: NodeJS.Immediate | undefined;
  private isClosed = false;

  constructor(private readonly options: AnswerKeysOptions) {
    emitKeypressEvents(options.input);
    options.input.on("keypress", this.onKey);
  }

  /** Idempotent. What came and was not told is dropped. */
  close(): void {
    this.isClosed = true;
    this.options.input.off("keypress", this.onKey);
    clearTimeout(this.timer);
    clearImmediate(this.turn);
  }

  private readonly onKey = (
    text: string | undefined,
    key: Press["key"] = {},
  ) => {
    if (key.name === BEGIN) this.isPasting = true;
    if (key.name === END) this.isPasting = false;
    if (this.presses.length <= 4 * this.options.lengthMax || key.name === END)
      this.presses.push({ text: text ?? key.sequence ?? "", key });
    else this.isTooLong = true;
    // Whoever presses Ctrl-C again and again, as nothing happens, does not put the end off that is lost.
    if (this.isPasting && key.ctrl === true && key.name === "c") return;
    clearTimeout(this.timer);
    clearImmediate(this.turn);
    // A key alone takes effect at once; so does a paste that is known to be over, unless more came with it.
    const isOne = this.presses.length === 1 && !this.isPasting;
    const ms = this.isPasting ? LOST_END_MS : QUIET_MS;
    if (isOne) this.turn = setImmediate(this.settle);
    else this.timer = setTimeout(this.whenQuiet, ms);
  };

  // After a busy moment more may lie there unread: it comes before the next turn.
  private readonly whenQuiet = () => {
    this.turn = setImmediate(this.settle);
  };

  private readonly settle = () => {
    const { presses, isTooLong } = this;
    this.presses = [];
    this.isTooLong = false;
    this.isPasting = false;
    if (this.isClosed || presses.length === 0) return;
    const steps = isTooLong
      ? [refused(`longer than ${this.options.lengthMax} characters`)]
      : stepsOf(presses);
    this.options.onSteps(steps);
  };
}

/** Either all of it, or one refusal. Ctrl-C ends the question, whatever came with it. */
function stepsOf(presses: readonly Press[]): Step[] {
  const steps: Step[] = [];
  let pasted: string | null = null;
  let isEntered = false;
  for (const { text, key } of presses) {
    const { name = "", ctrl = false } = key;
    if (name === BEGIN) pasted = "";
    else if (name === END || pasted === null) {
      if (pasted !== null) addText(steps, trimmed(pasted));
      pasted = null;
      if (name === END) continue;
      if (ctrl && name === "c") return [{ kind: "cancelled" }];
      const isEnter = ENTERS.has(name);
      if (isEntered && !isEnter && text.trim() !== "") return [SEVERAL_LINES];
      if (isEntered) continue;
      if (isEnter) isEntered = true;
      else if (isText(text)) addText(steps, text);
      else if (isKnown(key)) steps.push({ kind: "key", key });
      // A key that does nothing here; between other characters it is none that somebody pressed.
      else if (presses.length > 1) return [HIDDEN];
    } else pasted += ENTERS.has(name) ? "\n" : (key.sequence ?? text);
  }
  if (pasted !== null) addText(steps, trimmed(pasted));
  for (const step of steps) {
    if (step.kind !== "text") continue;
    if (step.text.includes("\n")) return [SEVERAL_LINES];
    if (!isPrintable(step.text)) return [HIDDEN];
    // What stands for bytes that are no UTF-8.
    if (step.text.includes("\ufffd")) return [refused("not UTF-8")];
  }
  return isEntered ? [...steps, { kind: "entered" }] : steps;
}

function refused(what: string): Step {
  return { kind: "refused", why: `${what}: nothing of it was taken` };
}

const SEVERAL_LINES = refused("more than one line");
const HIDDEN = refused("characters that cannot be shown");

function addText(steps: Step[], text: string): void {
  const last = steps.at(-1);
  if (last?.kind === "text") last.text += text;
  else steps.push({ kind: "text", text });
}

/** A paste brings the line's end along. */
function trimmed(pasted: string): string {
  return pasted.replace(/^[\r\n\t]+|[\r\n\t]+$/g, "");
}

/** One character that is no key. */
function isText(text: string): boolean {
  const code = text.codePointAt(0) ?? 0;
  return (
    code >= 0x20 && code !== 0x7f && text.length === (code > 0xffff ? 2 : 1)
  );
}

function isKnown({ name = "", ctrl = false, meta = false }: Press["key"]) {
  if (ctrl) return CTRL_KEYS.has(name) || WITH_CTRL_OR_META.has(name);
  if (meta) return META_KEYS.has(name) || WITH_CTRL_OR_META.has(name);
  return KEYS.has(name);
}
