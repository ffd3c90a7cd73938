import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { parseHubConfig } from "../../src/config/hub-config.js";
import { parseIni } from "../../src/config/ini.js";
import { parseNodeConfig } from "../../src/config/node-config.js";
import { Problems } from "../../src/config/problem.js";
import { SECTIONS } from "../../src/config/schema.js";
import type { SectionSpec } from "../../src/config/schema.js";
import { projectRoot } from "../support/project.js";

function readExample(): string {
  return readFileSync(join(projectRoot, "config.ini.example"), "utf8");
}

describe("The table of sections and keys", () => {
  const sections: [string, SectionSpec][] = Object.entries(SECTIONS);

  it("says for each key what it means, what is allowed and the default", () => {
    for (const [, section] of sections)
      for (const spec of Object.values(section.keys))
        for (const text of [spec.doc, spec.kind.allowed, spec.defaultText])
          expect(text).to.match(/\S/).and.not.include("\n");
  });

  it("has defaults that its own kinds allow", () => {
    for (const [, section] of sections)
      for (const { kind, fallback } of Object.values(section.keys))
        if (fallback !== "" && fallback !== 0)
          expect(kind.parse(String(fallback))).to.equal(fallback);
  });

  it("names only keys of the same section as the new names of old ones", () => {
    for (const [, section] of sections)
      for (const { deprecatedFor } of Object.values(section.keys))
        if (deprecatedFor !== undefined)
          expect(section.keys).to.have.property(deprecatedFor);
  });
});

describe("config.ini.example", () => {
  it("loads for both programs without a warning", () => {
    const text = readExample();
    expect(parseHubConfig(text, "example").warnings).to.deep.equal([]);
    expect(parseNodeConfig(text, "example").warnings).to.deep.equal([]);
  });

  it("shows every section and key that is not deprecated", () => {
    // What everybody must fill in for himself, keys above all, stands there behind a semicolon.
    const text = readExample().replaceAll(/^;(?=\[|\w+ = )/gm, "");
    const shown = parseIni(text, new Problems("example"));
    for (const [kind, section] of Object.entries(SECTIONS) as [
      string,
      SectionSpec,
    ][]) {
      const found = shown.find(({ name }) => name.split(".")[0] === kind);
      const current = Object.entries(section.keys)
        .filter(([, spec]) => spec.deprecatedFor === undefined)
        .map(([key]) => key);
      expect([...(found?.entries.keys() ?? [])]).to.have.members(current);
    }
  });

  it("writes the defaults of [route] and [vnet] as they are", () => {
    const shown = parseNodeConfig(readExample(), "example").vnet;
    const { name, ...plain } = parseNodeConfig(
      "[route]\nip=127.0.0.1",
      "none",
    ).vnet;
    expect(name).to.be.a("string");
    expect(shown).to.include(plain);
  });
});
