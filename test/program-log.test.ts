import { execFileSync } from "node:child_process";
import { constants, openSync } from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";
import { expect } from "chai";
import { openLog } from "../src/program-log.js";
import { needsUnix, skip } from "./support/find-program.js";
import { eventually } from "./support/deadline.js";
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

  it("loses lines, and not time, where that is a named pipe whose reader stands still, and says afterwards how many", async function () {
    needsUnix(this, "named pipes in folders");
    const folder = makeFolder();
    const file = join(folder, "log");
    execFileSync("mkfifo", [file]);
    const { O_RDONLY, O_NONBLOCK } = constants;
    const reader = new Socket({ fd: openSync(file, O_RDONLY | O_NONBLOCK) });
    try {
      const log = await openLog({ ...SETTINGS, file }, "the file");
      const line = "x".repeat(1_000);
      for (let i = 0; i < 3_000; i++) log.info(line);
      let text = "";
      reader.on("data", (chunk: Buffer) => {
        text += chunk.toString();
      });
      // As much as may wait, and what the pipe takes at once.
      await eventually("what was held", () => text.length > 1024 * 1024);
      await eventually("the word", () => {
        log.info("the next");
        return /warn {2}\d+ lines of this log lost.*\n.*the next\n/.test(text);
      });
      expect(text.length).to.be.below(2 * 1024 * 1024);
    } finally {
      reader.destroy();
      removeFolder(folder);
    }
  });
});
