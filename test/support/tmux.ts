// A real terminal for tests: tmux on a socket of its own, one window.
// Needs the program tmux; closed by close().

import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeFolder, removeFolder } from "./folder.js";

export interface TerminalOptions {
  command: string[];
  cwd: string;
  columns?: number;
  rows?: number;
  env?: Record<string, string>;
  /** keeps what the program writes, for `written` */
  recorded?: boolean;
}

const open = new Set<TerminalWindow>();

process.on("exit", () => {
  for (const window of open) window.close();
});

export class TerminalWindow {
  private readonly folder = makeFolder("vnet-tmux-");

  constructor(options: TerminalOptions) {
    const {
      command,
      cwd,
      columns = 100,
      rows = 40,
      env = {},
      recorded,
    } = options;
    const size = ["-x", String(columns), "-y", String(rows)];
    const variables = Object.entries({ HOME: cwd, ...env }).flatMap(
      ([name, value]) => ["-e", `${name}=${value}`],
    );
    // The shell stays, so that the last screen can be looked at and tells the exit status; Ctrl-C where the system
    // makes a signal of it is meant for the program.
    const script =
      'trap : INT; "$@"; echo "(left with status $?)"; exec sleep 1000';
    this.tmux(
      ...["new-session", "-d", "-s", "t", "-c", cwd, ...size, ...variables],
      ...["sh", "-c", script, "sh", ...command],
      // In one go with the start, so that nothing is missed.
      ...(recorded === true
        ? [";", "pipe-pane", "-t", "t", `cat >'${this.record}'`]
        : []),
    );
  }

  /** All that was written to the screen so far, escape sequences too. */
  written(): string {
    return readFileSync(this.record, "utf8");
  }

  private get record(): string {
    return join(this.folder, "written");
  }

  /** What stands on the screen, without trailing blank lines. */
  screen(): string {
    return this.tmux("capture-pane", "-p", "-t", "t").trimEnd();
  }

  /** As `screen`, with what has left it at its top, a thousand lines or two. */
  scrollback(): string {
    return this.tmux("capture-pane", "-p", "-S", "-", "-t", "t").trimEnd();
  }

  /** Types text as it is, or named keys such as `Enter`, `Tab`, `C-c`. */
  type(text: string): void {
    this.tmux("send-keys", "-t", "t", "-l", "--", text);
  }

  /** Pastes it; `marked`: with its begin and end marked, where the program has asked for that. */
  paste(text: string, { marked = false } = {}): void {
    const file = join(this.folder, "pasted");
    writeFileSync(file, text);
    this.tmux("load-buffer", file);
    this.tmux("paste-buffer", "-t", "t", ...(marked ? ["-p"] : []));
  }

  press(...keys: string[]): void {
    this.tmux("send-keys", "-t", "t", ...keys);
  }

  resize(columns: number, rows: number): void {
    this.tmux(
      "resize-window",
      "-t",
      "t",
      "-x",
      String(columns),
      "-y",
      String(rows),
    );
  }

  /** Resolves with the screen when it matches; rejects with the last screen. */
  async until(pattern: RegExp, timeoutMs = 30_000): Promise<string> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const screen = this.screen();
      if (pattern.test(screen)) return screen;
      if (Date.now() > deadline)
        throw new Error(`never ${String(pattern)} on the screen:\n${screen}`);
      await new Promise((resolve) => setTimeout(resolve, 40));
    }
  }

  /** Of the shell that started the program, and stays. */
  get shellPid(): number {
    return Number(this.tmux("display-message", "-p", "-t", "t", "#{pane_pid}"));
  }

  /** Of the program in it, or of what that one became. */
  get pid(): number {
    const id = String(this.shellPid);
    const children = readFileSync(`/proc/${id}/task/${id}/children`, "utf8");
    return Number(children.trim().split(" ")[0]);
  }

  /**
   * Ctrl-S: the terminal takes no output until `goOn`. Of a program that reads keys one by one, which would get Ctrl-S as a
   * key, too.
   */
  stop(): void {
    const tty = this.tmux("display-message", "-p", "-t", "t", "#{pane_tty}");
    execFileSync("stty", ["-F", tty.trim(), "ixon"]);
    this.press("C-s");
  }

  /** Ctrl-Q */
  goOn(): void {
    this.press("C-q");
  }

  /** The window is closed under the program in it. */
  hangUp(): void {
    this.tmux("kill-server");
  }

  close(): void {
    try {
      this.tmux("kill-server");
    } catch {
      // gone already
    }
    open.delete(this);
    removeFolder(this.folder);
  }

  private tmux(...args: string[]): string {
    return execFileSync(
      "tmux",
      ["-S", join(this.folder, "socket"), "-f", "/dev/null", ...args],
      {
        encoding: "utf8",
        stdio: ["ignore", "pipe", "pipe"],
        env: { ...process.env, LC_ALL: "C.UTF-8" },
      },
    );
  }
}
