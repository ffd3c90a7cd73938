// Is there a screen, how wide is it, does it show colours, does it know escape sequences: decided here, and nowhere else.
// `seatOf` says where the person sits; a Screen is one output, and its size is asked anew each time. Pure: both programs
// hand in their streams and variables (own-screen.ts); whoever draws gets a Screen. Opens, writes and listens to nothing.

/** What this needs of a stream. */
export interface Output {
  isTTY?: boolean | undefined;
  /** 0: the system does not know it, as with `script`, in containers and on a pty that nobody gave a size */
  columns?: number | undefined;
  rows?: number | undefined;
}

export interface ScreenSettings {
  /** TERM, NO_COLOR, COLUMNS and LINES, and what terminals tell of themselves */
  env: Readonly<Record<string, string | undefined>>;
  isWindows: boolean;
  /** --no-color */
  noColor: boolean;
}

/** Where a screen does not tell its size, and no variable does. */
const USUAL_COLUMNS = 80;
const USUAL_ROWS = 24;

/** Set by terminals that break rows anew. */
const BREAK_ANEW = [
  ...["TMUX", "VTE_VERSION", "KONSOLE_VERSION", "TERM_PROGRAM", "WT_SESSION"],
];
/** Those that cut them: xterm and PuTTY, the consoles of Linux and BSD, rxvt, screen, Emacs. */
const CUTS = /^(?:xterm$|vt\d|cons25|linux|putty|rxvt|screen|eterm)/;

/** Terminals that do as they are told by no escape sequence. */
const DUMB = new Set(["", "dumb", "unknown"]);

/**
 * - `screen` a person types, and sees what is written to the output: prompts, colours, questions
 * - `beside` a person types, but the output goes into a file or a pipe: the commands' output alone goes there; prompt,
 *   notices and errors go to the terminal by another way (standard error where that is a terminal, else /dev/tty)
 * - `script` nobody types: lines are commands, without prompt and questions; wherever the output goes
 */
export type Seat = "screen" | "beside" | "script";

export function seatOf(input: Pick<Output, "isTTY">, output: Output): Seat {
  if (input.isTTY !== true) return "script";
  return output.isTTY === true ? "screen" : "beside";
}

/** One output, as those who draw on it see it. */
export class Screen {
  constructor(
    private readonly output: Output,
    private readonly settings: ScreenSettings,
  ) {}

  /** Whether it is one; else a file or a pipe. */
  get isTerminal(): boolean {
    return this.output.isTTY === true;
  }

  /**
   * How long a line may be; never 0. A terminal's own size is the newest there is, so it wins over COLUMNS, which a shell may
   * have set before the window changed (ls does so, too). Infinity: a file or a pipe, where nobody said how wide.
   */
  get columns(): number {
    const own = this.isTerminal ? sizeOf(this.output.columns) : null;
    const told = sizeOf(this.settings.env.COLUMNS);
    return own ?? told ?? (this.isTerminal ? USUAL_COLUMNS : Infinity);
  }

  /** How many lines it shows; Infinity for a file or a pipe. */
  get rows(): number {
    if (!this.isTerminal) return Infinity;
    const { output, settings } = this;
    return sizeOf(output.rows) ?? sizeOf(settings.env.LINES) ?? USUAL_ROWS;
  }

  /**
   * Knows no escape sequence, so that none may be written: TERM says so, or nothing; Windows has no TERM, and its consoles
   * know them.
   */
  get isDumb(): boolean {
    const { env, isWindows } = this.settings;
    const { TERM = "" } = env;
    const term = TERM === "" && isWindows ? "windows" : TERM;
    return !this.isTerminal || DUMB.has(term);
  }

  /**
   * Whether rows that a window made narrower has no room for are broken anew, and joined again when it becomes wider. Most
   * terminals do so; old ones cut them. None can be asked, so this goes by what is known of their names: of one that was
   * taken for an old one pieces of the line stay on the screen, and with the other mistake what stood above would go.
   */
  get breaksAnew(): boolean {
    const { env } = this.settings;
    const isSet = (name: string) => (env[name] ?? "") !== "";
    if (BREAK_ANEW.some(isSet)) return true;
    return !isSet("XTERM_VERSION") && !CUTS.test(env.TERM ?? "");
  }

  get color(): boolean {
    const { env, noColor } = this.settings;
    return !this.isDumb && !noColor && (env.NO_COLOR ?? "") === "";
  }
}

function sizeOf(told: string | number | undefined): number | null {
  if (typeof told === "string" && !/^\d{1,6}$/.test(told)) return null;
  const size = Number(told);
  return size >= 1 ? size : null;
}
