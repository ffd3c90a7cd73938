// A question whose answer is not shown (`init` asks so for keys), and a person who presses anything: no letter of the answer
// may reach the screen, and Ctrl-C ends it.

import {
  setImmediate as turn,
  setTimeout as sleep,
} from "node:timers/promises";
import { messageOf, VnetError } from "../../../src/errors.js";
import { Cancelled } from "../../../src/terminal/command.js";
import { askQuestion } from "../../../src/terminal/prompts.js";
import { FuzzScreen } from "./screen.js";
import type { Played } from "./session.js";
import type { Setting, Step } from "./steps.js";

/** What secrets are made of here: nothing else that is written has these letters. */
export const SECRET_LETTERS = "жщъыэюяфц";
const SHOWN = new RegExp(`[${SECRET_LETTERS}]`);
const LEAST = 8;
const PASTE_END = "\u001b[201~";
const CTRL_C = "\u0003";
const MAX_CTRL_C = 12;
const DEADLINE_MS = 20_000;
/** A few drawings of the question with all its stars, for each read. */
const CHARACTERS_PER_READ = 40_000;

export async function playSecret(
  setting: Setting,
  steps: readonly Step[],
): Promise<Played> {
  const screen = new FuzzScreen(setting);
  let inputs = 0;
  let isAsking = false;
  let isLeaving = false;
  let crash: unknown = null;
  const askOnce = async () => {
    isAsking = true;
    const read = (text: string) => {
      if (text.length >= LEAST) return text;
      throw new VnetError("usage", `give at least ${LEAST} characters`);
    };
    await askQuestion(
      { ask: "secret", fallback: "", hidden: true, read },
      {
        ...{ input: screen.input, output: screen.output },
        screen: screen.look(setting.color),
        signal: new AbortController().signal,
      },
    ).catch((error: unknown) => {
      if (!(error instanceof Cancelled)) crash = error;
    });
    isAsking = false;
  };
  const look = (): string | null => {
    if (crash !== null) return `it failed: ${messageOf(crash)}`;
    if (SHOWN.test(screen.text)) return "a letter of a secret was shown";
    if (screen.written > (inputs + 2) * CHARACTERS_PER_READ)
      return `${screen.written} characters were written for ${inputs} reads`;
    return screen.fault;
  };
  const press = (keys: string | Buffer) => {
    inputs++;
    screen.input.write(keys);
  };
  const play = async (): Promise<string | null> => {
    for (const [at, step] of steps.entries()) {
      if (!isAsking && !isLeaving) void askOnce();
      if (step.kind === "keys") press(step.bytes);
      else if (step.kind === "resize") await screen.resize(step.size);
      else if (step.kind === "stop") screen.stop();
      else if (step.kind === "go on") screen.goOn();
      else if (step.kind === "wait") await sleep(3);
      await turn();
      const fault = look();
      if (fault !== null) return `step ${at + 1}: ${fault}`;
    }
    screen.goOn();
    isLeaving = true;
    press(PASTE_END);
    for (let left = MAX_CTRL_C; isAsking && left > 0; left--) {
      press(CTRL_C);
      const end = performance.now() + DEADLINE_MS / MAX_CTRL_C;
      while (isAsking && performance.now() < end) await sleep(1);
    }
    if (isAsking) return "at the end: Ctrl-C does not end the question";
    await screen.show();
    const mode = screen.leftMode;
    if (mode !== null) return `at the end: the question is over, and ${mode}`;
    const left = screen.input.listenerCount("keypress");
    if (left > 0) return "at the end: the question is over, and still listens";
    return look();
  };
  try {
    return { fault: await play(), inputs };
  } finally {
    screen.close();
  }
}
