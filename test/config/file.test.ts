import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { readConfigFile, readIniFile } from "../../src/config/file.js";
import { NOT_UTF8 } from "../../src/config/ini.js";
import { VnetError } from "../../src/errors.js";
import { needsUnix } from "../support/find-program.js";

describe("readConfigFile", () => {
  let folder = "";

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "vnet-config-"));
  });

  after(async () => {
    await rm(folder, { recursive: true });
  });

  async function withContent(bytes: Uint8Array | string): Promise<string> {
    const path = join(folder, "config.ini");
    await writeFile(path, bytes);
    return path;
  }

  async function refusal(path: string, read = readConfigFile): Promise<string> {
    try {
      await read(path);
    } catch (error) {
      if (error instanceof VnetError && error.code === "config")
        return error.message;
      throw error;
    }
    throw new Error("expected a VnetError, nothing was thrown");
  }

  it("gives the text, without a byte order mark", async () => {
    expect(await readConfigFile(await withContent("[s]\nk=远程"))).to.equal(
      "[s]\nk=远程",
    );
    expect(await readConfigFile(await withContent("\uFEFF[s]"))).to.equal(
      "[s]",
    );
    expect(await readConfigFile(await withContent(""))).to.equal("");
  });

  it("says what to do when there is no config.ini, and of one that was named that it is not there", async () => {
    const path = join(folder, "nowhere.ini");
    for (const read of [readConfigFile, readIniFile])
      expect(await refusal(path, read)).to.equal(`${path}: no such file`);
    const here = process.cwd();
    const empty = join(folder, "empty");
    await mkdir(empty);
    process.chdir(empty);
    const usual = await refusal("config.ini", readIniFile).finally(() => {
      process.chdir(here);
    });
    expect(usual).to.equal(
      `${join(empty, "config.ini")}: no such file; name one, write one with init, or do without by --route (vnet) or --port (route)`,
    );
    expect(await refusal(join(folder, "no", "way"))).to.match(/no such file/);
    expect(await refusal("a\0b")).to.match(/cannot be read/);
  });

  it("refuses a directory", async () => {
    const path = join(folder, "directory");
    await mkdir(path);
    expect(await refusal(path)).to.match(/directory: is a directory; name/);
  });

  it("refuses a file that this user may not read", async function () {
    needsUnix(this, "users with a number");
    const path = join(folder, "secret.ini");
    await writeFile(path, "", { mode: 0o000 });
    // Nothing is forbidden to root, who therefore becomes somebody else for a moment.
    const isRoot = process.geteuid?.() === 0;
    if (isRoot) process.seteuid?.(65534);
    try {
      expect(await refusal(path)).to.match(/may not be read by this user/);
    } finally {
      if (isRoot) process.seteuid?.(0);
    }
  });

  const ENCODINGS: readonly (readonly [name: string, bytes: Buffer, RegExp])[] =
    [
      [
        "UTF-16 with its mark",
        Buffer.from("\uFEFF[s]", "utf16le"),
        /is UTF-16 text; save it as UTF-8$/,
      ],
      [
        "UTF-16 without its mark",
        Buffer.from("[s]\n", "utf16le"),
        /is not text in UTF-8; save it as UTF-8$/,
      ],
      [
        // 名 (ming) in GBK
        "GBK",
        Buffer.concat([Buffer.from("[s]\nk=1\nn="), Buffer.from([0xc3, 0xfb])]),
        /is not text in UTF-8 \(line 3; GBK or CP949 perhaps\?\); save it as UTF-8$/,
      ],
      [
        "a program",
        Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0x02, 0x00, 0x00]),
        /is not text in UTF-8; save it as UTF-8$/,
      ],
    ];
  for (const [name, bytes, message] of ENCODINGS)
    it(`refuses ${name} and asks for UTF-8`, async () => {
      expect(await refusal(await withContent(bytes))).to.match(message);
    });

  it("marks what is not UTF-8 for the reader of INI, line by line", async () => {
    const gbk = Buffer.from([0xc3, 0xfb]);
    const bytes = Buffer.concat([
      ...[Buffer.from("\ufeff[s] ; \ufffd名\r\nk=1 ; "), gbk],
      ...[Buffer.from("\r\nn="), gbk, Buffer.from("\r\n; \0\r\n")],
    ]);
    const path = await withContent(bytes);
    expect(await readIniFile(path)).to.equal(
      `[s] ; \ufffd名\r\nk=1 ; ${NOT_UTF8}${NOT_UTF8}\r\nn=${NOT_UTF8}${NOT_UTF8}\r\n; \0\r\n`,
    );
    expect(await readIniFile(await withContent("\ufeff[s]\nk=远程"))).to.equal(
      "[s]\nk=远程",
    );
  });

  for (const [name, bytes, message] of ENCODINGS)
    if (name !== "GBK")
      it(`refuses ${name} in one line, where INI is wanted`, async () => {
        const path = await withContent(bytes);
        expect(await refusal(path, readIniFile)).to.match(message);
      });

  it("refuses more than 1 MiB", async () => {
    const path = await withContent(Buffer.alloc(1024 * 1024 + 1, 0x20));
    expect(await refusal(path)).to.match(/is larger than 1 MiB/);
  });

  it("refuses a device instead of reading it for ever", async function () {
    needsUnix(this, "/dev/zero");
    expect(await refusal("/dev/zero")).to.match(/is not a regular file/);
  });

  it("refuses a named pipe instead of waiting on it", async function () {
    needsUnix(this, "named pipes with a path");
    const path = join(folder, "pipe");
    execFileSync("mkfifo", [path]);
    expect(await refusal(path)).to.match(/is not a regular file/);
  });
});
