import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { needsUnix } from "../../support/find-program.js";
import { isTaken, replaceFile } from "../../../src/terminal/init/target.js";
import { failureOf } from "../../support/failure.js";
import { makeFolder, removeFolder } from "../../support/folder.js";

describe("the file that init is to write", () => {
  let folder: string;
  let file: string;

  beforeEach(() => {
    folder = makeFolder();
    file = join(folder, "config.ini");
  });

  afterEach(() => {
    removeFolder(folder);
  });

  it("is written for its owner alone, and nothing else is left", async function () {
    needsUnix(this, "file modes");
    expect(await isTaken(file)).to.equal(false);
    expect(await replaceFile(file, "new")).to.equal(null);
    expect(readFileSync(file, "utf8")).to.equal("new");
    expect(statSync(file).mode & 0o777).to.equal(0o600);
    expect(readdirSync(folder)).to.deep.equal(["config.ini"]);
  });

  it("is kept beside the new one each time, for its owner alone", async function () {
    needsUnix(this, "file modes");
    writeFileSync(file, "first", { mode: 0o644 });
    expect(await isTaken(file)).to.equal(true);
    expect(await replaceFile(file, "second")).to.equal(`${file}.old`);
    expect(await replaceFile(file, "third")).to.equal(`${file}.old2`);
    expect(readFileSync(`${file}.old`, "utf8")).to.equal("first");
    expect(readFileSync(`${file}.old2`, "utf8")).to.equal("second");
    expect(readFileSync(file, "utf8")).to.equal("third");
    expect(statSync(`${file}.old`).mode & 0o777).to.equal(0o600);
  });

  it("may be a symbolic link, which stays one", async function () {
    needsUnix(this, "symbolic links");
    const meant = join(folder, "meant.ini");
    writeFileSync(meant, "old");
    symlinkSync(meant, file);
    await replaceFile(file, "new");
    expect(readFileSync(meant, "utf8")).to.equal("new");
    expect(readFileSync(`${meant}.old`, "utf8")).to.equal("old");
  });

  it("is refused before anything is asked where it could not be written", async () => {
    const none = await failureOf(isTaken(join(folder, "none", "config.ini")));
    expect(none.message).to.match(/there is no folder .*none; make it first/);
    mkdirSync(file);
    const isFolder = await failureOf(isTaken(file));
    expect(isFolder.message).to.match(/config.ini: is not a regular file/);
    writeFileSync(join(folder, "plain"), "");
    const below = await failureOf(isTaken(join(folder, "plain", "x.ini")));
    expect(below.message).to.match(/plain is not a folder/);
  });

  it("and its old text are as they were when the disk refuses", async () => {
    // A folder in its place makes the renaming fail, for root too.
    mkdirSync(join(folder, "full.ini"));
    const failed = await failureOf(replaceFile(join(folder, "full.ini"), "x"));
    expect(failed.message).to.match(/full.ini: nothing was written: /);
    expect(readdirSync(folder)).to.deep.equal(["full.ini"]);
    expect(existsSync(join(folder, "full.ini.old"))).to.equal(false);
  });
});
