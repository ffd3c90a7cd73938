// A relay from one line on each side, as netty-client-to-client-relay was used, and what its author said that it could
// not do: encrypt, tell what happens, come back by itself. Real ./route and ./vnet in empty folders, no file anywhere.

import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import tls from "node:tls";
import { promisify } from "node:util";
import { expect } from "chai";
import {
  connectTo,
  startEcho,
  TestServer,
  type Observed,
} from "../support/echo.js";
import { findProgram, needs } from "../support/find-program.js";
import { makeFolder, removeFolder } from "../support/folder.js";
import {
  closeLaunched,
  run,
  startBare,
  type Launched,
} from "../support/launch.js";
import { reservePort } from "../support/ports.js";
import { startSshd, type Sshd } from "../support/programs.js";
import { exchange, untilEchoed, untilRefused } from "../support/reach.js";
import { Recorder } from "../support/recorder.js";

const runProgram = promisify(execFile);
const AUTHKEY = "testApiAuthKey";
const KEY = ["--authkey", AUTHKEY];

function startRoute(port: number, ...args: string[]): Launched {
  const words = ["--ip", "127.0.0.1", "--port", String(port), ...args];
  return startBare("route", words);
}

function startVnet(port: number, ...args: string[]): Launched {
  return startBare("vnet", ["--route", `127.0.0.1:${port}`, ...args]);
}

/** The same command line in the same folder, as a person or systemd would start it again. */
function again(launcher: "route" | "vnet", ended: Launched, args: string[]) {
  return startBare(launcher, args, { folder: ended.folder });
}

