import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { expect } from "chai";
import { needsUnix, skip } from "../support/find-program.js";
import {
  readKeyFile,
  readOrMakeKeyFile,
  writeKeyFile,
} from "../../src/keys/key-file.js";
import { within } from "../support/deadline.js";
import { failureOf } from "../support/failure.js";
import { makeFolder, removeFolder } from "../support/folder.js";

const KEY = Buffer.from("very private bytes");

describe("a key file", () => {
  let folder: string;
  let path: string;

  beforeEach(() => {
    folder = makeFolder();
    path = join(folder, "state", "deeper", "a.key");
  });

  afterEach(() => {
    removeFolder(folder);
  });

  it("is made at first use, with its folders, and read afterwards", async () => {
    expect(await readOrMakeKeyFile(path, () => KEY)).to.deep.equal({
      bytes: KEY,
      isNew: true,
    });
    const never = () => {
      throw new Error("made twice");
    };
    expect(await readOrMakeKeyFile(path, never)).to.deep.equal({
      bytes: KEY,
      isNew: false,
    });
  });

  it("is one and the same for all who make it at once", async () => {
    const made = await Promise.all(
      Array.from({ length: 8 }, (_, n) =>
        readOrMakeKeyFile(path, () => Buffer.from(`key ${n}`)),
      ),
    );
    const kept = readFileSync(path, "utf8");
    expect(made.map(({ bytes }) => String(bytes))).to.deep.equal(
      made.map(() => kept),
    );
    expect(made.filter(({ isNew }) => isNew)).to.have.lengthOf(1);
    expect(readdirSync(join(path, ".."))).to.deep.equal(["a.key"]);
  });

  it("is made behind a link that leads nowhere, in its place", async () => {
    mkdirSync(join(path, ".."), { recursive: true });
    symlinkSync(join(folder, "nowhere"), path);
    await readOrMakeKeyFile(path, () => KEY);
    expect(readFileSync(path)).to.deep.equal(KEY);
  });

  it("is its owner's alone, and so is its folder", async function () {
    needsUnix(this, "file modes");
    await writeKeyFile(path, KEY);
    expect(statSync(path).mode & 0o777).to.equal(0o600);
    expect(statSync(join(path, "..")).mode & 0o777).to.equal(0o700);
  });

  it("is replaced whole, and nothing else is left in the folder", async () => {
    await writeKeyFile(path, Buffer.alloc(1_000));
    await writeKeyFile(path, KEY);
    expect(readFileSync(path)).to.deep.equal(KEY);
    expect(readdirSync(join(path, ".."))).to.deep.equal(["a.key"]);
  });

  it("that is not there is null", async () => {
    expect(await readKeyFile(path)).to.equal(null);
  });

  for (const mode of [0o644, 0o640, 0o604, 0o620, 0o601])
    it(`with mode 0${mode.toString(8)} is refused with the command that mends it`, async function () {
      needsUnix(this, "file modes");
      await writeKeyFile(path, KEY);
      chmodSync(path, mode);
      const error = await failureOf(readKeyFile(path));
      expect(error.code).to.equal("config");
      expect(error.message).to.include(`chmod 600 ${path}`);
      expect(error.message).not.to.include(KEY.toString());
      chmodSync(path, 0o600);
      expect(await readKeyFile(path)).to.deep.equal(KEY);
    });

  it("that others can read is not replaced by a new one either", async function () {
    needsUnix(this, "file modes");
    await writeKeyFile(path, KEY);
    chmodSync(path, 0o644);
    await failureOf(readOrMakeKeyFile(path, () => Buffer.from("new")));
    expect(readFileSync(path)).to.deep.equal(KEY);
  });

  it("that cannot be read is named in one line", async () => {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    const error = await failureOf(readKeyFile(path));
    expect(error.code).to.equal("config");
    expect(error.message).to.include(`${path}: cannot read this key file`);
    expect(error.message).not.to.include("\n");
  });

  it("that is a named pipe is refused, and not waited for", async function () {
    needsUnix(this, "named pipes with a path");
    mkdirSync(dirname(path), { recursive: true });
    execFileSync("mkfifo", ["-m", "600", path]);
    const error = await failureOf(within("an answer", readKeyFile(path)));
    expect(error.message).to.include("it is a named pipe, not a regular file");
  });

  it("that cannot be written is named in one line", async () => {
    writeFileSync(join(folder, "state"), "a file in the place of a folder");
    const error = await failureOf(writeKeyFile(path, KEY));
    expect(error.code).to.equal("config");
    expect(error.message).to.include(path);
    expect(error.message).not.to.include("\n");
  });

  it("in a folder that no folder can be made in is given up at once", async function () {
    if (!existsSync("/proc/self")) skip(this, "no /proc");
    const error = await failureOf(
      within("an answer", writeKeyFile("/proc/vnet-test/deeper/a.key", KEY)),
    );
    expect(error.message).to.include("/proc/vnet-test/deeper/a.key: cannot");
    expect(error.message).to.include("none can be made there");
  });

  it("that could not be put in its place leaves no copy behind", async () => {
    mkdirSync(join(path, "occupied"), { recursive: true });
    await failureOf(writeKeyFile(path, KEY));
    expect(readdirSync(join(path, ".."))).to.deep.equal(["a.key"]);
  });

  it("behind a link is judged by the file that it leads to", async function () {
    needsUnix(this, "symbolic links");
    await writeKeyFile(path, KEY);
    const link = join(folder, "link");
    symlinkSync(path, link);
    expect(await readKeyFile(link)).to.deep.equal(KEY);
    chmodSync(path, 0o644);
    await failureOf(readKeyFile(link));
    expect(existsSync(link)).to.equal(true);
  });
});
