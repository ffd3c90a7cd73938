// The files that start the programs from anywhere: scripts/*.sh, and for cmd.exe scripts/*.cmd and *.cmd beside the programs.
// On a small project of their own, with stubs that tell how they were called.

import { spawnSync } from "node:child_process";
import {
  closeSync,
  cpSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { skip } from "../support/find-program.js";
import { makeFolder, removeFolder } from "../support/folder.js";
import { run } from "../support/launch.js";
import { projectRoot } from "../support/project.js";

const PROGRAMS = ["vnet", "route"] as const;
const STUB = `console.log(JSON.stringify({ args: process.argv.slice(2), cwd: process.cwd() }));
process.exitCode = 3;
`;

describe("the files that start the programs from anywhere", function () {
  this.timeout(120_000);
  let project: string;
  let here: string;

  beforeEach(() => {
    // As Windows has them.
    project = join(realpathSync(makeFolder()), "Program Files (x86)");
    here = realpathSync(makeFolder());
    mkdirSync(join(project, "scripts"), { recursive: true });
    for (const each of [projectRoot, join(projectRoot, "scripts")])
      for (const name of readdirSync(each))
        if (/\.(?:sh|cmd)$/.test(name))
          cpSync(
            join(each, name),
            join(project, each.slice(projectRoot.length), name),
          );
    for (const program of PROGRAMS)
      writeFileSync(join(project, program), `#!/usr/bin/env node\n${STUB}`, {
        mode: 0o755,
      });
  });
  afterEach(() => {
    removeFolder(join(project, ".."));
    removeFolder(here);
  });

  /** In the folder `here`. Their output goes through a file: not everywhere a pipe works as one. */
  function start(command: string, args: string[], verbatim = false) {
    const file = join(here, "output");
    const output = openSync(file, "w");
    const { status } = spawnSync(command, args, {
      ...{ cwd: here, stdio: ["ignore", output, output], timeout: 60_000 },
      windowsVerbatimArguments: verbatim,
    });
    closeSync(output);
    const text = readFileSync(file, "utf8");
    try {
      const told = JSON.parse(text) as { args: string[]; cwd: string };
      return { status, ...told };
    } catch {
      throw new Error(`${command} ${args.join(" ")} said ${text}`);
    }
  }

  for (const program of PROGRAMS) {
    const script = () => join(project, "scripts", `${program}.sh`);

    it(`scripts/${program}.sh takes the files of the caller's folder`, function () {
      if (process.platform === "win32") skip(this, "needs sh");
      expect(start(script(), ["my.ini", "two words", ""])).to.deep.equal({
        ...{ status: 3, cwd: here, args: ["my.ini", "two words", ""] },
      });
    });

    it(`scripts/${program}.sh runs in the project's folder with its config.ini when nothing is given`, function () {
      if (process.platform === "win32") skip(this, "needs sh");
      const expected = {
        ...{ status: 3, cwd: project, args: [join(project, "config.ini")] },
      };
      expect(start(script(), [])).to.deep.equal(expected);
      symlinkSync(script(), join(here, "link"));
      expect(start(join(here, "link"), [])).to.deep.equal(expected);
      // Beside the folder of a link there may be anything of the program's name.
      for (const folder of ["bin", program]) mkdirSync(join(here, folder));
      symlinkSync(script(), join(here, "bin", "link"));
      expect(start(join(here, "bin", "link"), [])).to.deep.equal(expected);
    });

    it(`${program}.cmd and scripts/${program}.cmd do the same for cmd.exe, and leave its folder and variables alone`, function () {
      if (process.platform !== "win32") skip(this, "needs cmd.exe");
      for (const [file, words, cwd, args] of [
        [`scripts\\${program}.cmd`, "", project, [join(project, "config.ini")]],
        [
          `scripts\\${program}.cmd`,
          'my.ini "a b" c)d',
          here,
          ["my.ini", "a b", "c)d"],
        ],
        [`${program}.cmd`, 'my.ini "a b" c)d', here, ["my.ini", "a b", "c)d"]],
        [`${program}.cmd`, "", here, []],
      ] as const) {
        writeFileSync(
          join(here, "caller.cmd"),
          `@echo off\r\nset root=mine\r\ncall "${join(project, file)}" ${words}\r\nif not "%cd%"=="${here}" echo it is in %cd%\r\nif not %root%==mine echo %root%\r\nexit /b %errorlevel%\r\n`,
        );
        const told = start("cmd.exe", ["/d", "/c", "caller.cmd"], true);
        expect(told, `${file} ${words}`).to.deep.include({ cwd, args });
        // What `call` makes of it is not the same everywhere.
        expect(told.status).not.to.equal(0);
      }
    });

    it(`${program}.cmd and scripts/${program}.cmd have the line ends of Windows, and the second one its own variables`, () => {
      for (const folder of ["", "scripts"]) {
        const text = readFileSync(
          join(projectRoot, folder, `${program}.cmd`),
          "utf8",
        );
        expect(text.split("\r\n").join("")).not.to.match(/[\r\n]/);
        if (folder !== "") expect(text).to.match(/^setlocal\r$/m);
        else expect(text).not.to.match(/^(?:set|cd)\b/m);
      }
    });
  }

  for (const program of PROGRAMS)
    it(`are told the whole path of a file that is not there: ${program}`, async () => {
      const { status, stderr } = await run(program, ["none.ini"]);
      expect(status).to.equal(2);
      expect(stderr).to.match(/^(?:\/|[A-Z]:\\).*none\.ini: no such file$/m);
    });
});