describe("a relay from two lines", function () {
  this.timeout(180_000);
  let echo: TestServer;
  let port: number;

  before(async () => {
    echo = await startEcho();
  });
  beforeEach(async () => {
    port = await reservePort();
  });
  afterEach(closeLaunched);
  after(() => echo.close());

  const serveEcho = () => ["--serve", `${echo.port},name=echo`];

  it("that nobody reads commands for says so, and takes them with --terminal", async () => {
    const deaf = startVnet(port);
    deaf.send("show serves");
    await deaf.waitForOutput("warn  standard input is not read: with terminal");
    const hears = startVnet(port, "--terminal");
    hears.send("show vnet");
    await hears.waitForOutput("vnetid");
    expect(hears.output).not.to.include("standard input is not read");
  });

  it("logs in with SSH and copies a file through the hub's own port, node started first", async function () {
    needs(this, "sshd", "ssh", "scp");
    const sshd: Sshd = await startSshd();
    const folder = makeFolder();
    try {
      const node = startVnet(
        port,
        ...[...KEY, "--serve", `${sshd.port},name=ssh`],
      );
      await node.waitForOutput("nothing listens there; trying again");
      const hub = startRoute(
        port,
        ...[...KEY, "--public", `ssh:${port},ip=127.0.0.1`],
      );
      await node.waitForOutput("connected to the hub");
      await untilServed(hub, port);
      const to = `${sshd.user}@127.0.0.1`;
      const { stdout } = await runProgram(findProgram("ssh") ?? "ssh", [
        ...[...sshd.clientOptions, "-p", String(port), to],
        "echo logged in as $(whoami)",
      ]);
      expect(stdout).to.equal(`logged in as ${sshd.user}\n`);
      const bytes = randomBytes(20 * 1024 * 1024);
      writeFileSync(join(folder, "from"), bytes);
      await runProgram(findProgram("scp") ?? "scp", [
        ...[...sshd.clientOptions, "-q", "-P", String(port)],
        ...[join(folder, "from"), `${to}:${join(folder, "to")}`],
      ]);
      expect(readFileSync(join(folder, "to")).equals(bytes)).to.equal(true);
      for (const { folder } of [hub, node])
        expect(readdirSync(folder)).to.deep.equal(["state"]);
    } finally {
      await sshd.close();
      removeFolder(folder);
    }
  });

  it("serves fifty users of the hub's own port at once, each by a connection of its own to the service", async () => {
    const service = await TestServer.start(({ socket }) => socket.pipe(socket));
    const users: Observed[] = [];
    try {
      startRoute(port, ...KEY, "--public", `echo:${port}`);
      startVnet(port, ...KEY, "--serve", `${service.port},name=echo`);
      await untilEchoed(port);
      const before = service.connections.length;
      for (let n = 0; n < 50; n++) {
        const user = await connectTo(port);
        users.push(user);
        user.socket.write(`I am user ${n}.`);
      }
      for (const [n, user] of users.entries())
        await user.untilBytes(`I am user ${n}.`.length);
      for (const [n, user] of users.entries())
        expect(user.text).to.equal(`I am user ${n}.`);
      expect(service.connections.length - before).to.equal(50);
    } finally {
      for (const { socket } of users) socket.destroy();
      await service.close();
    }
  });

  it("lets users of TLS through to a service that speaks it, at the hub's own port", async () => {
    const PSK = {
      ciphers: "TLS_AES_128_GCM_SHA256:PSK-AES128-GCM-SHA256",
      maxVersion: "TLSv1.3",
    } as const;
    const key = Buffer.alloc(32, 1);
    const server = tls.createServer(
      { ...PSK, pskCallback: () => key },
      (socket) => socket.end("hello from the service"),
    );
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port: inside } = server.address() as AddressInfo;
    try {
      const hub = startRoute(
        port,
        ...[...KEY, "--public", `tls:${port},ip=127.0.0.1`],
      );
      await hub.waitForOutput("ready: nodes can join");
      const node = startVnet(port, ...KEY, "--serve", `${inside},name=tls`);
      await node.waitForOutput("ready:");
      const ask = () =>
        new Promise<string>((resolve) => {
          let text = "";
          const user = tls.connect({
            ...{ ...PSK, port, host: "127.0.0.1" },
            pskCallback: () => ({ identity: "a user", psk: key }),
            checkServerIdentity: () => undefined,
          });
          user.on("data", (chunk: Buffer) => (text += chunk.toString()));
          user.on("error", () => undefined).on("close", () => resolve(text));
        });
      let answer = "";
      while (answer === "") answer = await ask();
      expect(answer).to.equal("hello from the service");
    } finally {
      server.close();
    }
  });

  it("without --authkey the hub makes a key and prints it, and that one opens", async () => {
    const args = ["--public", `echo:${port}`];
    const hub = startRoute(port, ...args);
    const [, made = ""] = await hub.waitForOutput(/^authkey=(\S+)$/m);
    expect(hub.stdout).to.equal(`authkey=${made}\n`);
    const stranger = startVnet(port, ...serveEcho());
    await stranger.waitForOutput("[route] authkey must be the same on both");
    startVnet(port, "--authkey", made, ...serveEcho());
    await untilEchoed(port);
  });

  it("a public port of its own listens on loopback only, and wider when asked", async () => {
    const [narrow, wide] = [await reservePort(), await reservePort()];
    startRoute(
      port,
      ...[...KEY, "--public", `echo:${narrow}`],
      ...["--public", `echo@home:${wide},ip=0.0.0.0`],
    );
    startVnet(port, ...KEY, "--name", "home", ...serveEcho());
    await untilEchoed(narrow);
    await untilEchoed(wide);
    const other = (port: number) => exchange({ host: "127.0.0.2", port }, "x");
    expect(await other(wide)).to.equal("x");
    const error = await other(narrow).catch((cause: unknown) => cause);
    expect(error).to.have.property("code", "ECONNREFUSED");
  });

  it("a public port leads to what nobody registered, where the node allows it", async () => {
    const open = await reservePort();
    const hub = startRoute(
      port,
      ...[...KEY, "--public", `to=home:${echo.port},port=${open}`],
    );
    const words = [...KEY, "--name", "home"];
    const shut = startVnet(port, ...words);
    await hub.waitForOutput("does not allow unserve (allow_unserve=false)");
    await untilRefused(open);
    shut.kill("SIGTERM");
    await shut.exited;
    again("vnet", shut, [
      ...["--route", `127.0.0.1:${port}`, ...words, "--allow-unserve"],
    ]);
    await untilEchoed(open);
  });

  it("--check tells the result for both programs, and starts nothing", async () => {
    const hub = await run("route", [
      ...["--port", "4000", ...KEY, "--public", "ssh@home:4001,ip=0.0.0.0"],
      ...["--public", "700", "--public", "to=home:22,port=1122", "--check"],
    ]);
    expect(hub).to.include({ status: 0, stderr: "" });
    expect(hub.stdout)
      .to.include("a hub on port 4000 of all addresses")
      .and.to.include("ssh@home of group default, listens on 0.0.0.0:4001")
      .and.to.include("listens on 127.0.0.1, the serve's own port")
      .and.to.include("listens on 127.0.0.1:1122")
      .and.not.to.include(AUTHKEY);
    const node = await run("vnet", [
      ...["--route", "hub.example:4000", ...KEY, "--name", "home"],
      ...["--serve", "192.168.1.9:80,type=http", "--use", "mysql@db:3306"],
      ...["--use", "700:unix:/run/seven.sock", "--check"],
    ]);
    expect(node).to.include({ status: 0, stderr: "" });
    expect(node.stdout)
      .to.include("vnet home of group default, hub hub.example:4000")
      .and.to.include("(http), reaches 192.168.1.9:80")
      .and.to.include("mysql@db, listens on 127.0.0.1:3306")
      .and.to.match(/700, listens on unix:\/run\/seven\.sock$/m)
      .and.not.to.include(AUTHKEY);
  });

  it("what the command line says wins over the file, key by key", async () => {
    const config =
      "[route]\nip=hub.example\nport=1\nauthkey=key-of-the-file\n[vnet]\nname=filed\n[serve.echo]\nport=1\ninfo=kept\n";
    const { stdout } = await run(
      "vnet",
      [
        ...["config.ini", "--route", "other.example:4000", "--name", "flagged"],
        ...["--serve", "22,name=echo", "--check"],
      ],
      { config },
    );
    expect(stdout)
      .to.include("vnet flagged of group default, hub other.example:4000")
      .and.to.include("serve echo: 000 echo (tcp), reaches 127.0.0.1:22\n");
    const hub = await run("route", ["config.ini", "--port", "4", "--check"], {
      config: "[route]\nip=127.0.0.1\nport=3\n",
    });
    expect(hub.stdout).to.include("a hub on 127.0.0.1:4\n");
  });

  describe("what its author could not do:", () => {
    it("encryption: on the way neither the words nor the service's name are seen", async () => {
      const hub = startRoute(port, ...KEY, "--public", `echo:${port}`);
      await hub.waitForOutput("the hub listens on");
      const recorder = await Recorder.start(port);
      try {
        const node = startVnet(
          recorder.port,
          ...[...KEY, "--serve", `${echo.port},name=echo,info=marker-of-info`],
        );
        await node.waitForOutput("connected to the hub");
        await untilEchoed(port, "marker-of-user");
        const bytes = recorder.legs.map(({ toNode }) => toNode.length);
        expect(Math.max(...bytes)).to.be.greaterThan(100);
        const words = ["marker-of-user", "marker-of-info", AUTHKEY];
        expect(recorder.overheard(words)).to.deep.equal([]);
      } finally {
        await recorder.close();
      }
    });

    it("a log: hub and node say who came, with which service, and why it went", async () => {
      const hub = startRoute(port, ...KEY, "--public", `echo:${port}`);
      const node = startVnet(port, ...KEY, "--name", "home", ...serveEcho());
      await untilEchoed(port);
      await hub.waitForOutput(
        / vnet \d\d \(home\) joined group default from 127\.0\.0\.1:\d/,
      );
      await hub.waitForOutput(
        /vnet \d\d \(home\) of group default serves 001 echo \(tcp, 127\.0\.0\.1:\d+\)/,
      );
      await node.waitForOutput("connected to the hub");
      node.kill("SIGKILL");
      await hub.waitForOutput(/vnet \d\d \(home\) of group default left: \S+/);
      const other = startVnet(port, ...KEY, "--name", "other", ...serveEcho());
      await other.waitForOutput("connected to the hub");
      hub.kill("SIGTERM");
      await other.waitForOutput("is lost: the hub is shutting down");
      await hub.waitForOutput("SIGTERM ends this program");
    });

    it("reconnection: hub killed and started again, the public port works by itself", async () => {
      const args = [
        ...["--ip", "127.0.0.1", "--port", String(port), ...KEY],
        ...["--public", `echo:${port}`],
      ];
      const hub = startBare("route", args);
      startVnet(port, ...KEY, ...serveEcho());
      await untilEchoed(port);
      hub.kill("SIGKILL");
      await hub.exited;
      again("route", hub, args);
      await untilEchoed(port);
    });

    it("reconnection: node killed, the port refuses at once; node back, it works", async () => {
      startRoute(port, ...KEY, "--public", `echo:${port}`);
      const args = ["--route", `127.0.0.1:${port}`, ...KEY, ...serveEcho()];
      const node = startBare("vnet", args);
      await untilEchoed(port);
      node.kill("SIGKILL");
      await node.exited;
      await untilRefused(port, 10_000);
      again("vnet", node, args);
      await untilEchoed(port);
    });
  });
});

/** Until the hub's own port gives a user to the serve. */
async function untilServed(hub: Launched, port: number): Promise<void> {
  await hub.waitForOutput(/joined group default from 127/);
  for (;;) {
    const banner = await exchange(port, "\n").catch(() => "");
    if (banner.startsWith("SSH-")) return;
  }
}
