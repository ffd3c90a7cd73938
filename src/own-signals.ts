// What signals mean to the programs. SIGHUP says that the terminal is gone, where there is one; a service has none, and
// there it asks for the configuration and the log to be read and opened anew. What was ignored at the start stays ignored.

import { closeSync, openSync } from "node:fs";

/** What SIGHUP does. */
export type Hangup = "ends" | "reloads" | "ignored";

const ENDS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

let isAsked = false;

/** Whether a signal asked this process to end. */
export function isAskedToEnd(): boolean {
  return isAsked;
}

/** Told by scripts/launch.sh, which Node's start did not make forget it. Not for programs that this one starts. */
const ignored = (process.env.VNET_IGNORED_SIGNALS ?? "").split(" ");
delete process.env.VNET_IGNORED_SIGNALS;

/** Asked at the start: a terminal that is gone cannot be asked for any more. */
export function hangupAtStart(noHup: boolean): Hangup {
  if (noHup || ignored.includes("SIGHUP")) return "ignored";
  return hasTerminal() ? "ends" : "reloads";
}

/** SIGHUP does no harm from now on, unless it ends the program. `reload`: for the one who asks by it. */
export function onHangup(hangup: Hangup, reload: () => void): void {
  if (hangup === "ignored") process.on("SIGHUP", () => undefined);
  if (hangup === "reloads") process.on("SIGHUP", reload);
}

/**
 * Resolves with the signal's name when the process is asked to end; the one after it has its usual effect again.
 * @param isTyped whether SIGINT is a key just now, that a person types at a prompt or in the pager, and somebody else's
 */
export function nextSignal(
  hangup: Hangup,
  isTyped: () => boolean = () => false,
): Promise<string> {
  const ends = hangup === "ends" ? ENDS : (["SIGINT", "SIGTERM"] as const);
  return oneOf(ends, (name) => name === "SIGINT" && isTyped());
}

/** That is to end it at once. A window that is closed says SIGHUP two or three times, which is one wish. */
export function secondSignal(): Promise<string> {
  process.on("SIGHUP", () => undefined);
  return oneOf(["SIGINT", "SIGTERM"]);
}

function oneOf(
  signals: readonly NodeJS.Signals[],
  isNone: (name: string) => boolean = () => false,
): Promise<string> {
  const names = signals.filter((name) => !ignored.includes(name));
  return new Promise((resolve) => {
    const heard = (name: string) => {
      if (isNone(name)) return;
      isAsked = true;
      resolve(name);
      // Not at once: a question's own listener would take itself for the last one, and kill the process.
      setImmediate(() => {
        for (const each of names) process.off(each, heard);
      });
    };
    for (const name of names) process.on(name, heard);
  });
}

/** Whether there is a terminal whose end would say SIGHUP. */
function hasTerminal(): boolean {
  if (process.platform === "win32") return true;
  try {
    closeSync(openSync("/dev/tty", "r"));
    return true;
  } catch {
    return false;
  }
}
