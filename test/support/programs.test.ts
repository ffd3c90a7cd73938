import { expect } from "chai";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { createConnection } from "node:net";
import { once } from "node:events";
import { promisify } from "node:util";
import { findProgram, needs } from "./find-program.js";
import { accepts, Program } from "./program.js";
import {
  startIperf,
  startNginx,
  startPostgres,
  startRedis,
  startSshd,
  type Service,
} from "./programs.js";

const execute = promisify(execFile);

/** Runs `body` with the service, then checks that nothing of it is left. */
async function withService<T extends Service>(
  start: () => Promise<T>,
  body: (service: T) => Promise<void>,
): Promise<void> {
  const service = await start();
  try {
    await body(service);
  } finally {
    await service.close();
  }
  expect(service.program.running).to.be.false;
  expect(existsSync(service.folder)).to.be.false;
  expect(await accepts(service.port)).to.be.false;
}

describe("a program run for a test", () => {
  it("shows what it printed and how it ended", async () => {
    const program = new Program(process.execPath, [
      "-e",
      "process.stdin.once('data', (d) => { console.log('got ' + d); process.exit(3) })",
    ]);
    program.send("a line");
    const match = await program.waitForOutput(/got (.*)/);
    expect(match[1]).to.equal("a line");
    expect(await program.exited).to.deep.equal({ status: 3, signal: null });
  });

  it("says what it printed when the awaited words do not come", async () => {
    const program = new Program(process.execPath, ["-e", "console.log('x1')"]);
    const error = await program.waitForOutput("x2").then(String, String);
    expect(error).to.match(/did not print x2 before it ended.*\nx1/);
  });

  it("is reported, not thrown, when it cannot be started", async () => {
    const program = new Program("/nowhere/at-all", []);
    expect(await program.exited).to.deep.equal({ status: null, signal: null });
    expect(program.output).to.contain("ENOENT");
    await program.close();
  });
});

describe("the real programs", () => {
  it("sshd lets its one key in", async function () {
    needs(this, "sshd", "ssh", "ssh-keygen");
    await withService(startSshd, async ({ port, clientOptions, user }) => {
      const { stdout } = await execute(findProgram("ssh")!, [
        ...clientOptions,
        ...["-p", String(port), `${user}@127.0.0.1`, "echo in"],
      ]);
      expect(stdout).to.equal("in\n");
    });
  });

  it("iperf3 measures", async function () {
    needs(this, "iperf3");
    await withService(startIperf, async ({ port }) => {
      const { stdout } = await execute(findProgram("iperf3")!, [
        ...["-c", "127.0.0.1", "-p", String(port), "-n", "1M", "-J"],
      ]);
      expect(stdout).to.contain("bits_per_second");
    });
  });

  it("redis-server answers a PING", async function () {
    needs(this, "redis-server");
    await withService(startRedis, async ({ port }) => {
      const socket = createConnection(port, "127.0.0.1");
      socket.write("PING\r\n");
      const [answer] = (await once(socket, "data")) as [Buffer];
      expect(answer.toString()).to.equal("+PONG\r\n");
      socket.destroy();
    });
  });

  it("postgres answers a query", async function () {
    needs(this, "initdb", "postgres", "psql");
    await withService(startPostgres, async ({ port }) => {
      const { stdout } = await execute(findProgram("psql")!, [
        ...["-h", "127.0.0.1", "-p", String(port), "-U", "postgres"],
        ...["-Atc", "select 6 * 7"],
      ]);
      expect(stdout).to.equal("42\n");
    });
  });

  it("nginx serves a file", async function () {
    needs(this, "nginx");
    await withService(
      () => startNginx({ "a.txt": "file a" }),
      async ({ port }) => {
        const answer = await fetch(`http://127.0.0.1:${port}/a.txt`, {
          headers: { connection: "close" },
        });
        expect(await answer.text()).to.equal("file a");
      },
    );
  });
});
