// A real program run for a test: started, watched, waited for, and ended by
// its own pid. programs.ts and launch.ts build on it. It never looks for
// processes that it did not start.

import { spawn, type ChildProcess } from "node:child_process";
import { connect } from "node:net";

const alive = new Set<ChildProcess>();

process.on("exit", () => {
  for (const child of alive) child.kill("SIGKILL");
});

export interface ProgramOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  uid?: number;
  gid?: number;
}

export interface ProgramExit {
  status: number | null;
  signal: NodeJS.Signals | null;
}

/** One running program with everything it has printed so far. */
export class Program {
  readonly exited: Promise<ProgramExit>;
  stdout = "";
  stderr = "";
  /** both, in the order in which they arrived */
  output = "";
  /** null while it runs */
  exit: ProgramExit | null = null;
  readonly #child;
  readonly #waiting = new Set<() => void>();

  constructor(
    readonly command: string,
    args: string[],
    options: ProgramOptions = {},
  ) {
    this.#child = spawn(command, args, options);
    const child = this.#child;
    alive.add(child);
    // A program that ended does not read: the test notices by its exit.
    child.stdin.on("error", () => undefined);
    for (const name of ["stdout", "stderr"] as const) {
      child[name].setEncoding("utf8").on("data", (text: string) => {
        this[name] += text;
        this.output += text;
        this.#wake();
      });
    }
    this.exited = new Promise((resolve) => {
      const end = (status: number | null, signal: NodeJS.Signals | null) => {
        alive.delete(child);
        this.exit = { status, signal };
        resolve(this.exit);
        this.#wake();
      };
      child.once("close", end);
      child.once("error", (error) => {
        this.output += `${error.message}\n`;
        if (child.pid === undefined) end(null, null);
      });
    });
  }

  get running(): boolean {
    return this.exit === null;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** What was printed, line by line. */
  get lines(): string[] {
    return this.output.split(/\r?\n/).filter((line) => line !== "");
  }

  /** Writes one line to its stdin. */
  send(line: string): void {
    this.#child.stdin.write(`${line}\n`);
  }

  /** Ends its stdin. */
  endInput(): void {
    this.#child.stdin.end();
  }

  /** Nobody reads its stderr any more. */
  closeErrorOutput(): void {
    this.#child.stderr.destroy();
  }

  /** False when it was gone already. */
  kill(signal: NodeJS.Signals = "SIGTERM"): boolean {
    return this.running && this.#child.kill(signal);
  }

  /**
   * Resolves with the match once `what` stands in the output after position
   * `from`; rejects with the output when it ends or nothing comes in time.
   */
  async waitForOutput(
    what: string | RegExp,
    timeoutMs = 30_000,
    from = 0,
  ): Promise<RegExpMatchArray> {
    const pattern = typeof what === "string" ? escaped(what) : what;
    return this.waitFor(
      () => pattern.exec(this.output.slice(from)),
      `print ${String(what)}`,
      timeoutMs,
    );
  }

  /** Looks again after each output and at the end; the value is the result. */
  async waitFor<T>(
    look: () => T | null,
    what: string,
    timeoutMs = 30_000,
  ): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const finish = () => {
        clearTimeout(timer);
        this.#waiting.delete(check);
      };
      const fail = (why: string) => {
        finish();
        const said = this.output || "(nothing)";
        reject(
          new Error(
            `${this.command} did not ${what} ${why}; it said:\n${said}`,
          ),
        );
      };
      const check = () => {
        const found = look();
        if (found !== null) {
          finish();
          resolve(found);
        } else if (this.exit) {
          const { status, signal } = this.exit;
          fail(`before it ended (${status ?? signal ?? "not started"})`);
        }
      };
      const timer = setTimeout(fail, timeoutMs, `within ${timeoutMs} ms`);
      this.#waiting.add(check);
      check();
    });
  }

  /** Ends it: asks with `signal`, insists after `graceMs`. Idempotent. */
  async close(
    signal: NodeJS.Signals = "SIGTERM",
    graceMs = 20_000,
  ): Promise<void> {
    this.kill(signal);
    const timer = setTimeout(() => this.kill("SIGKILL"), graceMs);
    await this.exited;
    clearTimeout(timer);
  }

  #wake(): void {
    for (const check of [...this.#waiting]) check();
  }
}

/** Resolves when 127.0.0.1:port accepts; rejects when the program ends first. */
export async function untilAccepting(
  program: Program,
  port: number,
  timeoutMs = 30_000,
): Promise<void> {
  const giveUpAt = Date.now() + timeoutMs;
  while (!(await accepts(port))) {
    if (!program.running || Date.now() > giveUpAt)
      throw new Error(
        `${program.command} does not accept on ${port}; it said:\n${program.output}`,
      );
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** True when a TCP connection to 127.0.0.1:port succeeds; it is closed at once. */
export function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" });
    socket.once("connect", () => socket.end(() => resolve(true)).resume());
    socket.once("error", () => resolve(false));
  });
}

function escaped(text: string): RegExp {
  return new RegExp(text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
}
