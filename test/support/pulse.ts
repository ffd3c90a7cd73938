// Somebody who goes on with his work while a test does its worst: one echo after the other through the same port. The
// first that fails, or is silent for longer than exchange() waits, is kept and told at the end.

import { setTimeout as sleep } from "node:timers/promises";
import { exchange } from "./reach.js";

const PAUSE_MS = 20;

export class Pulse {
  /** echoes that came back */
  beats = 0;
  private isOver = false;
  private failure: Error | undefined;
  private readonly run: Promise<void>;

  private constructor(port: number) {
    this.run = this.beat(port);
  }

  static start(port: number): Pulse {
    return new Pulse(port);
  }

  /** Rejects with the first failure. Idempotent. */
  async stop(): Promise<void> {
    this.isOver = true;
    await this.run;
    if (this.failure !== undefined) throw this.failure;
  }

  private async beat(port: number): Promise<void> {
    while (!this.isOver && this.failure === undefined)
      try {
        const words = `beat ${this.beats}`;
        const answer = await exchange(port, words);
        if (answer !== words) throw new Error(`answered ${answer}`);
        this.beats++;
        await sleep(PAUSE_MS);
      } catch (error) {
        this.failure = new Error(
          `after ${this.beats} echoes: ${String(error)}`,
          { cause: error },
        );
      }
  }
}

/** Keeps the pulse going while `body` runs; at least one echo must come back, and none may fail. */
export async function besidePulse<T>(
  port: number,
  body: () => Promise<T>,
): Promise<T> {
  const pulse = Pulse.start(port);
  try {
    return await body();
  } finally {
    await pulse.stop();
    if (pulse.beats === 0) throw new Error("not one echo came back");
  }
}
