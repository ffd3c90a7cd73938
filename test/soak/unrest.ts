// When something was done to a LAN that may break what runs in it: whoever sees a break asks whether it is excused.
// Everything else that breaks is a fault.

export class Unrest {
  #active = 0;
  #begun = 0;
  #lastKillMs = -Infinity;

  /** Streams may break from now on until the work is over, which includes that all is back. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    this.#active++;
    this.#begun++;
    try {
      return await work();
    } finally {
      this.#active--;
    }
  }

  /** A process is killed now: its sockets end with whatever the system says. */
  kill(): void {
    this.#lastKillMs = performance.now();
  }

  /** Whether a process was killed since then (performance.now). */
  killedSince = (beganMs: number): boolean => this.#lastKillMs >= beganMs;

  /** Call it at the begin; what it returns tells at the end whether there was any unrest meanwhile. */
  watch(): () => boolean {
    const { active, begun } = { active: this.#active, begun: this.#begun };
    return () => active > 0 || this.#begun > begun;
  }
}
