// The terminal by itself, in a process of its own: no network, a fake node, and a screen that an emulator shows.

import { within } from "../../support/deadline.js";
import type { Script } from "../script.js";
import { ECHO_DEADLINE_MS, opened, type Stage } from "../stage.js";
import { Suspect } from "../suspect.js";
import type { Played } from "../terminal/session.js";

const HOST = "dist/test/fuzz/terminal/host.js";
/** A whole session, on a machine that has much to do; a step has less, see session.ts. */
const SESSION_DEADLINE_MS = 120_000;

type Answer = { isWell: true } | Played;

export class TerminalStage implements Stage {
  guilty: number | null = null;
  private readonly host = new Suspect("terminal", {
    file: HOST,
    onMessage: (message) => this.hear(message as Answer),
  });
  readonly suspects: readonly Suspect[] = [this.host];
  /** who waits for its answers: whether it is well, what came of a session */
  private readonly checks: (() => void)[] = [];
  private onPlayed: ((played: Played) => void) | null = null;

  static start(): Promise<TerminalStage> {
    return opened(new TerminalStage());
  }

  open(): Promise<void> {
    return this.checkHealth();
  }

  /** Whether its event loop turns. */
  async checkHealth(): Promise<void> {
    const answer = new Promise<void>((resolve) => this.checks.push(resolve));
    this.host.tell({ script: null });
    const heard = Promise.race([answer, this.host.exited]);
    await within("a turn of its event loop", heard, ECHO_DEADLINE_MS);
  }

  /** Resolves with the number of inputs; what did not hold is told as the fault of the process. */
  async play(script: Script, index: number): Promise<number> {
    const answer = new Promise<Played>((resolve) => {
      this.onPlayed = resolve;
    });
    this.host.tell({ script });
    const ended = this.host.exited.then(() => null);
    const played = await within(
      "the end of the session",
      Promise.race([answer, ended]),
      SESSION_DEADLINE_MS,
    ).catch((error: unknown) => ({ inputs: 0, fault: String(error) }));
    // A process that has ended has told so by itself.
    if (played?.fault !== null) this.guilty ??= index;
    if (played?.fault) this.host.fault ??= `session ${index}, ${played.fault}`;
    return played?.inputs ?? 0;
  }

  async close(): Promise<void> {
    await this.host.close();
  }

  private hear(answer: Answer): void {
    if ("isWell" in answer) this.checks.shift()?.();
    else this.onPlayed?.(answer);
  }
}
