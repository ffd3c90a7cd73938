import { createHash } from "node:crypto";
import {
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect } from "chai";
import { needsUnix } from "./support/find-program.js";
import { VnetError } from "../src/errors.js";
import { holderOf, RunLock } from "../src/run-lock.js";
import { makeFolder, removeFolder } from "./support/folder.js";
import { Program } from "./support/program.js";
import { projectRoot } from "./support/project.js";

const MODULE = JSON.stringify(
  pathToFileURL(join(projectRoot, "dist/src/run-lock.js")).href,
);

describe("the lock of a running configuration", () => {
  let folder: string;
  let path: string;
  const programs: Program[] = [];

  beforeEach(() => {
    folder = makeFolder();
    path = join(folder, "vnet.lock");
  });

  afterEach(async () => {
    for (const program of programs.splice(0)) await program.close("SIGKILL");
    removeFolder(folder);
  });

  /** A process that takes it, says how that went, and stays. */
  function taker(): Program {
    const script = `
      const { RunLock } = await import(${MODULE});
      const lock = RunLock.take(${JSON.stringify(path)});
      console.log(lock instanceof RunLock ? "has it" : "held by " + lock.heldBy);
      process.stdin.resume();`;
    const words = ["--input-type=module", "-e", script];
    const program = new Program(process.execPath, words);
    programs.push(program);
    return program;
  }

  function taken(): RunLock {
    const lock = RunLock.take(path);
    if (lock instanceof RunLock) return lock;
    throw new Error(`held by ${lock.heldBy}`);
  }

  it("leaves alone what has its name and is no lock, and says so at once", function () {
    needsUnix(this, "locks that are links");
    writeFileSync(path, "something of the person");
    expect(() => RunLock.take(path)).to.throw(
      VnetError,
      `${path} is in the way`,
    );
    expect(readFileSync(path, "utf8")).to.equal("something of the person");
    expect(readdirSync(folder)).to.deep.equal(["vnet.lock"]);
  });

  it("is refused to another process, with the holder's pid, until it is released", async () => {
    const lock = taken();
    expect(holderOf(path)).to.equal(process.pid);
    await taker().waitForOutput(`held by ${process.pid}`);
    lock.release();
    lock.release();
    expect(readdirSync(folder)).to.deep.equal([]);
    const next = taker();
    await next.waitForOutput("has it");
    expect(RunLock.take(path)).to.deep.equal({ heldBy: next.pid });
  });

  it("of a process that was killed is free", async () => {
    const first = taker();
    await first.waitForOutput("has it");
    await first.close("SIGKILL");
    expect(holderOf(path)).to.equal(null);
    taken().release();
    expect(readdirSync(folder)).to.deep.equal([]);
  });

  it("goes to one of many who find it dead", async () => {
    const first = taker();
    await first.waitForOutput("has it");
    await first.close("SIGKILL");
    const many = Array.from({ length: 8 }, taker);
    for (const each of many) await each.waitForOutput(/has it|held by/);
    const winners = many.filter(({ output }) => output.includes("has it"));
    expect(winners).to.have.length(1);
    const winner = `held by ${winners[0]?.pid}`;
    for (const each of many)
      if (each !== winners[0]) expect(each.output).to.include(winner);
    expect(readdirSync(folder)).to.deep.equal(["vnet.lock"]);
  });

  it("is free where its pid is another process by now, or belongs to another boot", function () {
    needsUnix(this, "symbolic links");
    taken().release();
    taken();
    const [pid, start, where] = readlinkSync(path).split(" ");
    for (const text of [
      `${pid} 1 ${where}`,
      `${pid} ${start} another-boot`,
      "what is this",
    ]) {
      rmSync(path);
      symlinkSync(text, path);
      expect(holderOf(path), text).to.equal(null);
      expect(RunLock.take(path), text).to.be.instanceOf(RunLock);
    }
  });

  it("takes the place of one whose taker was killed in the middle", () => {
    symlinkSync("1 1 gone", path);
    const digest = createHash("sha256").update("1 1 gone").digest("hex");
    symlinkSync("2 1 gone", `${path}.${digest.slice(0, 8)}`);
    const lock = taken();
    expect(readdirSync(folder)).to.deep.equal(["vnet.lock"]);
    lock.release();
  });

  it("leaves a newer holder's alone when an old one releases", function () {
    needsUnix(this, "symbolic links");
    const old = taken();
    rmSync(path);
    symlinkSync("1 1 elsewhere", path);
    old.release();
    expect(readlinkSync(path)).to.equal("1 1 elsewhere");
  });

  it("is none where nothing can be written, and the program runs all the same", () => {
    const lock = RunLock.take(join(folder, "nowhere", "vnet.lock"));
    expect(lock).to.be.instanceOf(RunLock);
    (lock as RunLock).release();
    expect(readdirSync(folder)).to.deep.equal([]);
  });

  it("takes no room of its own and shows the pid to `ls -l`", function () {
    needsUnix(this, "symbolic links");
    taken();
    expect(readlinkSync(path)).to.match(new RegExp(`^${process.pid} \\d+ `));
    expect(() => readFileSync(path)).to.throw("ENOENT");
  });
});
