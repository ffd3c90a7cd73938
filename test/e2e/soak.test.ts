// `npm run soak` as a program, for some seconds: it comes to its end, no byte is wrong, and what was opened is closed. Slopes
// need longer runs.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { skip } from "../support/find-program.js";
import { makeFolder, removeFolder } from "../support/folder.js";
import { canMeasure } from "../support/memory.js";
import { Program } from "../support/program.js";
import { projectRoot } from "../support/project.js";
import type { Report } from "../soak/report.js";

describe("npm run soak", function () {
  this.timeout(300_000);
  let folder: string;
  const running: Program[] = [];

  before(function () {
    if (!canMeasure) skip(this, "reads /proc");
  });

  beforeEach(() => {
    folder = makeFolder();
  });

  afterEach(async () => {
    for (const program of running.splice(0)) await program.close();
    removeFolder(folder);
  });

  function soak(...args: string[]): Program {
    const file = join(projectRoot, "scripts", "soak.mjs");
    const program = new Program(process.execPath, [file, ...args]);
    running.push(program);
    return program;
  }

  it("mixes all that users and faults do, and finds no wrong byte, nothing hung and every descriptor back", async () => {
    const json = join(folder, "report.json");
    const program = soak(
      ...["--minutes", "0.1", "--seed", "6", "--workers", "3"],
      ...["--json", json],
    );
    const { status } = await program.exited;
    expect(status, program.output).to.equal(0);

    const report = JSON.parse(readFileSync(json, "utf8")) as Report;
    expect(report.faults).to.deep.equal([]);
    const { client, service, bytes } = report.streams;
    for (const side of [client, service])
      expect(side).to.include({ wrong: 0, lost: 0, hung: 0 });
    expect(client.whole).to.be.above(0);
    expect(bytes).to.be.above(0);
    for (const [name, { start, end }] of Object.entries(report.descriptors))
      expect(end, `descriptors of ${name}`).to.be.at.most(start);

    const names = ["hub", "home", "barn", "office", "plainHome", "plainOffice"];
    expect(Object.keys(report.steady)).to.have.members(names);
    for (const { name, samples } of report.lines)
      for (const sample of samples)
        for (const figure of [sample.rss, sample.heapUsed, sample.descriptors])
          expect(figure, name).to.be.above(0);
    expect(program.stdout).to.match(/wrong 0, lost 0, hung 0[^]*\npassed\n$/);
  });

  it("refuses what it does not know, in one line", async () => {
    for (const args of [["--minutes", "0"], ["--seed", "x"], ["--fast"]]) {
      const program = soak(...args);
      expect(await program.exited, args.join(" ")).to.include({ status: 2 });
      expect(program.lines, program.output).to.have.lengthOf(1);
    }
  });
});
