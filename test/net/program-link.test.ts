import { expect } from "chai";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { promisify } from "node:util";
import { dial } from "../../src/net/dial.js";
import { killPrograms } from "../../src/net/program.js";
import { reset } from "../../src/net/reset.js";
import { eventually, within } from "../support/deadline.js";
import {
  Observed,
  startEcho,
  TestServer,
  withServer,
} from "../support/echo.js";
import { failureOf } from "../support/failure.js";
import { needs, skip } from "../support/find-program.js";
import { makeFolder, removeFolder } from "../support/folder.js";
import { projectRoot } from "../support/project.js";
import { startSshd } from "../support/programs.js";

const MB = 1024 * 1024;

describe("a program as a connection", () => {
  let folder: string;
  const open: Duplex[] = [];
  const told: string[] = [];

  before(function () {
    if (process.platform === "win32")
      skip(this, "needs exec: links, which Windows has not");
  });

  beforeEach(() => {
    folder = makeFolder();
    told.length = 0;
  });

  afterEach(() => {
    for (const duplex of open.splice(0)) duplex.destroy();
    removeFolder(folder);
  });

  async function start(command: string): Promise<Duplex> {
    const duplex = await dial({
      host: `exec:${command}`,
      port: 0,
      timeoutMs: 8_000,
      onLine: (text) => told.push(text),
    });
    open.push(duplex);
    return duplex;
  }

  /** A script of sh, in a file of its own, so that no quote needs another one around it. */
  function script(text: string): Promise<Duplex> {
    const file = join(folder, "script");
    writeFileSync(file, text);
    return start(`sh ${file}`);
  }

  const errorOf = async (duplex: Duplex) =>
    ((await within("an error", once(duplex, "error"))) as [Error])[0];

  /** Resolves with its process id, which the script writes first. */
  const pidOf = (observed: Observed<Duplex>) =>
    eventually("a process id", () => {
      const [line, rest] = observed.text.split("\n");
      return rest === undefined ? null : Number(line);
    });

  const untilGone = (pid: number) =>
    eventually(`process ${pid} is gone`, () => {
      try {
        process.kill(pid, 0);
        return false;
      } catch {
        return true;
      }
    });

  it("carries bytes both ways and ends in good order", async () => {
    const duplex = await start("cat");
    const seen = new Observed(duplex);
    duplex.end("hello");
    expect(await within("the end", seen.ended)).to.equal("fin");
    await within("closed", seen.closed);
    expect(seen.text).to.equal("hello");
  });

  it("gives a program its words as they are, without a shell", async () => {
    const file = join(folder, "a script");
    writeFileSync(file, '#!/bin/sh\nfor w in "$@"; do echo "<$w>"; done\n');
    chmodSync(file, 0o755);
    const seen = new Observed(await start(`"${file}" $HOME; 'a  b' "" *|x`));
    await within("the end", seen.ended);
    expect(seen.text).to.equal("<$HOME;>\n<a  b>\n<>\n<*|x>\n");
  });

  it("brings 64 MB through unchanged, both ways", async () => {
    const duplex = await start("cat");
    const piece = Buffer.alloc(MB, "0123456789abcdef\n");
    const [sent, received] = [createHash("sha256"), createHash("sha256")];
    let bytes = 0;
    duplex.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      received.update(chunk);
    });
    const ended = once(duplex, "end");
    for (let n = 0; n < 64; n++) {
      const chunk = Buffer.from(piece);
      chunk.writeUInt32LE(n);
      sent.update(chunk);
      if (!duplex.write(chunk)) await within("drain", once(duplex, "drain"));
    }
    duplex.end();
    await within("the end", ended, 60_000);
    expect(bytes).to.equal(64 * MB);
    expect(received.digest("hex")).to.equal(sent.digest("hex"));
  });

  it("stops a program whose output nobody reads, and loses nothing of it", async () => {
    const mark = join(folder, "done");
    const duplex = await script(
      `head -c ${8 * MB} /dev/zero; echo done >${mark}`,
    );
    await within("something", once(duplex, "readable"));
    // A second program there and back: time enough for eight megabytes, if anything took them.
    const other = new Observed(await start(`dd if=/dev/zero bs=1M count=64`));
    await within("the other", other.ended, 60_000);
    expect(existsSync(mark)).to.equal(false);
    expect(duplex.readableLength).to.be.below(MB);
    let bytes = 0;
    duplex.on("data", (chunk: Buffer) => (bytes += chunk.length));
    await within("the end", once(duplex, "end"));
    expect(bytes).to.equal(8 * MB);
    expect(existsSync(mark)).to.equal(true);
  });

  it("holds the writer back while the program does not read", async () => {
    const duplex = await script("exec sleep 100");
    let written = 0;
    const piece = Buffer.alloc(64 * 1024);
    while (duplex.write(piece)) written += piece.length;
    expect(duplex.writableNeedDrain).to.equal(true);
    expect(written).to.be.below(4 * MB);
  });

  it("lets the program speak on after our end", async () => {
    const seen = new Observed(await script("cat >/dev/null; echo afterwards"));
    seen.socket.end("x");
    expect(await within("the end", seen.ended)).to.equal("fin");
    expect(seen.text).to.equal("afterwards\n");
  });

  it("lets us speak on after the program's end of its output", async () => {
    const file = join(folder, "heard");
    const duplex = await script(`echo bye; exec >&-; cat >${file}`);
    const seen = new Observed(duplex);
    expect(await within("its end", seen.ended)).to.equal("fin");
    duplex.end("still here");
    await within("closed", seen.closed);
    await eventually("it was heard", () =>
      existsSync(file) ? readFileSync(file, "utf8") === "still here" : false,
    );
  });

  it("closes when our end comes after that of the program", async () => {
    const seen = new Observed(await script("echo bye"));
    expect(await within("its end", seen.ended)).to.equal("fin");
    await new Promise((resolve) => setImmediate(resolve));
    seen.socket.end();
    await within("closed", seen.closed);
  });

  it("delivers everything before it tells of a failure, with the last line of stderr", async () => {
    const duplex = await script(
      `head -c ${2 * MB} /dev/zero; echo first >&2; echo "no way" >&2; exit 3`,
    );
    let bytes = 0;
    let ended = false;
    duplex.on("end", () => (ended = true));
    // A slow reader: pausing at each piece.
    duplex.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      duplex.pause();
      setImmediate(() => duplex.resume());
    });
    const error = await errorOf(duplex);
    expect(error.message).to.equal("sh ended with status 3: no way");
    expect(bytes).to.equal(2 * MB);
    expect(ended).to.equal(false);
    expect(told).to.deep.equal(["first", "no way"]);
  });

  it("tells of a signal that ended it", async () => {
    const duplex = await script("kill -9 $$");
    duplex.resume();
    expect((await errorOf(duplex)).message).to.equal("sh was ended by SIGKILL");
  });

  it("breaks, and crashes nothing, when it is written to after the program's end", async () => {
    const duplex = await script("echo bye");
    const seen = new Observed(duplex);
    await within("its end", seen.ended);
    const error = errorOf(duplex);
    duplex.write("too late");
    expect((await error).message).to.equal("sh takes no more input");
    expect(seen.text).to.equal("bye\n");
  });

  it("delivers what a program wrote that did not read what was sent to it", async () => {
    const duplex = await script("head -c 1 >/dev/null; echo answer");
    duplex.write(Buffer.alloc(4 * MB));
    const error = errorOf(duplex);
    const seen = new Observed(duplex);
    await error;
    expect(seen.text).to.equal("answer\n");
  });

  it("says why a program cannot be started", async () => {
    const plain = join(folder, "plain");
    writeFileSync(plain, "");
    const script = join(folder, "script");
    writeFileSync(script, "#!/no/interpreter\n", { mode: 0o755 });
    const rows: [string, RegExp][] = [
      [
        "no-such-program-x a",
        /exec:no-such-program-x: cannot start no-such-program-x: there is no such program$/,
      ],
      [`${plain} a`, /plain: the user who runs this may not run .*chmod \+x/],
      ["/etc/ssl x", /ssl: \/etc\/ssl is a folder$/],
      [`${script} x`, /script is there, but not what its first line \(#!\)/],
      [`${folder}/no/x y`, /cannot start x: there is no folder .*\/no$/],
      [`${plain}/x y`, /plain is a file and no folder$/],
      [`${folder}/x y`, /there is no such program$/],
      [`"unclosed`, /exec:unclosed: without a closing "/],
    ];
    for (const [command, words] of rows) {
      const error = await failureOf(start(command));
      expect(error.code).to.equal("network");
      expect(error.message).to.match(words);
    }
  });

  for (const [how, end] of [
    ["destroyed", (duplex: Duplex) => duplex.destroy()],
    ["reset", reset],
  ] as const)
    it(`ends the program when it is ${how}`, async () => {
      const seen = new Observed(await script("echo $$; exec sleep 100"));
      const pid = await pidOf(seen);
      end(seen.socket);
      await within("closed", seen.closed);
      await untilGone(pid);
    });

  it("kills a program that does not want to end", async () => {
    const seen = new Observed(
      await script("trap '' TERM; echo $$; while :; do sleep 0.1; done"),
    );
    const pid = await pidOf(seen);
    seen.socket.destroy();
    await untilGone(pid);
  });

  /** A script with a child that has none of the pipes, whose process id it writes. */
  const WITH_CHILD = "sleep 100 <&- >&- 2>&- &\necho $!\n";

  it("ends with a program what that one started, also when it has ended by itself before", async () => {
    for (const rest of ["exec sleep 100", "exit 0"]) {
      const seen = new Observed(await script(`${WITH_CHILD}${rest}`));
      const pid = await pidOf(seen);
      if (rest === "exec sleep 100") seen.socket.destroy();
      else seen.socket.end();
      await within("closed", seen.closed);
      await untilGone(pid);
    }
  });

  it("kills what programs started that have ended, at the end of the process", async () => {
    const seen = new Observed(await script(`${WITH_CHILD}exec >&-; exit 0`));
    const pid = await pidOf(seen);
    await within("its end", seen.ended);
    killPrograms();
    await untilGone(pid);
  });

  it("leaves alone what a program gave a session of its own", async function () {
    needs(this, "setsid");
    const seen = new Observed(
      await script("setsid sleep 100 <&- >&- 2>&- &\necho $!\nexit 0"),
    );
    const pid = await pidOf(seen);
    try {
      seen.socket.end();
      await within("closed", seen.closed);
      killPrograms();
      expect(process.kill(pid, 0)).to.equal(true);
    } finally {
      process.kill(pid, "SIGKILL");
    }
  });

  it("gives a program no terminal, and no way to ask elsewhere unless the person named one", async () => {
    const { GPG_TTY, SSH_ASKPASS_REQUIRE } = process.env;
    try {
      for (const [set, expected] of [
        [undefined, "never"],
        ["", "never"],
        ["force", "force"],
      ] as const) {
        process.env.GPG_TTY = "/dev/tty1";
        if (set === undefined) delete process.env.SSH_ASKPASS_REQUIRE;
        else process.env.SSH_ASKPASS_REQUIRE = set;
        const seen = new Observed(
          await script(
            'echo "$SSH_ASKPASS_REQUIRE,$GPG_TTY"; (: </dev/tty) 2>&- && echo a terminal',
          ),
        );
        seen.socket.on("error", () => undefined);
        await within("closed", seen.closed);
        expect(seen.text).to.equal(`${expected},\n`);
      }
    } finally {
      restore("GPG_TTY", GPG_TTY);
      restore("SSH_ASKPASS_REQUIRE", SSH_ASKPASS_REQUIRE);
    }
  });

  it("kills all of them at the end of the process", async () => {
    const seen = new Observed(await script("echo $$; exec sleep 100"));
    const pid = await pidOf(seen);
    killPrograms();
    await untilGone(pid);
    await within("closed", seen.closed);
    expect(seen.state).to.equal("reset");
  });

  it("lets the process that started it exit", async () => {
    const module = join(projectRoot, "dist", "src", "net", "dial.js");
    const code = `
      const { dial } = await import(${JSON.stringify(module)});
      const stubborn = await dial({ host: 'exec:sh -c "trap : TERM; while :; do sleep 1; done"', port: 0, timeoutMs: 1000 });
      const done = await dial({ host: "exec:cat", port: 0, timeoutMs: 1000 });
      stubborn.destroy();
      done.resume().end("x");`;
    const args = ["--input-type=module", "-e", code];
    await within("its exit", promisify(execFile)(process.execPath, args));
  });

  it("carries a connection by socat, half-closed in between", async function () {
    needs(this, "socat");
    await withServer(
      () =>
        TestServer.start(({ socket }) => {
          socket.once("end", () => socket.end("afterwards")).resume();
        }),
      async ({ port }) => {
        const seen = new Observed(await start(`socat - TCP:127.0.0.1:${port}`));
        seen.socket.end("x");
        expect(await within("the end", seen.ended)).to.equal("fin");
        expect(seen.text).to.equal("afterwards");
      },
    );
  });

  it("tells in words what socat could not reach", async function () {
    needs(this, "socat");
    const duplex = await start("socat - UNIX-CONNECT:/no/such/socket");
    duplex.resume();
    expect((await errorOf(duplex)).message).to.match(
      /^socat ended with status 1: .*No such file/,
    );
  });

  it("runs socat for a virtual machine's socket", async () => {
    writeFileSync(join(folder, "socat"), '#!/bin/sh\necho "$@"\n');
    chmodSync(join(folder, "socat"), 0o755);
    const path = process.env.PATH;
    process.env.PATH = `${folder}:${path}`;
    try {
      const duplex = await dial({
        host: "vsock:3:2222",
        port: 0,
        timeoutMs: 5_000,
      });
      open.push(duplex);
      const seen = new Observed(duplex);
      await within("the end", seen.ended);
      expect(seen.text).to.equal("-t 86400 - VSOCK-CONNECT:3:2222\n");
    } finally {
      process.env.PATH = path;
    }
  });

  it("carries a connection by ssh -W", async function () {
    needs(this, "sshd", "ssh", "ssh-keygen");
    const sshd = await startSshd();
    try {
      await withServer(startEcho, async ({ port }) => {
        const options = sshd.clientOptions.join(" ");
        const seen = new Observed(
          await start(
            `ssh ${options} -p ${sshd.port} -W 127.0.0.1:${port} ${sshd.user}@127.0.0.1`,
          ),
        );
        seen.socket.end("through ssh");
        expect(await within("the end", seen.ended)).to.equal("fin");
        expect(seen.text).to.equal("through ssh");
      });
    } finally {
      await sshd.close();
    }
  });
});

function restore(name: string, value: string | undefined): void {
  if (value === undefined) Reflect.deleteProperty(process.env, name);
  else process.env[name] = value;
}
