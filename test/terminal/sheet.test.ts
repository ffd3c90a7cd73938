// What a command prints, against a pager that is not one.

import { expect } from "chai";
import type { Pager, PagerEnd } from "../../src/screen/pager.js";
import { Screen } from "../../src/screen/screen.js";
import { ReaderLeft, Sheet } from "../../src/terminal/sheet.js";

class FakePager {
  shown = "";
  /** how much it shows before its end */
  room = Infinity;
  how: PagerEnd = { how: "left" };

  write(text: string): Promise<boolean> {
    this.shown += text;
    return Promise.resolve(this.shown.length <= this.room);
  }
  end(): Promise<PagerEnd> {
    return Promise.resolve(this.how);
  }
  close(): void {
    this.room = 0;
  }
}

describe("a sheet", () => {
  let printed: string[];
  let pager: FakePager;
  let sheet: Sheet;
  let isLent: boolean;
  let isBusy: boolean;

  beforeEach(() => {
    printed = [];
    pager = new FakePager();
    [isLent, isBusy] = [false, false];
    const screen = new Screen(
      { isTTY: true, columns: 10, rows: 5 },
      { env: { TERM: "xterm" }, isWindows: false, noColor: false },
    );
    sheet = new Sheet({
      screen,
      print: async (text) => void printed.push(text),
      printLine: async (pieces) => {
        let line = "";
        for await (const piece of pieces) line += piece;
        printed.push(line);
      },
      startPager: async () => {
        isLent = !isBusy;
        return isBusy ? null : (pager as unknown as Pager);
      },
      takeBack: () => (isLent = false),
      signal: new AbortController().signal,
    });
  });

  const lines = (count: number) =>
    Array.from({ length: count }, (_, at) => `line ${at}`).join("\n");

  async function* pieces(...all: string[]): AsyncGenerator<string> {
    for (const each of all) yield await Promise.resolve(each);
  }

  it("prints what fits the screen beside its prompt, at its end and in one", async () => {
    await sheet.write(lines(3));
    await sheet.write("end");
    expect(printed).to.deep.equal([]);
    await sheet.end();
    expect(printed).to.deep.equal([`${lines(3)}\nend`]);
  });

  it("gives all of what is longer to the pager", async () => {
    await sheet.write(lines(3));
    await sheet.write(lines(2));
    expect(isLent).to.be.true;
    await sheet.write("end");
    await sheet.end();
    expect(pager.shown).to.equal(`${lines(3)}\n${lines(2)}\nend\n`);
    expect([printed, isLent]).to.deep.equal([[], false]);
  });

  for (const [what, text, isLong] of [
    ["a line that takes four rows", "x".repeat(40), false],
    ["a line that takes five rows", "x".repeat(41), true],
    ["colours, which take no column", "\u001b[1mx\u001b[0m".repeat(40), false],
    ["signs of two columns", "語".repeat(21), true],
  ] as const)
    it(`counts rows: ${what}`, async () => {
      await sheet.write(text);
      expect(isLent).to.equal(isLong);
      await sheet.end();
    });

  it("counts a line that comes in pieces as one", async () => {
    await sheet.writeLine(pieces(...Array<string>(8).fill("12345")));
    expect(isLent).to.be.false;
    await sheet.end();
    expect(printed).to.deep.equal(["12345".repeat(8)]);
  });

  it("stops the work when the person leaves the pager", async () => {
    pager.room = 100;
    let made = 0;
    const endless = async function* () {
      for (;;) {
        made++;
        yield await Promise.resolve("12345,");
      }
    };
    const error: unknown = await sheet
      .writeLine(endless())
      .catch((reason: unknown) => reason);
    expect(error).to.be.instanceOf(ReaderLeft);
    expect(made).to.be.below(30);
    expect(isLent).to.be.false;
    const later: unknown = await sheet
      .write("x")
      .catch((reason: unknown) => reason);
    expect(later).to.be.instanceOf(ReaderLeft);
    await sheet.end();
    expect(printed).to.deep.equal([]);
  });

  it("prints all where the pager is not there, and what follows too", async () => {
    pager.room = 0;
    pager.how = { how: "absent", text: `${lines(9)}\n` };
    await sheet.write(lines(9));
    await sheet.write("end");
    await sheet.end();
    expect(printed).to.deep.equal([lines(9), "end"]);
  });

  it("loses nothing of a line in pieces where the pager is not there", async () => {
    pager.room = 0;
    pager.how = { how: "absent", text: "12345".repeat(9) };
    await sheet.writeLine(
      pieces(...Array<string>(9).fill("12345"), "rest", "end"),
    );
    await sheet.end();
    expect(printed.join("")).to.equal(`${"12345".repeat(9)}restend`);
  });

  it("says how the pager ended where it was killed", async () => {
    pager.room = 0;
    pager.how = { how: "killed", signal: "SIGKILL" };
    await sheet.write(lines(9)).catch(() => undefined);
    expect(printed.join("")).to.match(
      /^the pager ended by SIGKILL, so the rest/,
    );
  });

  it("prints where the pager cannot have the terminal now", async () => {
    isBusy = true;
    await sheet.write(lines(9));
    await sheet.write("end");
    await sheet.end();
    expect(printed).to.deep.equal([lines(9), "end"]);
  });
});
