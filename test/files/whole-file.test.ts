import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import fs from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import { expect } from "chai";
import { messageOf } from "../../src/errors.js";
import {
  createPrivateFile,
  untilLetGo,
  writePrivateFile,
  writePrivateFileNow,
  writeSameFile,
} from "../../src/files/whole-file.js";
import { needsUnix, skip } from "../support/find-program.js";
import { makeFolder, removeFolder } from "../support/folder.js";

const NEW = Buffer.from("new");
const NOBODY = 65534;

/** Every way to write a file. */
const WRITERS: [name: string, write: (path: string) => unknown][] = [
  ["written for its owner alone", (path) => writePrivateFile(path, NEW)],
  ["written as it was", (path) => writeSameFile(path, NEW)],
  ["written at once", (path) => writePrivateFileNow(path, "new")],
];

async function refusal(act: () => unknown): Promise<string> {
  try {
    await act();
  } catch (error) {
    return messageOf(error);
  }
  throw new Error("nothing was refused");
}

for (const [name, write] of WRITERS)
  describe(`A file that is ${name}`, () => {
    let folder: string;
    let path: string;
    beforeEach(() => {
      folder = makeFolder();
      path = join(folder, "file");
    });
    afterEach(() => {
      removeFolder(folder);
    });

    it("is replaced whole, and nothing else is left in the folder", async () => {
      writeFileSync(path, "old, and longer");
      await write(path);
      expect(readFileSync(path, "utf8")).to.equal("new");
      expect(readdirSync(folder)).to.deep.equal(["file"]);
    });

    it("is for its owner alone when it is new", async function () {
      needsUnix(this, "file modes");
      await write(path);
      expect(statSync(path).mode & 0o777).to.equal(0o600);
    });

    it("is written behind the links that lead to it, which stay", async function () {
      needsUnix(this, "symbolic links");
      mkdirSync(join(folder, "elsewhere"));
      writeFileSync(join(folder, "elsewhere", "real"), "old");
      symlinkSync(join("elsewhere", "real"), join(folder, "between"));
      symlinkSync("between", path);
      await write(path);
      expect(readlinkSync(path)).to.equal("between");
      const names = readdirSync(join(folder, "elsewhere"));
      expect(names).to.deep.equal(["real"]);
      expect(readFileSync(path, "utf8")).to.equal("new");
    });

    it("is made where a link leads that leads to nothing yet", async function () {
      needsUnix(this, "symbolic links");
      symlinkSync("later", path);
      await write(path);
      expect(readlinkSync(path)).to.equal("later");
      expect(readFileSync(join(folder, "later"), "utf8")).to.equal("new");
    });

    it("is not written where a named pipe, a folder or a device stands, or a link to one", async function () {
      needsUnix(this, "named pipes with a path");
      execFileSync("mkfifo", [join(folder, "pipe")]);
      symlinkSync("pipe", join(folder, "to-pipe"));
      symlinkSync("/dev/null", join(folder, "to-device"));
      const { mode } = statSync("/dev/null");
      for (const [at, what] of [
        ["pipe", "a named pipe"],
        ["to-pipe", "a named pipe"],
        [".", "a folder"],
        ["to-device", "a device"],
      ] as const)
        expect(await refusal(() => write(join(folder, at)))).to.equal(
          `it is ${what}, not a regular file`,
        );
      expect(lstatSync(join(folder, "pipe")).isFIFO()).to.equal(true);
      expect(statSync("/dev/null")).to.include({ mode });
      expect(readdirSync(folder)).to.have.length(3);
    });

    it("is not written behind a link that leads in a circle", async function () {
      needsUnix(this, "symbolic links");
      symlinkSync("file", path);
      expect(await refusal(() => write(path))).to.equal(
        "it is a link that leads in a circle",
      );
    });

    it("is not written behind another user's link", async function () {
      needsUnix(this, "users");
      if (process.getuid?.() !== 0) skip(this, "not run as root");
      writeFileSync(join(folder, "ours"), "old");
      symlinkSync("ours", path);
      lchownSync(path, NOBODY, NOBODY);
      expect(await refusal(() => write(path))).to.match(
        /^it is a link of another user \(uid 65534\)$/,
      );
      expect(readFileSync(join(folder, "ours"), "utf8")).to.equal("old");
    });

    it("leaves what has another name as it was", async function () {
      needsUnix(this, "links of files");
      writeFileSync(path, "old");
      linkSync(path, join(folder, "copy"));
      await write(path);
      expect(readFileSync(join(folder, "copy"), "utf8")).to.equal("old");
    });
  });

