// Hubs that are reached without IP, as HyperV-Vsocket-Reverse-Proxy's machines reached each other: over Unix sockets,
// programs, and the sockets of virtual machines. Real ./route and ./vnet, in namespaces that have no network.

import { chmodSync, existsSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { delimiter, join } from "node:path";
import { connect } from "node:net";
import { expect } from "chai";
import { startEcho, type TestServer } from "../support/echo.js";
import { findProgram, needs, skip } from "../support/find-program.js";
import { makeFolder, removeFolder } from "../support/folder.js";
import { closeLaunched, startBare, startHub } from "../support/launch.js";
import { Namespace, needsNamespaces } from "../support/namespace.js";
import { reservePort } from "../support/ports.js";
import { Program } from "../support/program.js";
import { startSshd } from "../support/programs.js";
import { exchange, untilEchoed } from "../support/reach.js";

const KEY = ["--authkey", "a-key-for-all-of-them"];
const SITE = `require("http").createServer((request, response) =>
  response.end("from the other side\\n")).listen(8080, "127.0.0.1", () => console.log("ready"))`;

describe("a hub without IP", function () {
  this.timeout(180_000);
  let folder: string;
  let echo: TestServer;

  before(function () {
    if (process.platform === "win32") skip(this, "needs Unix sockets");
  });
  beforeEach(async () => {
    folder = makeFolder();
    echo = await startEcho();
  });
  afterEach(async () => {
    await closeLaunched();
    await echo.close();
    removeFolder(folder);
  });

  const path = (name: string) => join(folder, name);

  /** A use and a serve over that way to the hub, by two nodes. */
  async function reachesOver(route: string, env = {}): Promise<void> {
    const port = await reservePort();
    const serve = ["--serve", `${echo.port},name=echo`];
    startBare("vnet", ["--route", route, ...KEY, ...serve], { env });
    startBare("vnet", ["--route", route, ...KEY, "--use", `echo:${port}`], {
      env,
    });
    await untilEchoed(port);
  }

  it("joins machines that have no network at all but a file system", async function () {
    needs(this, "socat", "curl");
    needsNamespaces(this);
    const [at, home, office] = await Promise.all([
      Namespace.make(),
      Namespace.make(),
      Namespace.make(),
    ]);
    const site = home.run(process.execPath, "-e", SITE);
    try {
      await site.waitForOutput("ready");
      const hub = startBare("route", ["--ip", `unix:${path("hub")}`, ...KEY], {
        prefix: at.prefix,
      });
      await hub.waitForOutput(`the hub listens on unix:${path("hub")}`);
      const first = startBare(
        "vnet",
        [
          ...["--route", `exec:socat - UNIX-CONNECT:${path("hub")}`, ...KEY],
          ...["--serve", "8080,name=web"],
        ],
        { prefix: home.prefix },
      );
      await first.waitForOutput("connected to the hub exec:socat");
      startBare(
        "vnet",
        ["--route", `unix:${path("hub")}`, ...KEY, "--use", "web:9090"],
        { prefix: office.prefix },
      );
      const curl = office.run(
        ...["curl", "-sS", "--retry", "40", "--retry-connrefused"],
        ...["--retry-delay", "1", "http://127.0.0.1:9090/"],
      );
      expect(await curl.exited).to.include({ status: 0 });
      expect(curl.stdout).to.equal("from the other side\n");
    } finally {
      await site.close();
      for (const each of [at, home, office]) await each.close();
    }
  });

  it("is reached through a machine that one can log in to: exec:ssh -W", async function () {
    needs(this, "sshd", "ssh");
    const sshd = await startSshd();
    try {
      const hub = await startHub();
      const { clientOptions, user } = sshd;
      const ssh = [
        ...["ssh", ...clientOptions, "-p", String(sshd.port)],
        ...["-W", `127.0.0.1:${hub.port}`, `${user}@127.0.0.1`],
      ];
      const port = await reservePort();
      const words = ["--route", `exec:${ssh.join(" ")}`];
      const serve = ["--serve", `${echo.port},name=echo`];
      const node = startBare("vnet", [...words, ...serve]);
      startBare("vnet", [
        ...["--route", `127.0.0.1:${hub.port}`, "--use", `echo:${port}`],
      ]);
      await untilEchoed(port);
      // Its arguments may hold secrets.
      await node.waitForOutput("connected to the hub exec:ssh as vnet");
      await node.close();
      expect(node.output).not.to.include(clientOptions[3]);
    } finally {
      await closeLaunched();
      await sshd.close();
    }
  });

  it("says in the node's log what the program on the way says, and tries again", async () => {
    const script = path("way");
    writeFileSync(script, "#!/bin/sh\necho no such host >&2\nexit 255\n");
    chmodSync(script, 0o755);
    const failing = startBare("vnet", ["--route", `exec:${script}`]);
    await failing.waitForOutput("the way to the hub says: no such host");
    await failing.waitForOutput(/the hub exec:way is not reached: .*trying/);
    const missing = startBare("vnet", ["--route", "exec:no-such-program -v"]);
    await missing.waitForOutput(
      /the hub exec:no-such-program is not reached: .*no-such-program.*trying again/,
    );
  });

  describe("over the socket of a virtual machine monitor", () => {
    let monitor: Server | undefined;

    afterEach(() => {
      monitor?.close();
      monitor = undefined;
    });

    /** What Firecracker does at its socket: a line asks for a port of the guest. */
    async function startMonitor(guestPort: number, to: number): Promise<void> {
      const server = createServer({ allowHalfOpen: true }, (socket) => {
        socket.on("error", () => undefined);
        socket.once("data", (line: Buffer) => {
          if (line.toString() !== `CONNECT ${guestPort}\n`) {
            socket.destroy();
            return;
          }
          const guest = connect({
            ...{ host: "127.0.0.1", port: to, allowHalfOpen: true },
          });
          guest.on("error", () => socket.destroy());
          guest.once("connect", () => {
            socket.write("OK 1073741824\n");
            socket.pipe(guest).pipe(socket);
          });
        });
      });
      monitor = server;
      await new Promise<void>((resolve) =>
        server.listen(path("vm.sock"), resolve),
      );
    }

    it("a hub in the guest is dialled: hvsock:", async () => {
      const port = await reservePort();
      const hub = await startHub(
        `[route]\nip=127.0.0.1\nport=${port}\nauthkey=${KEY[1] ?? ""}\n`,
      );
      await startMonitor(7749, hub.port);
      await reachesOver(`hvsock:${path("vm.sock")}:7749`);
      const wrong = startBare("vnet", [
        ...["--route", `hvsock:${path("vm.sock")}:1`, ...KEY],
      ]);
      await wrong.waitForOutput("nothing listens on port 1 of the guest");
    });

    it("a hub with connect_line=true needs no monitor between", async () => {
      const hub = startBare(
        "route",
        [writeHub(`ip=unix:${path("hub")}\nconnect_line=true`)],
        { folder },
      );
      await hub.waitForOutput("the hub listens on");
      await reachesOver(`hvsock:${path("hub")}:52`);
      const bare = exchange({ path: path("hub") }, "GET / HTTP/1.0\r\n\r\n");
      await bare.catch(() => undefined);
      await hub.waitForOutput("did not begin with a line CONNECT");
    });

    it("a hub on the host listens where the monitor connects for its guest", async () => {
      const hub = startBare(
        "route",
        [writeHub(`ip=hvsock:${path("vm.sock")}:7749`)],
        { folder },
      );
      await hub.waitForOutput("the hub listens on hvsock:");
      expect(existsSync(path("vm.sock_7749"))).to.equal(true);
      await reachesOver(`unix:${path("vm.sock_7749")}`);
      hub.kill("SIGTERM");
      await hub.exited;
      expect(existsSync(path("vm.sock_7749"))).to.equal(false);
    });

    function writeHub(keys: string): string {
      const text = `[route]\n${keys}\nauthkey=${KEY[1] ?? ""}\n`;
      writeFileSync(path("hub.ini"), text, { mode: 0o600 });
      return "hub.ini";
    }
  });

  it("vsock:CID:PORT runs socat with VSOCK-CONNECT", async () => {
    const bin = makeFolder();
    const script = join(bin, "socat");
    writeFileSync(script, '#!/bin/sh\necho "asked: $*" >&2\nexit 1\n');
    chmodSync(script, 0o755);
    const env = { PATH: [bin, process.env.PATH].join(delimiter) };
    const node = startBare("vnet", ["--route", "vsock:2:7749"], { env });
    await node.waitForOutput(/asked: .* - VSOCK-CONNECT:2:7749/);
    removeFolder(bin);
  });

  it("is reached over a real AF_VSOCK", async function () {
    needs(this, "socat");
    const hub = await startHub();
    const socat = findProgram("socat") ?? "socat";
    const number = String(await reservePort());
    const listener = new Program(socat, [
      ...[`VSOCK-LISTEN:${number},fork`, `TCP:127.0.0.1:${hub.port}`],
    ]);
    try {
      const probe = new Program(socat, [
        "-u",
        `VSOCK-CONNECT:1:${number}`,
        "-",
      ]);
      const connected = await Promise.race([
        hub.waitForOutput("ended", 4_000).catch(() => null),
        probe.exited,
      ]);
      await probe.close();
      if (connected !== null || listener.exit !== null)
        skip(
          this,
          `needs AF_VSOCK's loopback (kernel module vsock_loopback): ${[probe, listener].map(({ output }) => output.trim()).join(" ")}`,
        );
      const port = await reservePort();
      const route = ["--route", `vsock:1:${number}`];
      startBare("vnet", [...route, "--serve", `${echo.port},name=echo`]);
      startBare("vnet", [...route, "--use", `echo:${port}`]);
      await untilEchoed(port);
    } finally {
      await listener.close();
    }
  });
});
