// What the documents say of this project itself: the tests that their tables name are there, their configurations load,
// and their links lead somewhere.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { expect } from "chai";
import { parseHubConfig } from "../src/config/hub-config.js";
import { parseNodeConfig } from "../src/config/node-config.js";
import { projectRoot } from "./support/project.js";
import { needsUnix } from "./support/find-program.js";
import { run } from "./support/launch.js";

const TESTS = join(projectRoot, "test");

function read(path: string): string {
  return readFileSync(join(projectRoot, path), "utf8");
}

const DOCUMENTS = [
  ...readdirSync(projectRoot).filter((name) => /^README.*\.md$/.test(name)),
  ...readdirSync(join(projectRoot, "docs"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
];

/** By file below test/ without `.test.ts`: its titles, with `.*` for what is put in when it runs. */
const TITLES = new Map(
  readdirSync(TESTS, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.name.endsWith(".test.ts"))
    .map((entry) => join(entry.parentPath, entry.name))
    .map((file) => [
      relative(TESTS, file)
        .replaceAll("\\", "/")
        .replace(/\.test\.ts$/, ""),
      titlesIn(readFileSync(file, "utf8")),
    ]),
);

function titlesIn(source: string): RegExp[] {
  const calls = /\b(?:it|describe)\(\s*("(?:[^"\\]|\\.)*"|`(?:[^`\\]|\\.)*`)/g;
  return [...source.matchAll(calls)].flatMap(([, quoted = ""]) => {
    const parts = quoted
      .slice(1, -1)
      .replace(/\\(.)/g, "$1")
      .split(/\$\{[^}]*\}/);
    // One that is filled in nearly whole would be any title.
    if (parts.length > 1 && parts.join("").trim().length < 8) return [];
    return [new RegExp(`^${parts.map(escaped).join(".*")}$`)];
  });
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

interface Row {
  document: string;
  feature: string;
  /** the cell of the column "tested by" */
  testedBy: string;
}

/** The rows of all tables with a column "tested by". */
function testedRows(document: string): Row[] {
  const rows: Row[] = [];
  let column = -1;
  for (const line of read(document).split("\n")) {
    const cells = /^\|(.*)\|$/
      .exec(line)?.[1]
      ?.split(/(?<!\\)\|/)
      .map((cell) => cell.trim().replaceAll("\\|", "|"));
    if (cells === undefined) column = -1;
    else if (column < 0) column = cells.indexOf("tested by");
    else if (!/^-+$/.test(cells[column] ?? ""))
      rows.push({
        ...{ document, feature: cells[0] ?? "" },
        testedBy: cells[column] ?? "",
      });
  }
  return rows;
}

/** What is wrong with a cell: one or more `FILE`: TITLE with <br> between, or "not run: WHY". */
function faultOf(testedBy: string): string | null {
  if (/^not run: \S.{15,}/.test(testedBy)) return null;
  for (const reference of testedBy.split("<br>")) {
    const [, file = "", title = ""] =
      /^`([\w/-]+)`: (.+)$/.exec(reference.trim()) ?? [];
    const titles = TITLES.get(file);
    if (titles === undefined) return `no file of this name: ${reference}`;
    if (!titles.some((known) => known.test(title.replace(/\$\{\w+\}/g, "…"))))
      return `no test of this title: ${reference}`;
  }
  return null;
}

describe("The tables of docs/coming-from.md", () => {
  const rows = DOCUMENTS.flatMap(testedRows);

  it("name for each feature a test that is there, or say why none runs", () => {
    const faults = rows.flatMap((row) => {
      const fault = faultOf(row.testedBy);
      return fault === null
        ? []
        : [`${row.document}: ${row.feature}: ${fault}`];
    });
    expect(faults).to.deep.equal([]);
    expect(rows.length).to.be.above(40);
  });

  const cells: [what: string, cell: string, fault: RegExp | null][] = [
    ["a test", "`documents`: are held to it", null],
    ["two", "`documents`: are held to it<br>`documents`: are held to it", null],
    ["a reason", "not run: needs a Windows machine", null],
    ["nothing", "", /no file/],
    ["a reason that is none", "not run: no", /no file/],
    ["a file that is gone", "`e2e/gone`: a title", /no file/],
    ["a title in another file", "`errors`: are held to it", /no test/],
    ["a title that is gone", "`documents`: are held", /no test/],
    [
      "a second one that is gone",
      "`documents`: are held to it<br>`documents`: x",
      /no test/,
    ],
  ];
  it("are held to it", () => {
    for (const [what, cell, fault] of cells)
      if (fault === null) expect(faultOf(cell), what).to.equal(null);
      else expect(faultOf(cell), what).to.match(fault);
  });
});

interface Block {
  /** with the line: docs/recipes.md:12 */
  where: string;
  text: string;
}

function blocksOf(document: string, language: string): Block[] {
  const blocks: Block[] = [];
  let block: Block | null = null;
  for (const [at, line] of read(document).split("\n").entries()) {
    if (block === null && line === `\`\`\`${language}`)
      block = { where: `${document}:${at + 1}`, text: "" };
    else if (block !== null && line === "```") {
      blocks.push(block);
      block = null;
    } else if (block !== null) block.text += `${line}\n`;
  }
  return blocks;
}

/** What a part of a file leaves out, so that it is a whole one. */
function completed(text: string): string {
  return /^\[route\]/m.test(text)
    ? text
    : `[route]\nip=hub.example.org\n\n${text}`;
}

describe("The configurations of the documents", function () {
  this.timeout(600_000);

  for (const document of DOCUMENTS)
    it(`load, those of ${document}`, () => {
      for (const { where, text } of blocksOf(document, "ini")) {
        const config = completed(text);
        // Only a hub makes keys, and only a node dials by a program.
        if (!/^ip *= *'?(exec|vsock):/m.test(text))
          parseHubConfig(config, where);
        if (!/^authkey *= *auto/m.test(text)) parseNodeConfig(config, where);
      }
    });

  it("pass --check, those of the recipes", async function () {
    needsUnix(this, "Unix sockets");
    const blocks = ["docs/recipes.md", "docs/hyper-v.md"].flatMap((document) =>
      blocksOf(document, "ini"),
    );
    expect(blocks.length).to.be.above(14);
    for (const { where, text } of blocks) {
      const isHub = /^; .*\.\/route /m.test(text);
      const { status, stdout, stderr } = await run(
        isHub ? "route" : "vnet",
        ["config.ini", "--check"],
        { config: completed(text) },
      );
      expect([status, stderr], where).to.deep.equal([0, ""]);
      expect(stdout, where).to.include("config.ini is fine");
    }
  });
});

describe("The command lines of the documents", function () {
  this.timeout(600_000);

  /** As they stand in text and in blocks, without what only names a thing to fill in. */
  const commands = new Set(
    DOCUMENTS.flatMap((document) =>
      [...read(document).matchAll(/\.\/((?:route|vnet) --[^`\n#]+)/g)].map(
        ([, words = ""]) =>
          words
            .replaceAll("\\|", "|")
            .replace(/ {2,}.*| \|.*|&$/, "")
            .replace(/--authkey KEY\b/, "--authkey a-key-of-the-document")
            .trim(),
      ),
    ),
  );

  it("pass --check, those that start a program with options alone", async () => {
    const whole = [...commands].filter((line) => !/[A-Z]{4}|…|<|\|/.test(line));
    expect(whole.length).to.be.above(8);
    for (const line of whole) {
      const [launcher, ...words] = line.split(" ");
      const { status, stderr } = await run(launcher as "route" | "vnet", [
        ...words,
        "--check",
      ]);
      expect(
        [status, stderr.replace(/^.*key on a command line.*\n/gm, "")],
        line,
      ).to.deep.equal([0, ""]);
    }
  });
});

/** As GitHub makes it of a heading. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\p{M} _-]/gu, "")
    .replaceAll(" ", "-");
}

describe("The links of the documents", () => {
  it("lead to files and headings that are there", () => {
    const dead: string[] = [];
    for (const document of DOCUMENTS) {
      const prose = read(document).replace(/^```[^]*?^```$/gm, "");
      for (const [, target = ""] of prose.matchAll(/\]\(([^)\s]+)\)/g)) {
        if (/^https?:/.test(target)) continue;
        const [path = "", anchor] = target.split("#");
        const file =
          path === ""
            ? document
            : join(dirname(document), path).replaceAll("\\", "/");
        const isThere =
          existsSync(join(projectRoot, file)) &&
          (anchor === undefined || anchorsOf(file).has(decodeURI(anchor)));
        if (!isThere) dead.push(`${document}: ${target}`);
      }
    }
    expect(dead).to.deep.equal([]);
  });

  function anchorsOf(file: string): Set<string> {
    const text = read(file).replace(/^```[^]*?^```$/gm, "");
    return new Set(
      [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
        anchorOf(heading),
      ),
    );
  }
});