describe("A file that is written as it was", () => {
  let folder: string;
  let path: string;
  beforeEach(() => {
    folder = makeFolder();
    path = join(folder, "file");
    writeFileSync(path, "old");
  });
  afterEach(() => {
    removeFolder(folder);
  });

  it("keeps its mode, and says where it is", async function () {
    needsUnix(this, "file modes");
    chmodSync(path, 0o644);
    symlinkSync("file", join(folder, "link"));
    expect(await writeSameFile(join(folder, "link"), NEW)).to.equal(
      realpathSync(path),
    );
    expect(statSync(path).mode & 0o777).to.equal(0o644);
  });

  it("keeps its owner and group when root writes it", async function () {
    needsUnix(this, "users");
    if (process.getuid?.() !== 0) skip(this, "not run as root");
    chownSync(path, NOBODY, NOBODY);
    chmodSync(path, 0o640);
    await writeSameFile(path, NEW);
    expect(statSync(path)).to.include({ uid: NOBODY, gid: NOBODY });
    expect(statSync(path).mode & 0o777).to.equal(0o640);
  });
});

describe("A file that is made for its owner alone", () => {
  it("is not made where something else stands, which is as it was", async function () {
    needsUnix(this, "named pipes with a path");
    const folder = makeFolder();
    try {
      const path = join(folder, "pipe");
      execFileSync("mkfifo", [path]);
      expect(await createPrivateFile(path, NEW)).to.equal(false);
      expect(lstatSync(path).isFIFO()).to.equal(true);
      expect(existsSync(path)).to.equal(true);
    } finally {
      removeFolder(folder);
    }
  });
});

describe("A file that is not to be there yet, in a file system without links", () => {
  const { link } = fs;
  let folder: string;
  let path: string;
  beforeEach(() => {
    folder = makeFolder();
    path = join(folder, "file");
    fs.link = () => Promise.reject(new Error("EPERM"));
    syncBuiltinESMExports();
  });
  afterEach(() => {
    fs.link = link;
    syncBuiltinESMExports();
    removeFolder(folder);
  });

  it("is made", async () => {
    expect(await createPrivateFile(path, NEW)).to.equal(true);
    expect(readFileSync(path, "utf8")).to.equal("new");
    expect(readdirSync(folder)).to.deep.equal(["file"]);
  });

  it("is left as it is where it is there", async () => {
    writeFileSync(path, "old");
    expect(await createPrivateFile(path, NEW)).to.equal(false);
    expect(readFileSync(path, "utf8")).to.equal("old");
    expect(readdirSync(folder)).to.deep.equal(["file"]);
  });
});

/** Fails so often with that code. */
function held(
  times: number,
  code: string,
): { act: () => Promise<void>; tried: () => number } {
  let tries = 0;
  return {
    act: () =>
      ++tries > times
        ? Promise.resolve()
        : Promise.reject(Object.assign(new Error(code), { code })),
    tried: () => tries,
  };
}

describe("A file that is to be replaced while somebody has it open", () => {
  for (const code of ["EPERM", "EACCES", "EBUSY"])
    it(`is waited for on Windows, which says ${code}`, async () => {
      const { act, tried } = held(3, code);
      await untilLetGo(act, true);
      expect(tried()).to.equal(4);
    });

  it("is given up in the end, with what the system says", async () => {
    const { act, tried } = held(100, "EPERM");
    const error = await untilLetGo(act, true).then(
      () => null,
      (cause: unknown) => cause,
    );
    expect(error).to.include({ code: "EPERM" });
    expect(tried()).to.equal(9);
  });

  it("is not waited for where waiting does not help", async () => {
    for (const [code, isWindows] of [
      ["ENOSPC", true],
      ["EPERM", false],
    ] as const) {
      const { act, tried } = held(1, code);
      const error = await untilLetGo(act, isWindows).then(
        () => null,
        (cause: unknown) => cause,
      );
      expect(error).to.include({ code });
      expect(tried()).to.equal(1);
    }
  });
});
