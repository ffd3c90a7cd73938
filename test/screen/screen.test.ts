// What is decided about a screen, for each kind of stream and each variable that people set.

import { expect } from "chai";
import {
  Screen,
  seatOf,
  type Output,
  type ScreenSettings,
} from "../../src/screen/screen.js";

const TERMINAL: Output = { isTTY: true, columns: 100, rows: 30 };
const UNKNOWN: Output = { isTTY: true, columns: 0, rows: 0 };
const PIPE: Output = {};

const screen = (
  output: Output,
  env: ScreenSettings["env"] = {},
  more: Partial<ScreenSettings> = {},
) =>
  new Screen(output, {
    ...{ isWindows: false, noColor: false, ...more },
    env: { TERM: "xterm", ...env },
  });

describe("a screen", () => {
  const widths: [what: string, Output, COLUMNS: string | undefined, number][] =
    [
      ["a terminal's own width", TERMINAL, undefined, 100],
      ["a terminal's own width rather than COLUMNS", TERMINAL, "60", 100],
      ["80 columns where the terminal does not know", UNKNOWN, undefined, 80],
      ["COLUMNS where the terminal does not know", UNKNOWN, "60", 60],
      ["no limit in a pipe", PIPE, undefined, Infinity],
      ["COLUMNS in a pipe", PIPE, "60", 60],
      ["nothing of an empty COLUMNS", UNKNOWN, "", 80],
      ["nothing of a COLUMNS of 0", UNKNOWN, "0", 80],
      ["nothing of a negative COLUMNS", PIPE, "-5", Infinity],
      ["nothing of a COLUMNS that is no number", UNKNOWN, "wide", 80],
    ];
  for (const [what, output, COLUMNS, columns] of widths)
    it(`has ${what}`, () => {
      expect(screen(output, { COLUMNS }).columns).to.equal(columns);
    });

  it("has as many rows as its terminal says, LINES, or 24; a pipe has no end", () => {
    const rows = [
      screen(TERMINAL, { LINES: "7" }).rows,
      screen(UNKNOWN, { LINES: "7" }).rows,
      screen(UNKNOWN).rows,
      screen(PIPE, { LINES: "7" }).rows,
    ];
    expect(rows).to.deep.equal([30, 7, 24, Infinity]);
  });

  it("follows a terminal that changes its size", () => {
    const output = { ...TERMINAL };
    const changing = screen(output);
    output.columns = 40;
    expect(changing.columns).to.equal(40);
  });

  for (const TERM of ["dumb", "unknown", "", undefined])
    it(`is dumb, and without colour, with TERM=${TERM ?? " unset"}`, () => {
      const plain = screen(TERMINAL, { TERM });
      expect([plain.isDumb, plain.color]).to.deep.equal([true, false]);
    });

  it("is not dumb on Windows, where nobody sets TERM, unless TERM says so", () => {
    const windows = { isWindows: true };
    expect(screen(TERMINAL, { TERM: undefined }, windows).isDumb).to.be.false;
    expect(screen(TERMINAL, { TERM: "" }, windows).isDumb).to.be.false;
    expect(screen(TERMINAL, { TERM: "dumb" }, windows).isDumb).to.be.true;
  });

  const breaks: [env: Record<string, string>, breaksAnew: boolean][] = [
    [{ TERM: "xterm-256color" }, true],
    [{ TERM: "tmux-256color" }, true],
    [{ TERM: "screen-256color", TMUX: "/tmp/tmux-0/default" }, true],
    [{ TERM: "screen-256color", TMUX: "" }, false],
    [{ TERM: "xterm-256color", XTERM_VERSION: "XTerm(379)" }, false],
    [{ TERM: "xterm" }, false],
    [{ TERM: "xterm", VTE_VERSION: "7006" }, true],
    [{ TERM: "linux" }, false],
    [{ TERM: "vt220" }, false],
    [{ TERM: "vte-256color" }, true],
  ];
  for (const [env, breaksAnew] of breaks)
    it(`${breaksAnew ? "breaks its rows anew" : "cuts its rows"} with ${JSON.stringify(env)}`, () => {
      expect(screen(TERMINAL, env).breaksAnew).to.equal(breaksAnew);
    });

  it("has colours in a terminal only, and only where nobody said no", () => {
    expect(screen(TERMINAL).color).to.be.true;
    expect(screen(TERMINAL, { NO_COLOR: "" }).color).to.be.true;
    expect(screen(TERMINAL, { NO_COLOR: "1" }).color).to.be.false;
    expect(screen(TERMINAL, {}, { noColor: true }).color).to.be.false;
    expect(screen(PIPE).color).to.be.false;
  });
});

describe("where a person sits", () => {
  it("is at the screen where both ends are terminals, beside it where the output goes elsewhere, and else nowhere", () => {
    expect(seatOf(TERMINAL, TERMINAL)).to.equal("screen");
    expect(seatOf(TERMINAL, PIPE)).to.equal("beside");
    expect(seatOf(PIPE, TERMINAL)).to.equal("script");
    expect(seatOf(PIPE, PIPE)).to.equal("script");
  });
});
