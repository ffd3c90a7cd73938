// `npm run test:wine`, as far as it goes without Wine.

import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect } from "chai";
import { needsUnix } from "./support/find-program.js";
import { makeFolder, removeFolder } from "./support/folder.js";
import { projectRoot } from "./support/project.js";

interface Faults {
  FAULTS: { why: string; titles: string[] }[];
  faultOfWine: (title: string) => string | null;
}

describe("The tests under Wine", () => {
  const faults = (): Promise<Faults> =>
    import(
      pathToFileURL(join(projectRoot, "scripts", "wine-faults.mjs")).href
    ) as Promise<Faults>;

  it("are skipped with a word, status 0, where there is no Wine", function () {
    needsUnix(this, "another system below it");
    const folder = makeFolder();
    try {
      const { status, stderr, stdout } = spawnSync(
        process.execPath,
        [join(projectRoot, "scripts", "wine.mjs")],
        { env: { PATH: folder }, encoding: "utf8", timeout: 30_000 },
      );
      expect([status, stdout]).to.deep.equal([0, ""]);
      expect(stderr).to.equal(
        "test:wine: SKIPPED: there is no Wine here (bash scripts/install-wine.sh installs it on Debian)\n",
      );
    } finally {
      removeFolder(folder);
    }
  });

  it("fail by Wine's doing only where that is written down, with the reason", async () => {
    const { FAULTS, faultOfWine } = await faults();
    expect(faultOfWine("a test that nobody knows")).to.equal(null);
    for (const { why, titles } of FAULTS)
      for (const title of titles) {
        expect(faultOfWine(`${title} and so on`)).to.equal(why);
        expect(why.length).to.be.above(20);
      }
  });

  it("that are excused begin with the name of a suite that is there", async () => {
    const { FAULTS } = await faults();
    const folder = join(projectRoot, "test");
    const sources = readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".test.ts"))
      .map((name) => readFileSync(join(folder, name), "utf8"))
      .join("\n");
    const suites = [
      ...sources.matchAll(/describe\(\s*(["'`])(.*?)(?:\$\{|\1)/g),
    ]
      .map(([, , name = ""]) => name.trim())
      .filter((name) => name !== "");
    for (const title of FAULTS.flatMap(({ titles }) => titles))
      expect(
        suites.some((name) => title.startsWith(name)),
        title,
      ).to.equal(true);
  });
});
