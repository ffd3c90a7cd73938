// `npm run bench` as a program: it measures, reports what it could not, and
// leaves nothing behind. No figure is expected to be anything.

import { expect } from "chai";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { needs, skip } from "../support/find-program.js";
import { makeFolder, removeFolder } from "../support/folder.js";
import { Program } from "../support/program.js";
import { projectRoot } from "../support/project.js";

interface Summary {
  rows: { name: string; values: Record<string, { rounds: number[] }> }[];
  failures: { competitor: string; measurement: string; reason: string }[];
}

describe("npm run bench", function () {
  this.timeout(180_000);
  let folder: string;
  const running: Program[] = [];

  before(function () {
    if (process.platform !== "linux") skip(this, "the suite reads /proc");
    needs(this, "wrk", "nginx");
  });

  beforeEach(() => {
    folder = makeFolder();
  });

  afterEach(async () => {
    for (const program of running.splice(0)) await program.close();
    removeFolder(folder);
  });

  /** Its temporary files go into `folder`. */
  function bench(...args: string[]): Program {
    const file = join(projectRoot, "scripts", "bench", "bench.mjs");
    const env = { ...process.env, TMPDIR: folder };
    const program = new Program(process.execPath, [file, ...args], { env });
    running.push(program);
    return program;
  }

  it("measures vnet beside no proxy at all and writes rows, ratios and a chart", async () => {
    const json = join(folder, "figures.json");
    const svg = join(folder, "chart.svg");
    const program = bench(
      ...["--rounds", "1", "--seconds", "1", "--json", json, "--svg", svg],
      ...["--only", "requests, 16|first byte, 25", "--with", "direct,vnet"],
    );
    expect(await program.exited, program.output).to.include({ status: 0 });

    const { rows, failures } = JSON.parse(
      readFileSync(json, "utf8"),
    ) as Summary;
    expect(failures).to.deep.equal([]);
    expect(rows.map(({ name }) => name)).to.deep.equal([
      "requests, 16 kept connections, requests/s",
      "requests, 16 kept connections, p50",
      "requests, 16 kept connections, p99",
      "first byte, 25 ms between node and hub, request and answer",
      "first byte, 25 ms between node and hub, the service speaks first",
    ]);
    for (const { name, values } of rows)
      for (const competitor of ["direct", "vnet"]) {
        const rounds = values[competitor]?.rounds ?? [];
        expect(rounds, `${name}, ${competitor}`).to.have.lengthOf(1);
        expect(rounds[0], `${name}, ${competitor}`).to.be.above(0);
      }
    // Twice 25 ms there and twice back: less would mean that a link is not as long as it claims.
    const far = rows[3]!.values.vnet!.rounds[0];
    expect(far).to.be.at.least(99);
    expect(program.stdout).to.include("### Requests on 16 kept connections");
    expect(readFileSync(svg, "utf8")).to.match(
      /^<svg [^]*<rect [^]*<\/svg>\n$/,
    );
    expect(readdirSync(folder)).to.have.members(["figures.json", "chart.svg"]);
  });

  it("ends what it started and removes its files on Ctrl-C", async () => {
    const program = bench(
      ...["--only", "requests, 1 kept", "--with", "vnet", "--seconds", "1"],
    );
    await program.waitForOutput("round 2", 120_000);
    const started = childrenOf(program.pid);
    // Two services and a hub with two nodes at the least.
    expect(started).to.have.lengthOf.at.least(5);
    program.kill("SIGINT");
    expect(await program.exited).to.include({ status: 130 });
    expect(started.filter(isRunning)).to.deep.equal([]);
    expect(readdirSync(folder)).to.deep.equal([]);
  });

  it("refuses what it does not know, in one line that names what there is", async () => {
    const cases: [string[], RegExp][] = [
      [["--with", "nobody"], /--with nobody: there is direct, vnet, /],
      [["--rounds", "0"], /--rounds is "0", allowed is 1 to 100/],
      [["--only", "nothing like it"], /--only matches no measurement/],
      [["--only", "("], /--only: Invalid regular expression/],
      [["--fast"], /Unknown option '--fast'/],
    ];
    for (const [args, message] of cases) {
      const program = bench(...args);
      expect(await program.exited, args.join(" ")).to.include({ status: 2 });
      expect(program.lines, program.output).to.have.lengthOf(1);
      expect(program.lines[0]).to.match(message);
    }
  });
});

function childrenOf(pid: number): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((each) => statOf(each)?.parent === pid);
}

function isRunning(pid: number): boolean {
  const state = statOf(pid)?.state;
  return state !== undefined && state !== "Z";
}

function statOf(pid: number): { state: string; parent: number } | null {
  const file = `/proc/${pid}/stat`;
  if (!existsSync(file)) return null;
  try {
    const text = readFileSync(file, "utf8");
    // The name of the program may contain spaces and brackets.
    const [state, parent] = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return { state: state!, parent: Number(parent) };
  } catch {
    return null;
  }
}
