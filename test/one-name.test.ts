import { expect } from "chai";
import { existsSync, linkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { oneName } from "../src/one-name.js";
import { foreignFolderNews } from "../src/program.js";
import { stateFolder } from "../src/state-folder.js";
import { makeFolder, removeFolder } from "./support/folder.js";

describe("One file under two spellings", () => {
  let folder: string;

  beforeEach(() => {
    folder = makeFolder();
    writeFileSync(join(folder, "b3.ini"), "");
    // Where the file system tells capitals from small letters, a second name of the same file stands for one that does not.
    if (!existsSync(join(folder, "B3.INI")))
      linkSync(join(folder, "b3.ini"), join(folder, "B3.INI"));
  });

  afterEach(() => {
    removeFolder(folder);
  });

  it("has one name", () => {
    const [small, capital] = ["b3.ini", "B3.INI"].map((name) =>
      oneName(join(folder, name)),
    );
    expect(capital).to.equal(small);
    expect(small).to.match(/b3\.ini$/);
  });

  it("is one configuration, with one folder of keys", () => {
    const [small, capital] = ["b3.ini", "B3.INI"].map((name) =>
      stateFolder({ file: join(folder, name), name: "vnet", state: null }, ""),
    );
    expect(capital).to.equal(small);
  });

  it("is two files where they are two, or where one is not there", () => {
    writeFileSync(join(folder, "lone.ini"), "");
    expect(oneName(join(folder, "Missing.ini"))).to.match(/Missing\.ini$/);
    if (!existsSync(join(folder, "LONE.INI"))) {
      writeFileSync(join(folder, "LONE.INI"), "");
      expect(oneName(join(folder, "LONE.INI"))).to.match(/LONE\.INI$/);
      expect(oneName(join(folder, "lone.ini"))).to.match(/lone\.ini$/);
    }
  });
});

describe("Keys on Windows", () => {
  const user = { username: "wang", homedir: "C:\\Users\\wang" };

  for (const folder of ["D:\\keys", "C:\\Users\\li\\keys", "C:\\Users"])
    it(`in ${folder} are said to rest on its rights, with the command that makes it the user's alone`, () => {
      expect(foreignFolderNews(folder, user)).to.deep.equal([
        `${folder} is none of this user's own folders, and Windows may let others read the keys in it; make it yours alone: icacls "${folder}" /inheritance:r /grant:r "wang:(OI)(CI)F"`,
      ]);
    });

  for (const folder of [
    "C:\\Users\\wang\\AppData\\Local\\vnet\\x",
    "c:\\users\\Wang\\k",
  ])
    it(`in ${folder} need no word`, () => {
      expect(foreignFolderNews(folder, user)).to.deep.equal([]);
    });
});
