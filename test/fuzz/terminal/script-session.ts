// A piped script of any bytes, in pieces of any size: each line is run or refused, and its end comes.

import { setImmediate as turn } from "node:timers/promises";
import { inputLines } from "../../../src/terminal/input-lines.js";
import { runScript } from "../../../src/terminal/script.js";
import { within } from "../../support/deadline.js";
import { HostileNode } from "./hostile-node.js";
import { FuzzScreen } from "./screen.js";
import type { Played } from "./session.js";
import type { Setting, Step } from "./steps.js";

const DEADLINE_MS = 60_000;
/** What a line may be answered with: the longest list, or itself, with each character written out. */
const CHARACTERS_PER_LINE = 20_000;
const ROW_CHARACTERS = 4_000;
const CHARACTERS_PER_BYTE = 20;

export async function playScript(
  setting: Setting,
  steps: readonly Step[],
): Promise<Played> {
  const screen = new FuzzScreen(setting);
  const node = new HostileNode(setting.seed, setting.serves, false);
  const over = new AbortController();
  let inputs = 0;
  let allowance = CHARACTERS_PER_LINE;
  async function* chunks(): AsyncGenerator<Buffer> {
    for (const step of steps) {
      if (step.kind === "stop") screen.stop();
      else if (step.kind === "notices") node.happen();
      if (step.kind !== "keys") continue;
      inputs++;
      for (const byte of step.bytes)
        allowance +=
          byte === 10 || byte === 13
            ? CHARACTERS_PER_LINE + setting.serves * ROW_CHARACTERS
            : CHARACTERS_PER_BYTE;
      await turn();
      screen.goOn();
      yield step.bytes;
    }
  }
  const { output } = screen;
  const running = runScript({
    ...{ control: node, output, errorOutput: output },
    screen: screen.look(false),
    loadConfig: async () => node.config,
    input: inputLines(chunks()),
    signal: over.signal,
  });
  try {
    await within("the end of the script", running, DEADLINE_MS);
    const isTooMuch = screen.written > allowance;
    const fault = isTooMuch
      ? `${screen.written} characters were written where ${allowance} would be many`
      : screen.fault;
    return { inputs, fault };
  } catch (error) {
    return { inputs, fault: String(error) };
  } finally {
    over.abort();
    screen.close();
  }
}
