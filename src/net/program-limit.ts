// How many programs one owner may have running at the same time: each is a process of this machine, and somebody else's
// connection starts it.

import { VnetError } from "../errors.js";
import { startProgram, type Program } from "./program.js";

export class ProgramLimit {
  private running = 0;

  /** @param why what the bound is, for whoever meets it */
  constructor(
    public max: number,
    private readonly why = "max_processes",
  ) {}

  get isReached(): boolean {
    return this.running >= this.max;
  }

  get error(): VnetError {
    return new VnetError(
      "refused",
      `${this.max} programs run for it already (${this.why})`,
    );
  }

  /** Rejects as startProgram does, and with VnetError `refused` where there are as many as there may be. */
  async start(file: string, args: readonly string[]): Promise<Program> {
    if (this.isReached) throw this.error;
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
