// The launchers and what builds them, on a small project of their own with
// stub programs, so that the real dist/ is left alone.

import { expect } from "chai";
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { makeFolder, removeFolder } from "../support/folder.js";
import { Program } from "../support/program.js";
import { projectRoot } from "../support/project.js";

const STUB = `
declare const process: {
  argv: string[];
  exitCode: number;
  exit(status: number): never;
  cwd(): string;
  stdin: { on(event: "data", listener: (data: object) => void): void };
  on(signal: string, listener: () => void): void;
};
console.log(JSON.stringify({ args: process.argv.slice(2), cwd: process.cwd() }));
if (process.argv[2] !== "wait") process.exitCode = Number(process.argv[2]);
else {
  process.on("SIGTERM", () => process.exit(7));
  process.stdin.on("data", (data) => console.log("read " + String(data)));
}
`;

/** A clone with stub programs and the real tools; packages are shared. */
function makeClone(): string {
  const clone = makeFolder("vnet-clone-");
  for (const file of ["package.json", "package-lock.json", "tsconfig.json"])
    copyFileSync(join(projectRoot, file), join(clone, file));
  for (const path of ["scripts", "vnet", "route"])
    cpSync(join(projectRoot, path), join(clone, path), { recursive: true });
  symlinkSync(join(projectRoot, "node_modules"), join(clone, "node_modules"));
  mkdirSync(join(clone, "src"));
  for (const program of ["vnet", "route"])
    writeFileSync(join(clone, "src", `${program}.ts`), `${STUB}export {};\n`);
  return clone;
}

