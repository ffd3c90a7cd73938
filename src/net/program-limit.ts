// How many programs one owner may have running at the same time: each is a process of this machine, and somebody else's
// connection starts it.

import { VnetError } from "../errors.js";
import { startProgram, type Program } from "./program.js";

export class ProgramLimit {
  private running = 0;

  constructor(public max: number) {}

  /** Rejects as startProgram does, and with VnetError `refused` where there are as many as there may be. */
  async start(file: string, args: readonly string[]): Promise<Program> {
    if (this.running >= this.max)
      throw new VnetError(
        "refused",
        `${this.max} programs run for it already (max_processes)`,
      );
    this.running++;
    try {
      const program = await startProgram(file, args);
      // One that lives on after its connection counts until it has ended.
      program.once("exit", () => {
        this.running--;
      });
      return program;
    } catch (error) {
      this.running--;
      throw error;
    }
  }
}
