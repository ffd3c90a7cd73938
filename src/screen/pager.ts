// The program that shows what is longer than the screen (less): which one, and one run of it. It reads the text from a pipe
// and has the terminal until it ends, as the only child of ours that has it. It is started in our own process group, so
// that the terminal listens to it; whoever starts it lets go of the keyboard before, and takes its signals for the pager's.

import {
  spawn,
  type ChildProcess,
  type StdioOptions,
} from "node:child_process";
import { once } from "node:events";
import { accessSync, constants, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";

type Environment = Readonly<Record<string, string | undefined>>;

/** Long enough for less to be found missing: what a pipe takes that nobody reads is less. */
const MAX_KEPT_BYTES = 256 * 1024;

/**
 * As git has it: what fits is printed, what was seen stays, colours are colours. And a prompt of its own (in the language of
 * less): its `:` looks like ours, and says nothing of how to leave.
 */
const LESS = "FRXPsq ends this list?e (its end):, Space goes on.$";

/** sh says so of a program that is not there, or cannot be run. */
const NOT_RUN = [126, 127];

/**
 * The command for a shell, or null: no pager. PAGER is the user's word for it, and `cat` means none. Without it less, where
 * that is; an empty one counts as unset, as every variable does here.
 */
export function pagerCommand(
  env: Environment,
  isWindows: boolean,
  isThere: (program: string) => boolean = (program) => isInPath(program, env),
): string | null {
  const { PAGER } = env;
  if (PAGER !== undefined && PAGER.trim() !== "")
    return PAGER.trim() === "cat" ? null : PAGER;
  return !isWindows && isThere("less") ? "less" : null;
}

function isInPath(program: string, { PATH = "" }: Environment): boolean {
  return PATH.split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return folder !== "";
    } catch {
      return false;
    }
  });
}

/**
 * - `left`   the person has seen enough
 * - `absent` there is no such program: `text` is all that was to be shown so far
 * - `killed` by `signal`
 */
export type PagerEnd =
  | { how: "left" }
  | { how: "absent"; text: string }
  | { how: "killed"; signal: string };

type Ended = Exclude<PagerEnd, { how: "absent" }> | { how: "absent" };

export class Pager {
  private kept: string[] = [];
  private keptBytes = 0;
  private hasEnded = false;

  private constructor(
    private readonly child: ChildProcess,
    private readonly ended: Promise<Ended>,
  ) {
    child.stdin?.on("error", () => undefined);
    void ended.then(() => {
      this.hasEnded = true;
    });
  }

  /** Never fails: that there is no such program is its end. */
  static async start(
    command: string,
    env: Environment,
    isWindows: boolean,
  ): Promise<Pager> {
    const settings = isWindows ? null : await terminalSettings();
    const stdio: StdioOptions = ["pipe", "inherit", "inherit"];
    const all = { ...env, LESS: (env.LESS ?? "") === "" ? LESS : env.LESS };
    const child = isWindows
      ? spawn(command, { stdio, env: all, shell: true })
      : spawn("sh", ["-c", shellText(command)], { stdio, env: all });
    const ended = new Promise<Ended>((resolve) => {
      const absent = () => {
        resolve({ how: "absent" });
      };
      child.once("error", absent);
      child.once("exit", (code, signal) => {
        if (code !== null && NOT_RUN.includes(code)) absent();
        else if (signal === null && (code ?? 0) < 128) resolve({ how: "left" });
        else
          void restore(settings).then(() => {
            resolve({ how: "killed", signal: signal ?? `status ${code}` });
          });
      });
    });
    return new Pager(child, ended);
  }

  /** Resolves when it takes more. False: it has ended; where it is absent, this text was to be shown, too. */
  async write(text: string): Promise<boolean> {
    const { stdin } = this.child;
    this.keep(text);
    // Without descriptors for its pipe there is no stream either, and the error comes in the next turn.
    if (this.hasEnded || !stdin) {
      await this.ended;
      return false;
    }
    if (!stdin.write(text)) {
      const over = new AbortController();
      const { signal } = over;
      const drained = once(stdin, "drain", { signal }).catch(() => undefined);
      await Promise.race([drained, this.ended]);
      over.abort();
    }
    return !this.isOver();
  }

  /** Whether Ctrl-Z has stopped it. Elsewhere than on Linux nothing tells: false. */
  get isStopped(): boolean {
    try {
      const stat = readFileSync(`/proc/${this.child.pid}/stat`, "utf8");
      return stat.slice(stat.lastIndexOf(")")).startsWith(") T");
    } catch {
      return false;
    }
  }

  /** No more comes. Resolves when the person leaves it. */
  async end(): Promise<PagerEnd> {
    this.child.stdin?.end();
    const end = await this.ended;
    return end.how === "absent" ? { ...end, text: this.kept.join("") } : end;
  }

  /** Ends it. This process does not wait for one that stands in a write to a terminal which takes nothing. */
  close(): void {
    this.child.kill("SIGTERM");
    this.child.stdin?.destroy();
    this.child.unref();
  }

  // Read through a method, so that the compiler does not take it for constant across an await.
  private isOver(): boolean {
    return this.hasEnded;
  }

  private keep(text: string): void {
    if (this.keptBytes > MAX_KEPT_BYTES) return;
    this.kept.push(text);
    this.keptBytes += text.length;
    // More was taken than a pipe holds, so somebody reads.
    if (this.keptBytes > MAX_KEPT_BYTES) this.kept = [];
  }
}

/** Without a shell between us and a plain `less -R`, so that what ends the one ends the other. */
function shellText(command: string): string {
  return /^[\w./-][\w./, :+-]*$/.test(command) ? `exec ${command}` : command;
}

/** How the terminal is set, in the words of stty; a pager that is killed cannot set it back. Null: that cannot be told. */
let known: string | null = null;

async function terminalSettings(): Promise<string | null> {
  return (known ??= await new Promise((resolve) => {
    const stdio: StdioOptions = ["inherit", "pipe", "ignore"];
    const stty: ChildProcess = spawn("stty", ["-g"], { stdio });
    let text = "";
    stty.once("error", () => resolve(null));
    stty.once("close", (code) => resolve(code === 0 ? text.trim() : null));
    stty.stdout?.on("data", (chunk: Buffer) => (text += chunk.toString()));
  }));
}

async function restore(settings: string | null): Promise<void> {
  if (settings === null) return;
  const stty = spawn("stty", [settings], {
    stdio: ["inherit", "ignore", "ignore"],
  });
  await Promise.race([once(stty, "exit"), once(stty, "error")]).catch(
    () => undefined,
  );
}
