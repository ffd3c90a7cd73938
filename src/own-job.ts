// Whether this process is the job that the shell has in the foreground. In the background the system stops a process, with all
// its traffic, that reads from the terminal or sets its mode: then neither is done, until `fg`. Owned by a node with a terminal.

import { readFileSync } from "node:fs";
import type { ReadStream } from "node:tty";
import { isScreenLent } from "./own-screen.js";

/** `fg` gives a running job the terminal without a word. */
const LOOK_MS = 500;

/** kill(2): all processes of the job. */
const OWN_GROUP = 0;

type Place = "foreground" | "background" | "no terminal";

export class OwnJob {
  isForeground: boolean;
  private onChange: (isForeground: boolean) => void = () => undefined;
  private timer: NodeJS.Timeout | undefined;
  private wantsRaw = false;
  private readonly setRaw: (isRaw: boolean) => void;

  constructor(private readonly input: ReadStream) {
    // Without a controlling terminal there are no jobs.
    this.isForeground = placeOfThisProcess() !== "background";
    this.setRaw = input.setRawMode.bind(input);
    // Whoever edits lines asks for it, and asks when the process goes on after Ctrl-Z, too.
    input.setRawMode = (isRaw) => {
      this.wantsRaw = isRaw;
      if (placeOfThisProcess() !== "background") this.setRaw(isRaw);
      return input;
    };
    process.on("SIGCONT", this.onContinue);
    this.look();
  }

  /** `onChange`: at once, and whenever it differs; with true also when the process was stopped and goes on. */
  follow(onChange: (isForeground: boolean) => void): void {
    this.onChange = onChange;
    onChange(this.isForeground);
  }

  /** What Ctrl-Z does. Returns when the process goes on, in whatever place, or was not to be stopped. */
  stop(): void {
    this.setRaw(false);
    process.kill(process.pid, "SIGTSTP");
    // SIGCONT need not be heard: a SIGTTOU that a pager causes, woken by it too, takes it away while it is pending.
    this.onContinue();
  }

  /** Idempotent. */
  close(): void {
    clearTimeout(this.timer);
    process.off("SIGCONT", this.onContinue);
    this.onChange = () => undefined;
  }

  private readonly onContinue = () => {
    // A terminal that was lost in the meantime comes back by no `fg`.
    const was = this.isForeground;
    this.isForeground = placeOfThisProcess() === "foreground";
    if (this.isForeground) this.takeInput();
    else this.input.pause();
    if (was || this.isForeground) this.onChange(this.isForeground);
    this.look();
  };

  private look(): void {
    clearTimeout(this.timer);
    if (this.isForeground) return;
    this.timer = setTimeout(() => {
      if (placeOfThisProcess() !== "foreground") this.look();
      // A pager was stopped as it set the terminal's mode in the background; the shell knows nothing of that.
      else if (isScreenLent()) process.kill(OWN_GROUP, "SIGCONT");
      else this.onContinue();
    }, LOOK_MS);
    this.timer.unref();
  }

  private takeInput(): void {
    if (isScreenLent()) return;
    // The shell has set another mode meanwhile; what is set already would not be set again.
    this.setRaw(false);
    if (this.wantsRaw) this.setRaw(true);
    // A question does not read on by itself.
    setImmediate(() => {
      if (!isScreenLent()) this.input.resume();
    });
  }
}

/** Elsewhere than on Linux nothing tells. */
function placeOfThisProcess(): Place {
  if (process.platform !== "linux") return "foreground";
  try {
    return placeOf(readFileSync("/proc/self/stat", "utf8"));
  } catch {
    return "foreground";
  }
}

/** @param stat as proc(5) has it: the name between parentheses may hold anything */
function placeOf(stat: string): Place {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [, , group, , , foregroundGroup = "-1"] = fields;
  if (foregroundGroup === "-1") return "no terminal";
  return group === foregroundGroup ? "foreground" : "background";
}
