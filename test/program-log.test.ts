import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect } from "chai";
import { openLog } from "../src/program-log.js";
import { skip } from "./support/find-program.js";
import { makeFolder, removeFolder } from "./support/folder.js";

const SETTINGS = { level: "info", format: "text", file: "" } as const;

describe("the log on standard error", () => {
  const { stderr } = process;
  const write = stderr.write.bind(stderr);
  let lines: string[];
  let waiting: number;

  beforeEach(() => {
    lines = [];
    waiting = 0;
    Object.defineProperty(stderr, "writableLength", {
      configurable: true,
      get: () => waiting,
    });
    stderr.write = (line: string | Uint8Array) => lines.push(String(line)) > 0;
  });

  afterEach(() => {
    stderr.write = write;
    Reflect.deleteProperty(stderr, "writableLength");
  });

  it("loses lines, and not memory, while nobody reads it, and says afterwards how many", async () => {
    const log = await openLog(SETTINGS, "the file");
    log.info("first");
    waiting = 2 * 1024 * 1024;
    log.info("second");
    log.info("third");
    waiting = 0;
    log.info("fourth");
    log.info("fifth");
    expect(lines.map((line) => line.slice(25).trim())).to.deep.equal([
      "info  first",
      "warn  2 lines of this log lost, as nobody read them",
      "info  fourth",
      "info  fifth",
    ]);
  });
});

describe("the log in a file", () => {
  it("is refused, and does not wait, where that is a named pipe that nobody reads", async function () {
    if (process.platform === "win32")
      skip(this, "needs named pipes in folders");
    const folder = makeFolder();
    const file = join(folder, "log");
    execFileSync("mkfifo", [file]);
    try {
      await openLog({ ...SETTINGS, file }, "the file");
      expect.fail("it was opened");
    } catch (error) {
      expect(String(error)).to.include(
        `cannot write ${file}: it is a pipe that nobody reads`,
      );
    } finally {
      removeFolder(folder);
    }
  });
});
