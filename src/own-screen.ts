// The screen of this process: which of its streams leads to the person. What follows from that decides screen/screen.ts.

import { openSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { WriteStream } from "node:tty";
import { Pager, pagerCommand } from "./screen/pager.js";
import type { TerminalOptions } from "./terminal/terminal.js";
import { Screen, seatOf, type Output, type Seat } from "./screen/screen.js";
import { neverWait } from "./screen/tty-output.js";

/** @param noColor of --no-color */
export function screenOf(output: Output, noColor: boolean): Screen {
  const isWindows = process.platform === "win32";
  return new Screen(output, { env: process.env, isWindows, noColor });
}

/** Where the person sits. */
export function ownSeat(): Seat {
  return seatOf(process.stdin, process.stdout);
}

let isLent = false;

/**
 * Signals that the pager's doing sends to us as well, with the usual effect on whoever does not say otherwise: Ctrl-\\ ends
 * it, and a pager that `bg` has woken, and that sets the terminal's mode, stops it, with all its traffic.
 */
const PAGERS = ["SIGQUIT", "SIGTTOU", "SIGTTIN"] as const;
const ignore = () => undefined;

/** A pager that does not stop at Ctrl-Z, or of which that cannot be told, is waited for no longer. */
const STOP_LOOK_MS = 10;
const STOP_LOOKS = 20;

/** Whether the pager has the terminal: its keys are none of ours, and neither are the signals that they make. */
export function isScreenLent(): boolean {
  return isLent;
}

/**
 * Starts what shows long lists; undefined where nothing is to.
 * @param stop stops this process, as Ctrl-Z does
 */
export function ownPager(
  noPager: boolean,
  stop: () => void,
): TerminalOptions["pager"] {
  const isWindows = process.platform === "win32";
  const command = noPager ? null : pagerCommand(process.env, isWindows);
  if (command === null) return undefined;
  let pager: Pager | null = null;
  // It cleans its last row up before it stops; the shell, which watches this process only, would write its prompt there first.
  const stopBehindPager = async () => {
    for (let look = 0; look < STOP_LOOKS && pager?.isStopped === false; look++)
      await pause(STOP_LOOK_MS);
    process.off("SIGTSTP", onStop);
    stop();
    if (isLent) process.on("SIGTSTP", onStop);
  };
  const onStop = () => void stopBehindPager();
  return {
    start: async () => {
      pager = await Pager.start(command, process.env, isWindows);
      return pager;
    },
    lend: (toPager) => {
      isLent = toPager;
      pager = null;
      process.off("SIGTSTP", onStop);
      if (toPager && !isWindows) process.on("SIGTSTP", onStop);
      for (const signal of PAGERS)
        if (toPager) process.on(signal, ignore);
        else process.off(signal, ignore);
    },
  };
}

/** The way to a person who types. */
export interface Face {
  output: WriteStream;
  screen: Screen;
}

/** Null where nobody sits at a terminal, or no way leads to it: the lines that come are a script. */
export function ownTerminal(noColor: boolean): Face | null {
  const output = personsOutput();
  return output && { output, screen: screenOf(output, noColor) };
}

function personsOutput(): WriteStream | null {
  const seat = ownSeat();
  if (seat === "script") return null;
  if (seat === "screen") return process.stdout;
  return process.stderr.isTTY ? process.stderr : openTerminal();
}

/** The terminal that rules this process, whatever its streams are. */
function openTerminal(): WriteStream | null {
  if (process.platform === "win32") return null;
  try {
    const fd = openSync("/dev/tty", "w");
    // Node's own streams tell it, too.
    const output = Object.assign(new WriteStream(fd), { fd });
    neverWait(output);
    // Node tells its own streams only of a new size.
    process.on("SIGWINCH", () => {
      (output as { _refreshSize?: () => void })._refreshSize?.();
    });
    return output;
  } catch {
    return null;
  }
}
