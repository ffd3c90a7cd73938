// `npm run stopped` as a program, for some seconds: no stream stands, and the screens are whole when the terminals go on.
// Comparing echoes, and memory, need longer runs.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { needs, skip } from "../support/find-program.js";
import { makeFolder, removeFolder } from "../support/folder.js";
import { canMeasure } from "../support/memory.js";
import { Program } from "../support/program.js";
import { projectRoot } from "../support/project.js";
import type { Report } from "../stopped/stopped.js";

describe("npm run stopped", function () {
  this.timeout(180_000);
  let folder: string;
  let program: Program | undefined;

  before(function () {
    if (!canMeasure) skip(this, "reads /proc");
    needs(this, "tmux", "stty");
  });

  beforeEach(() => {
    folder = makeFolder();
  });

  afterEach(async () => {
    await program?.close();
    removeFolder(folder);
  });

  function start(...args: string[]): Program {
    const file = join(projectRoot, "scripts", "stopped.mjs");
    return (program = new Program(process.execPath, [file, ...args]));
  }

  it("lets a crowd come and go beside terminals that are stopped, and finds no stream that stands and whole screens", async () => {
    const json = join(folder, "report.json");
    const run = start("--minutes", "0.05", "--nodes", "12", "--json", json);
    const { status } = await run.exited;
    expect(status, run.output).to.equal(0);
    const report = JSON.parse(readFileSync(json, "utf8")) as Report;
    expect(report.faults).to.deep.equal([]);
    expect(report.leaves).to.be.above(0);
    expect(report.pings.stopped.count).to.be.above(0);
    expect(report.memory.map(({ name }) => name)).to.have.members(
      ["free", "stopped"].flatMap((lan) => [`${lan} hub`, `${lan} node`]),
    );
    expect(run.stdout).to.match(/\npassed\n$/);
  });

  it("refuses what it does not know, in one line", async () => {
    for (const args of [["--minutes", "0"], ["--nodes", "x"], ["--fast"]]) {
      const run = start(...args);
      expect(await run.exited, args.join(" ")).to.include({ status: 2 });
      expect(run.lines, run.output).to.have.lengthOf(1);
    }
  });
});
