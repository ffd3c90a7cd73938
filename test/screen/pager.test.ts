// Which program shows long lists.

import { expect } from "chai";
import { Pager, pagerCommand } from "../../src/screen/pager.js";
import { needsUnix } from "../support/find-program.js";

const HAS_LESS = () => true;
const HAS_NONE = () => false;

describe("the pager", () => {
  const cases: [
    what: string,
    PAGER: string | undefined,
    isThere: () => boolean,
    isWindows: boolean,
    command: string | null,
  ][] = [
    ["is less where nothing is said", undefined, HAS_LESS, false, "less"],
    ["is none where less is missing", undefined, HAS_NONE, false, null],
    [
      "is none on Windows where nothing is said",
      undefined,
      HAS_LESS,
      true,
      null,
    ],
    ["is what PAGER says", "most -s", HAS_NONE, false, "most -s"],
    ["is what PAGER says on Windows", "more", HAS_NONE, true, "more"],
    ["is none with PAGER=cat", "cat", HAS_LESS, false, null],
    ["is less with an empty PAGER, as with none", "", HAS_LESS, false, "less"],
    ["is less with a PAGER of blanks", "  ", HAS_LESS, false, "less"],
  ];
  for (const [what, PAGER, isThere, isWindows, command] of cases)
    it(what, () => {
      const chosen = pagerCommand({ PAGER }, isWindows, isThere);
      expect(chosen).to.equal(command);
    });

  it("that is no program tells all that it was to show, also what came after its end", async function () {
    needsUnix(this, "sh");
    const pager = await Pager.start("(exit 127)", process.env, false);
    let text = "";
    for (let isTaken = true; isTaken;) {
      text += "line\n";
      isTaken = await pager.write("line\n");
    }
    text += "end";
    expect(await pager.write("end")).to.be.false;
    expect(await pager.end()).to.deep.equal({ how: "absent", text });
  });

  it("is fed no faster than it reads, and says when it has seen enough", async function () {
    needsUnix(this, "sh");
    const pager = await Pager.start(
      "{ head -c 100000; exec <&-; } >/dev/null",
      process.env,
      false,
    );
    let bytes = 0;
    while (await pager.write("x".repeat(1000))) bytes += 1000;
    expect(bytes).to.be.within(100_000, 400_000);
    expect(await pager.end()).to.deep.equal({ how: "left" });
  });
});
