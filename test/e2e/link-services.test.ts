// Services and uses that are no TCP ports: Unix sockets and programs, by the real ./vnet with the programs that people
// use on them. The address forms alone are tested in test/net/.

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect } from "chai";
import { eventually } from "../support/deadline.js";
import {
  connectTo,
  startEcho,
  withServer,
  type Observed,
} from "../support/echo.js";
import { findProgram, needs, skip } from "../support/find-program.js";
import { makeFolder, removeFolder } from "../support/folder.js";
import {
  closeLaunched,
  startBare,
  startHub,
  type Hub,
  type Launched,
} from "../support/launch.js";
import { reservePort } from "../support/ports.js";
import { startSshd } from "../support/programs.js";
import { exchange, untilEchoed } from "../support/reach.js";

const runProgram = promisify(execFile);

describe("a service that is no TCP port", function () {
  this.timeout(180_000);
  let folder: string;
  let hub: Hub;
  let port: number;

  before(function () {
    if (process.platform === "win32") skip(this, "needs Unix sockets");
  });
  beforeEach(async () => {
    folder = makeFolder();
    hub = await startHub();
    port = await reservePort();
  });
  afterEach(async () => {
    await closeLaunched();
    removeFolder(folder);
  });

  const startNode = (...words: string[]): Launched =>
    startBare("vnet", ["--route", `127.0.0.1:${hub.port}`, ...words]);

  /** A node that offers it, and one that maps it to `port` unless told otherwise. */
  async function join2(serve: string, use = `it:${port}`): Promise<Launched> {
    const home = startNode("--serve", `${serve},name=it`);
    await hub.waitForOutput(/ serves \d+ it /);
    const office = startNode("--use", use);
    await office.waitForOutput("connected to the hub");
    return home;
  }

  it("has the environment of whoever started the node, without what is meant for Node alone", async () => {
    await join2("exec:sh -c 'env; cat'");
    await untilReached();
    const own = /^(UV_THREADPOOL_SIZE|MALLOC_ARENA_MAX)=/m;
    expect(await exchange(port, "x"))
      .to.match(/^NO_COLOR=1$/m)
      .and.not.to.match(own);
  });

  it("an HTTP service on a Unix socket is reached over TCP, and over a Unix socket, as Docker's is", async function () {
    needs(this, "curl");
    const path = join(folder, "docker.sock");
    const service: Server = createServer((request, response) => {
      response.end(`you asked for ${request.url ?? ""}\n`);
    });
    await new Promise<void>((resolve) => service.listen(path, resolve));
    const curl = async (...words: string[]) => {
      const retry = [
        "--retry",
        "20",
        "--retry-delay",
        "1",
        "--retry-all-errors",
      ];
      const file = findProgram("curl") ?? "curl";
      return (await runProgram(file, ["-sS", ...retry, ...words])).stdout;
    };
    try {
      await join2(`unix:${path}`);
      const local = join(folder, "local.sock");
      const user = startNode("--use", `it:unix:${local}`);
      await eventually("the socket file", () => existsSync(local));
      const words = ["--unix-socket", local, "http://localhost/version"];
      expect(await curl(...words)).to.equal("you asked for /version\n");
      expect(await curl(`http://127.0.0.1:${port}/info`)).to.equal(
        "you asked for /info\n",
      );
      user.kill("SIGTERM");
      await user.exited;
      expect(existsSync(local)).to.equal(false);
    } finally {
      service.closeAllConnections();
      service.close();
    }
  });

  it("a program is started for each connection, and ends with it", async () => {
    await join2("exec:sh -c 'echo $$; exec cat'");
    await untilReached();
    const clients: Observed[] = [];
    for (let n = 0; n < 2; n++) clients.push(await connectTo(port));
    const pids: number[] = [];
    for (const client of clients) {
      await client.untilBytes(2);
      pids.push(Number(/^(\d+)\n$/.exec(client.text)?.[1]));
    }
    expect(new Set(pids).size).to.equal(2);
    for (const pid of pids) expect(isRunning(pid)).to.equal(true);
    clients[0]?.socket.resetAndDestroy();
    await eventually("the first one's end", () => !isRunning(pids[0] ?? 0));
    expect(isRunning(pids[1] ?? 0)).to.equal(true);
    clients[1]?.socket.end("last words");
    expect(await clients[1]?.ended).to.equal("fin");
    expect(clients[1]?.text).to.match(/last words$/);
    await eventually("the second one's end", () => !isRunning(pids[1] ?? 0));
  });

  it("programs end with the node that started them", async () => {
    const home = await join2("exec:sh -c 'echo $$; exec cat'");
    await untilReached();
    const client = await connectTo(port);
    await client.untilBytes(2);
    const pid = Number(client.text);
    home.kill("SIGTERM");
    await home.exited;
    await eventually("its end", () => !isRunning(pid));
    client.socket.destroy();
  });

  it("ssh -W reaches what stands behind a machine that one can log in to", async function () {
    needs(this, "sshd", "ssh");
    const sshd = await startSshd();
    try {
      await withServer(startEcho, async (echo) => {
        const { clientOptions, user } = sshd;
        const ssh = [
          ...["ssh", ...clientOptions, "-p", String(sshd.port)],
          ...["-W", `127.0.0.1:${echo.port}`, `${user}@127.0.0.1`],
        ];
        await join2(`exec:${ssh.join(" ")}`);
        await untilEchoed(port);
        // What the group is told of it is the program's name alone.
        await hub.waitForOutput(/serves \d+ it \(tcp, "exec:ssh"\)/);
      });
    } finally {
      await closeLaunched();
      await sshd.close();
    }
  });

  it("a program that fails breaks the connection, and the node's log has its words", async () => {
    const home = await join2("exec:sh -c 'echo out of order >&2; exit 3'");
    expect(await firstOutcome(port)).to.equal("ECONNRESET");
    await home.waitForOutput("serve it says: out of order");
  });

  it("a program that is missing is a refusal whose reason the user's node says", async () => {
    await join2("exec:no-such-program --token hidden-word");
    const own = await reservePort();
    const office = startNode("--use", `it:${own}`);
    await office.waitForOutput("connected to the hub");
    const said = office.waitForOutput(
      /refused a connection: .*cannot start no-such-program/,
    );
    expect(await firstOutcome(own)).to.equal("ECONNRESET");
    await said;
    await office.close();
    await hub.close();
    expect(office.output + hub.output).not.to.include("hidden-word");
  });

  /** What comes of the first connection that the use lets in. */
  async function firstOutcome(own: number): Promise<string> {
    for (;;) {
      const error = await exchange(own, "x").catch((cause: unknown) => cause);
      const { code } = error as NodeJS.ErrnoException;
      if (code !== "ECONNREFUSED") return code ?? "an end in good order";
    }
  }

  async function untilReached(): Promise<void> {
    for (;;) {
      const answer = await exchange(port, "").catch(() => "");
      if (answer !== "") return;
    }
  }
});

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
