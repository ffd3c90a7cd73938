// Checks the layers of docs/architecture.md on the sources themselves.

import { expect } from "chai";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { projectRoot } from "./support/project.js";
import { offencesIn, readUnit, type Unit } from "./support/layers.js";

const src = join(projectRoot, "src");

const units: Unit[] = readdirSync(src, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
  .map((entry) => join(entry.parentPath, entry.name))
  .map((file) =>
    readUnit(
      relative(src, file).replaceAll("\\", "/"),
      readFileSync(file, "utf8"),
    ),
  );

describe("the layers of src", () => {
  it("are kept by every file", () => {
    expect(units).not.to.be.empty;
    expect(units.flatMap(offencesIn)).to.deep.equal([]);
  });

  it("have a header comment in every file, of at most four lines", () => {
    const without = units.filter((u) => u.header < 1 || u.header > 4);
    expect(without.map((u) => `${u.path}: ${u.header}`)).to.deep.equal([]);
  });
});

describe("the check of the layers", () => {
  const cases: [path: string, source: string, offence: string | null][] = [
    ["node/a.ts", 'import { x } from "../wire/x.js";', null],
    ["node/a.ts", 'import { x } from "./b.js";', null],
    ["terminal/a.ts", 'import type { X } from "../node/x.js";', null],
    [
      "wire/a.ts",
      'import type { X } from "../net/x.js";',
      "wire may not import net",
    ],
    ["wire/a.ts", 'export * from "../node/x.js";', "wire may not import node"],
    [
      "hub/a.ts",
      'import { x } from "../node/x.js";',
      "hub may not import node",
    ],
    [
      "node/a.ts",
      'import { x } from "../hub/x.js";',
      "node may not import hub",
    ],
    ["log.ts", 'import { x } from "./errors.js";', null],
    [
      "errors.ts",
      'import { x } from "./config/x.js";',
      "base may not import config",
    ],
    [
      "config/a.ts",
      'const x = await import("../net/x.js");',
      "config may not import net",
    ],
    [
      "config/a.ts",
      'type X = import("../net/x.js").X;',
      "config may not import net",
    ],
    ["config/a.ts", 'import { x } from "../keys/x.js";', null],
    ["import/a.ts", 'import { x } from "../config/x.js";', null],
    [
      "import/a.ts",
      'import { x } from "../wire/x.js";',
      "import may not import wire",
    ],
    [
      "config/a.ts",
      'import { x } from "../import/x.js";',
      "config may not import import",
    ],
    ["keys/a.ts", 'import { createHmac } from "node:crypto";', null],
    [
      "keys/a.ts",
      'import { x } from "../config/x.js";',
      "keys may not import config",
    ],
    ["keys/a.ts", 'import tls from "node:tls";', "only net may use node:tls"],
    ["net/a.ts", 'import tls from "node:tls";', null],
    ["net/a.ts", 'import { connect } from "node:net";', null],
    ["node/a.ts", 'import type { Socket } from "node:net";', null],
    [
      "node/a.ts",
      'import { connect } from "node:net";',
      "only net may use node:net",
    ],
    [
      "node/a.ts",
      'import http from "node:http";',
      "only net may use node:http",
    ],
    ["hub/a.ts", 'import tls from "tls";', "only net may use tls"],
    [
      "node/a.ts",
      'import { spawn } from "node:child_process";',
      "only net may use node:child_process",
    ],
    ["hub/a.ts", 'import http from "http";', "only net may use http"],
    ["net/a.ts", 'import { spawn } from "node:child_process";', null],
    ["screen/a.ts", 'import { spawn } from "node:child_process";', null],
    [
      "node/a.ts",
      "const e = process.env;",
      "only the programs may use process",
    ],
    [
      "node/a.ts",
      "globalThis.process.exit();",
      "only the programs may use process",
    ],
    [
      "node/a.ts",
      'import p from "node:process";',
      "only the programs may use process",
    ],
    ["node/a.ts", "task.process(); const o = { process: 1 };", null],
    ["vnet.ts", "process.exit(1);", null],
    ["other/a.ts", "", "other has no layer"],
  ];
  for (const [path, source, offence] of cases)
    it(`${offence ? "finds" : "allows"} ${source || "a new folder"} in ${path}`, () => {
      const found = offencesIn(readUnit(path, source));
      expect(found).to.deep.equal(
        offence === null ? [] : [`${path}: ${offence}`],
      );
    });

  it("reads the folder names that exist", () => {
    const folders = new Set(units.map((unit) => dirname(unit.path)));
    expect(folders).to.include("config");
  });
});
