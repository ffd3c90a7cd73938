// A process under fuzz: a real ./route or ./vnet, or a program of the fuzzer's that holds a part of one. Keeps the end of
// what it says, however much that is, and notices a stack trace in it and its own end. Owned by a stage.

import { spawn, type ChildProcess } from "node:child_process";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "../support/deadline.js";
import { makeFolder, removeFolder } from "../support/folder.js";
import { residentBytes } from "../support/memory.js";
import { projectRoot } from "../support/project.js";

const TAIL_CHARACTERS = 20_000;
const STACK_LINE = /^ {4}at .*$/m;
const alive = new Set<ChildProcess>();

process.on("exit", () => {
  for (const child of alive) child.kill("SIGKILL");
});

export interface Sizes {
  residentBytes: number;
  descriptors: number;
}

/** A program of the fuzzer's own: a compiled file, from which messages come. */
export interface Host {
  /** below the project's folder */
  file: string;
  onMessage: (message: unknown) => void;
}

export class Suspect {
  /** why it is guilty; null: nothing was seen */
  fault: string | null = null;
  /** lines that it has said */
  lines = 0;
  /** JSON documents that its terminal has printed */
  answers = 0;
  /** Resolves when it has ended. */
  readonly exited: Promise<void>;
  private tail = "";
  private readonly child: ChildProcess;
  private readonly folder = makeFolder("vnet-fuzz-");
  private isClosing = false;

  constructor(
    readonly name: string,
    program: "route" | "vnet" | Host,
    config = "",
  ) {
    const { folder } = this;
    writeFileSync(join(folder, "config.ini"), config);
    const { NODE_OPTIONS: _, FORCE_COLOR: __, ...inherited } = process.env;
    const state = join(folder, "state");
    const options = {
      cwd: folder,
      env: { ...inherited, HOME: folder, VNET_STATE: state, NO_COLOR: "1" },
    };
    if (typeof program === "string")
      this.child = spawn(join(projectRoot, program), ["config.ini"], options);
    else {
      const file = join(projectRoot, program.file);
      this.child = spawn(process.execPath, [file], {
        ...options,
        stdio: ["pipe", "pipe", "pipe", "ipc"],
        serialization: "advanced",
      });
      this.child.on("message", program.onMessage);
      // It has ended, which is its fault.
      this.child.on("error", () => undefined);
    }
    alive.add(this.child);
    this.child.stdin?.on("error", () => undefined);
    for (const stream of [this.child.stdout, this.child.stderr])
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.hear(text);
      });
    this.child.stdout?.on("data", (text: string) => {
      this.answers += text.match(/(?:^|\n)\{/g)?.length ?? 0;
    });
    this.exited = new Promise((resolve) => {
      this.child.once("close", (status, signal) => {
        alive.delete(this.child);
        if (!this.isClosing)
          this.fault = `${name} ended by itself (${status ?? signal ?? "?"}) and said last:\n${this.tail.slice(-1_500)}`;
        resolve();
      });
    });
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** The end of what it said, both streams in the order in which they came. */
  get said(): string {
    return this.tail;
  }

  get sizes(): Sizes {
    return {
      residentBytes: residentBytes(this.pid),
      descriptors: readdirSync(`/proc/${this.pid}/fd`).length,
    };
  }

  /** A line for its terminal. */
  send(line: string): void {
    this.child.stdin?.write(`${line}\n`);
  }

  /** For a program of the fuzzer's own. */
  tell(message: object): void {
    if (this.child.connected) this.child.send(message);
  }

  async saying(what: RegExp, timeoutMs = 15_000): Promise<void> {
    await eventually(
      `${this.name} says ${String(what)}`,
      () => what.test(this.tail) || this.fault !== null,
      timeoutMs,
    ).catch((error: unknown) => {
      throw new Error(`${String(error)}; it said:\n${this.tail}`);
    });
    if (this.fault !== null) throw new Error(`${this.fault}\n${this.tail}`);
  }

  async close(): Promise<void> {
    this.isClosing = true;
    this.child.kill("SIGTERM");
    const timer = setTimeout(() => this.child.kill("SIGKILL"), 5_000);
    await this.exited;
    clearTimeout(timer);
    removeFolder(this.folder);
  }

  private hear(text: string): void {
    const before = this.tail.length;
    this.tail += text;
    // A line may come in two pieces: its beginning is looked at again.
    const fresh = this.tail.slice(Math.max(0, before - 200));
    const stack = STACK_LINE.exec(fresh)?.[0];
    if (stack !== undefined)
      this.fault ??= `${this.name} said a stack trace: ${stack.trim()}`;
    for (const character of text) if (character === "\n") this.lines++;
    if (this.tail.length > 2 * TAIL_CHARACTERS)
      this.tail = this.tail.slice(-TAIL_CHARACTERS);
  }
}