describe("the launchers", () => {
  let clone: string;
  before(() => {
    clone = makeClone();
  });
  after(() => removeFolder(clone));

  const start = (...args: string[]) => new Program(join(clone, "vnet"), args);
  async function run(...args: string[]) {
    const program = start(...args);
    program.endInput();
    const { status } = await program.exited;
    const { stdout, stderr } = program;
    return { status, stdout, stderr };
  }

  it("build once when several are started together, then run", async () => {
    const programs = ["route", "vnet", "vnet"].map(
      (name) => new Program(join(clone, name), ["0"]),
    );
    for (const program of programs) {
      expect(await program.exited, program.output).to.have.property(
        "status",
        0,
      );
      expect(program.stdout).to.contain('"args":["0"]');
    }
    const said = programs.map((program) => program.stderr).join("");
    expect(said.match(/building…/g)).to.have.length(1);
    expect(readdirSync(join(clone, "dist")).sort()).to.deep.equal([
      ...["src", "src.stamp"],
    ]);
    expect(existsSync(join(clone, ".build.lock"))).to.be.false;
  });

  it("are built by `npm run build` in a clone where only the packages are installed", async () => {
    rmSync(join(clone, "dist"), { recursive: true });
    const manifest = readFileSync(join(clone, "package.json"), "utf8");
    const { scripts } = JSON.parse(manifest) as {
      scripts: { build: string };
    };
    const [, ...words] = scripts.build.split(" ");
    const program = new Program(process.execPath, words, { cwd: clone });
    const { status } = await program.exited;
    expect(status, program.output).to.equal(0);
    expect(program.output).to.equal("vnet: building…\n");
    expect(existsSync(join(clone, "dist", "src.stamp"))).to.be.true;
  });

  it("say nothing of themselves when everything is built", async () => {
    const { stderr } = await run("0");
    expect(stderr).to.equal("");
  });

  it("pass arguments as they are and the exit status back", async () => {
    const { status, stdout } = await run("3", "two words", "");
    expect(status).to.equal(3);
    expect(stdout).to.contain('["3","two words",""]');
  });

  it("work through a symlink and from another folder", async () => {
    const folder = makeFolder();
    symlinkSync(join(clone, "vnet"), join(folder, "link"));
    const program = new Program("./link", ["4"], { cwd: folder });
    expect(await program.exited, program.output).to.have.property("status", 4);
    expect(program.stdout).to.contain(`"cwd":"${folder}"`);
    removeFolder(folder);
  });

  it("work as `node vnet`, where there is no sh", async () => {
    const program = new Program(process.execPath, ["vnet", "5"], {
      cwd: clone,
    });
    expect(await program.exited, program.output).to.have.property("status", 5);
  });

  it("leave signals and stdin to the program, in the same process", async () => {
    const program = start("wait");
    program.send("a line");
    await program.waitForOutput("read a line");
    process.kill(program.pid, "SIGTERM");
    expect(await program.exited).to.deep.equal({ status: 7, signal: null });
  });

  it("install the packages without running any script of theirs", async () => {
    const fresh = makeFolder();
    for (const path of ["package.json", "package-lock.json", "scripts", "vnet"])
      cpSync(join(clone, path), join(fresh, path), { recursive: true });
    mkdirSync(join(fresh, "src"));
    const npm = `#!/bin/sh\necho "npm $*" >&2\nexit 1\n`;
    mkdirSync(join(fresh, "bin"));
    writeFileSync(join(fresh, "bin", "npm"), npm, { mode: 0o755 });
    const program = new Program(join(fresh, "vnet"), [], {
      env: { PATH: `${join(fresh, "bin")}:${process.env.PATH}` },
    });
    expect(await program.exited).to.have.property("status", 1);
    expect(program.output).to.match(/^npm ci .*--ignore-scripts/m);
    removeFolder(fresh);
  });

  it("take over the lock of a builder that was killed", async () => {
    rmSync(join(clone, "dist"), { recursive: true });
    const gone = new Program(process.execPath, ["-e", ""]);
    await gone.exited;
    const lock = join(clone, ".build.lock");
    for (const dead of [gone.pid, process.pid]) {
      // The second one lives, but was started at another time.
      writeFileSync(lock, `${dead} 1 ${hostname()}\n`);
      rmSync(join(clone, "dist"), { recursive: true, force: true });
      const { status, stderr } = await run("0");
      expect(stderr).to.equal("vnet: building…\n");
      expect(status).to.equal(0);
    }
    expect(existsSync(lock)).to.be.false;
  });

  it("keep no output of a source that was deleted", async () => {
    const extra = join(clone, "src", "extra.ts");
    writeFileSync(extra, "export const extra = 1;\n");
    await run("0");
    expect(existsSync(join(clone, "dist", "src", "extra.js"))).to.be.true;
    rmSync(extra);
    await run("0");
    expect(existsSync(join(clone, "dist", "src", "extra.js"))).to.be.false;
  });

  it("run nothing when the source does not compile, and keep the old output", async () => {
    const bad = join(clone, "src", "bad.ts");
    writeFileSync(bad, 'export const bad: number = "text";\n');
    const { status, stdout, stderr } = await run("0");
    rmSync(bad);
    expect(status).to.equal(1);
    expect(stdout).to.equal("");
    expect(stderr)
      .to.contain("bad.ts")
      .and.to.match(/vnet: src does not compile.*\n$/);
    expect(existsSync(join(clone, "dist", "src", "vnet.js"))).to.be.true;
  });

  it("just run where only dist was installed", async () => {
    await run("0");
    const installed = makeFolder();
    for (const path of ["package.json", "scripts", "dist", "vnet"])
      cpSync(join(clone, path), join(installed, path), { recursive: true });
    const program = new Program(join(installed, "vnet"), ["6"]);
    expect(await program.exited, program.output).to.have.property("status", 6);
    expect(program.stderr).to.equal("");
    removeFolder(installed);
  });

  it("refuse a Node that is too old in one line, with status 2", async () => {
    const check = join(projectRoot, "scripts", "require-node.cjs");
    const pretend = `
      Object.defineProperty(process, "versions", { value: { node: VERSION } });
      require(${JSON.stringify(check)});`;
    const statusOf = async (version: string) => {
      const script = pretend.replace("VERSION", JSON.stringify(version));
      const program = new Program(process.execPath, ["-e", script]);
      const { status } = await program.exited;
      if (status !== 0) expect(program.lines).to.have.length(1);
      return status;
    };
    expect(await statusOf("12.22.9")).to.equal(2);
    expect(await statusOf("20.18.3")).to.equal(2);
    expect(await statusOf("20.19.0")).to.equal(0);
    expect(await statusOf("22.0.0")).to.equal(0);
  });

  it("say so when there is no Node at all", async () => {
    const folder = makeFolder();
    for (const name of ["sh", "dirname", "readlink"])
      symlinkSync(findInPath(name), join(folder, name));
    const program = new Program(join(clone, "vnet"), [], {
      env: { PATH: folder },
    });
    expect(await program.exited).to.have.property("status", 2);
    expect(program.lines).to.have.length(1);
    expect(program.lines[0]).to.contain("Node.js 20.19 or newer is needed");
    removeFolder(folder);
  });
});

describe("the files that start the programs at boot", () => {
  for (const program of ["vnet", "route"])
    it(`do not restart ${program} after a configuration error`, () => {
      const file = join(projectRoot, "scripts", `${program}.service`);
      const text = readFileSync(file, "utf8");
      expect(text).to.match(/^RestartPreventExitStatus=2$/m);
      expect(text).to.match(/^Restart=always$/m);
      expect(text).to.contain(`/${program} config.ini\n`);
    });
});

function findInPath(name: string): string {
  return ["/bin", "/usr/bin"]
    .map((folder) => join(folder, name))
    .find(existsSync)!;
}
