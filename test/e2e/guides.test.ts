// The guides of docs/recipes.md with the programs that they are about, through one pair of nodes. Databases are in
// topics.test.ts and programs.test.ts, too.

import { execFile } from "node:child_process";
import { randomBytes, randomUUID } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect } from "chai";
import { WebSocket } from "ws";
import { eventually, within } from "../support/deadline.js";
import { findProgram, needs, skip } from "../support/find-program.js";
import { makeFolder, removeFolder } from "../support/folder.js";
import { startMember, untilRow, type UseRow } from "../support/lan.js";
import { closeLaunched, startHub, type Launched } from "../support/launch.js";
import { reservePort } from "../support/ports.js";
import { Program, untilAccepting } from "../support/program.js";
import { projectRoot } from "../support/project.js";
import {
  startNginx,
  startPostgres,
  startSshd,
  type Sshd,
} from "../support/programs.js";

const execute = promisify(execFile);

describe("the guides", function () {
  this.timeout(180_000);
  const ending: (() => Promise<void>)[] = [];
  let folder: string;
  let home: Launched;
  let office: Launched;

  before(async () => {
    folder = makeFolder("vnet-guides-");
    const hub = await startHub();
    home = await startMember(hub, { name: "home" });
    office = await startMember(hub, { name: "office" });
  });
  afterEach(async () => {
    for (const end of ending.splice(0).reverse()) await end();
  });
  after(async () => {
    await closeLaunched();
    removeFolder(folder);
  });

  const path = (name: string) => join(folder, name);

  async function call(
    name: string,
    args: string[],
    env: NodeJS.ProcessEnv = {},
  ): Promise<string> {
    const { stdout } = await execute(findProgram(name) ?? name, args, {
      cwd: folder,
      env: { ...process.env, HOME: folder, ...env },
      timeout: 120_000,
    });
    return stdout;
  }

  /** A program that runs until the end of the test. */
  function keep(
    name: string,
    args: string[],
    env: NodeJS.ProcessEnv = {},
  ): Program {
    const program = new Program(findProgram(name) ?? name, args, {
      cwd: folder,
      env: { ...process.env, HOME: folder, ...env },
    });
    ending.push(() => program.close());
    return program;
  }

  /** Home offers it, the office maps it. @returns the use's port */
  async function map(name: string, port: number): Promise<number> {
    const own = await reservePort();
    home.send(`serve run ${port} 127.0.0.1 000 ${name}`);
    office.send(`use run ${name}@home ${own}`);
    await untilRow<UseRow>(
      office,
      "show use",
      (row) => row.port === own && row.state === "listening",
      `the use of ${name} listens`,
    );
    return own;
  }

  async function beginSshd(): Promise<Sshd> {
    const sshd = await startSshd();
    ending.push(() => sshd.close());
    return sshd;
  }

  /** ~/.ssh/config as the guide writes it, and a key. */
  function writeSshConfig(sshd: Sshd, port: number): string[] {
    const key = sshd.clientOptions[sshd.clientOptions.indexOf("-i") + 1] ?? "";
    writeFileSync(
      path("ssh_config"),
      `Host home
    HostName 127.0.0.1
    Port ${port}
    User ${sshd.user}
    HostKeyAlias home
Host *
    IdentityFile ${key}
    IdentitiesOnly yes
    BatchMode yes
    StrictHostKeyChecking accept-new
    UserKnownHostsFile ${join(sshd.folder, "known_hosts")}
    ConnectTimeout 20
`,
    );
    return ["-F", path("ssh_config")];
  }

  it("SSH: a host of ~/.ssh/config with a name of its own for ssh, scp, sftp and a tunnel", async function () {
    needs(this, "sshd", "ssh", "scp", "sftp", "curl", "nginx");
    const sshd = await beginSshd();
    const port = await map("ssh", sshd.port);
    const config = writeSshConfig(sshd, port);
    expect(await call("ssh", [...config, "home", "echo from there"])).to.equal(
      "from there\n",
    );
    expect(readFileSync(join(sshd.folder, "known_hosts"), "utf8")).to.match(
      /^home ssh-/m,
    );

    writeFileSync(path("from"), randomBytes(300_000));
    await call("scp", [...config, "-q", path("from"), `home:${path("to")}`]);
    writeFileSync(path("batch"), `get ${path("to")} ${path("back")}\n`);
    await call("sftp", [...config, "-q", "-b", path("batch"), "home"]);
    expect(readFileSync(path("back")).equals(readFileSync(path("from")))).to.be
      .true;

    const site = await startNginx({ "index.html": "a page at home\n" });
    ending.push(() => site.close());
    const tunnel = await reservePort();
    const words = ["-N", "-L", `127.0.0.1:${tunnel}:127.0.0.1:${site.port}`];
    await untilAccepting(keep("ssh", [...config, ...words, "home"]), tunnel);
    expect(await call("curl", ["-sS", `http://127.0.0.1:${tunnel}/`])).to.equal(
      "a page at home\n",
    );
  });

  it("SOCKS: one port of home is a browser's proxy, which looks names up at home", async function () {
    needs(this, "sshd", "ssh", "curl", "nginx");
    const sshd = await beginSshd();
    const site = await startNginx({ "index.html": "a page at home\n" });
    ending.push(() => site.close());
    const socks = await reservePort();
    const words = ["-N", "-D", `127.0.0.1:${socks}`];
    const config = writeSshConfig(sshd, sshd.port);
    await untilAccepting(keep("ssh", [...config, ...words, "home"]), socks);
    const port = await map("socks", socks);
    const curl = ["-sS", "--socks5-hostname", `127.0.0.1:${port}`];
    expect(
      await call("curl", [...curl, `http://localhost:${site.port}/`]),
    ).to.equal("a page at home\n");
  });

  describe("git:", () => {
    const git = (...words: string[]) =>
      call(
        "git",
        ["-c", "user.name=me", "-c", "user.email=me@example.org", ...words],
        { GIT_SSH_COMMAND: `ssh -F ${path("ssh_config")}` },
      );

    /** Clones, commits 2 MB, pushes, and clones again. */
    async function workWith(url: string, name: string): Promise<void> {
      await git("clone", "-q", url, path(name));
      writeFileSync(path(`${name}/big`), randomBytes(2_000_000));
      const inside = ["-C", path(name)];
      await git(...inside, "add", ".");
      await git(...inside, "commit", "-qm", `by way of ${name}`);
      await git(...inside, "push", "-q", "origin", "HEAD");
      await git("clone", "-q", url, path(`${name}-again`));
      const [sent, got] = [name, `${name}-again`].map((each) =>
        readFileSync(path(`${each}/big`)),
      );
      expect(sent?.equals(got ?? Buffer.alloc(0))).to.equal(true);
    }

    it("over SSH, by the host's name and by a URL with the port", async function () {
      needs(this, "git", "sshd", "ssh");
      const sshd = await beginSshd();
      const port = await map("ssh-git", sshd.port);
      writeSshConfig(sshd, port);
      await git("init", "-q", "--bare", path("over-ssh.git"));
      await workWith(`home:${path("over-ssh.git")}`, "by-name");
      const url = `ssh://${sshd.user}@127.0.0.1:${port}${path("over-ssh.git")}`;
      expect(await git("ls-remote", url)).to.include("refs/heads/");
    });

    it("git:// by git daemon, reading and writing", async function () {
      needs(this, "git");
      mkdirSync(path("repos"));
      await git("init", "-q", "--bare", path("repos/project.git"));
      const inside = await reservePort();
      const daemon = keep("git", [
        ...["daemon", `--base-path=${path("repos")}`, "--export-all"],
        ...["--enable=receive-pack", "--listen=127.0.0.1", `--port=${inside}`],
      ]);
      await untilAccepting(daemon, inside);
      const port = await map("git", inside);
      await workWith(`git://127.0.0.1:${port}/project.git`, "by-git");
    });
  });

  it("PostgreSQL: psql reads, writes and copies through the use", async function () {
    needs(this, "postgres", "psql");
    const service = await startPostgres();
    ending.push(() => service.close());
    const port = String(await map("postgres", service.port));
    const sql = (statement: string) =>
      call("psql", [
        ...["-h", "127.0.0.1", "-p", port, "-U", "postgres"],
        ...["-X", "-q", "-t", "-A", "-c", statement],
      ]);
    await sql(
      "CREATE TABLE t AS SELECT n, md5(n::text) FROM generate_series(1, 50000) n",
    );
    await sql(`\\copy t TO '${path("t.csv")}' CSV`);
    expect(readFileSync(path("t.csv"), "utf8").split("\n")).to.have.length(
      50_001,
    );
    expect(await sql("SELECT count(*), sum(n) FROM t")).to.equal(
      "50000|1250025000\n",
    );
  });

  it("Jupyter: its page, and a cell that a kernel at home runs over a WebSocket", async function () {
    if (findProgram("jupyter-server") === null)
      skip(this, "needs jupyter-server (pip install jupyter_server ipykernel)");
    const inside = await reservePort();
    const server = keep(
      "jupyter-server",
      [
        ...["--no-browser", "--ip=127.0.0.1", `--port=${inside}`],
        ...["--ServerApp.port_retries=0", "--allow-root"],
      ],
      { JUPYTER_TOKEN: "a-token-of-this-test" },
    );
    await untilAccepting(server, inside, 60_000);
    const port = await map("jupyter", inside);
    const where = `127.0.0.1:${port}`;
    const headers = { authorization: "token a-token-of-this-test" };
    const made = await fetch(`http://${where}/api/kernels`, {
      ...{ method: "POST", headers, body: JSON.stringify({}) },
    });
    expect(made.status).to.equal(201);
    const { id } = (await made.json()) as { id: string };
    const socket = new WebSocket(`ws://${where}/api/kernels/${id}/channels`, {
      headers,
    });
    const session = randomUUID();
    const printed = new Promise<string>((resolve, reject) => {
      socket.on("error", reject);
      socket.on("message", (data: Buffer) => {
        const said = JSON.parse(data.toString()) as {
          header: { msg_type: string };
          content: { text?: string };
        };
        if (said.header.msg_type === "stream") resolve(said.content.text ?? "");
      });
      socket.on("open", () => {
        socket.send(
          JSON.stringify({
            header: {
              msg_id: randomUUID(),
              msg_type: "execute_request",
              ...{ session, username: "me", version: "5.3" },
            },
            ...{ parent_header: {}, metadata: {}, channel: "shell" },
            content: { code: "print(6 * 7)", silent: false },
          }),
        );
      });
    });
    try {
      expect(await within("what the cell prints", printed, 60_000)).to.equal(
        "42\n",
      );
    } finally {
      socket.terminate();
      await fetch(`http://${where}/api/kernels/${id}`, {
        ...{ method: "DELETE", headers },
      });
    }
  });

  /** An X server that is a VNC server at that port. @returns its display, `:5` */
  async function startVnc(port: number): Promise<string> {
    const vnc = keep("Xtigervnc", [
      ...["-displayfd", "1", "-rfbport", String(port), "-localhost"],
      ...["-SecurityTypes", "None", "-geometry", "800x600", "-nolisten", "tcp"],
    ]);
    await untilAccepting(vnc, port);
    return vnc.waitFor(
      () => /^(\d+)$/m.exec(vnc.stdout)?.[1]?.replace(/^/, ":") ?? null,
      "tell its display",
    );
  }

  it("VNC: a viewer takes a picture of the screen at home", async function () {
    needs(this, "Xtigervnc", "gvnccapture");
    const inside = await reservePort();
    await startVnc(inside);
    const port = await map("vnc", inside);
    // Display n is port 5900 + n there, whatever n is.
    const where = `127.0.0.1:${port - 5900}`;
    await call("gvnccapture", ["-q", where, path("screen.png")]);
    const picture = readFileSync(path("screen.png"));
    expect(picture.subarray(1, 4).toString()).to.equal("PNG");
    expect([picture.readUInt32BE(16), picture.readUInt32BE(20)]).to.deep.equal([
      800, 600,
    ]);
  });

  it("remote desktop: a client agrees on TLS with xrdp, and on what it draws", async function () {
    needs(this, "xrdp", "xfreerdp", "Xtigervnc");
    if (process.getuid?.() !== 0) skip(this, "needs root, as xrdp does");
    const inside = await reservePort();
    const log = path("xrdp.log");
    const settings = readFileSync("/etc/xrdp/xrdp.ini", "utf8")
      .replace(/^port=.*/m, `port=tcp://127.0.0.1:${inside}`)
      .replace(/^LogFile=.*/m, `LogFile=${log}`);
    writeFileSync(path("xrdp.ini"), settings);
    const server = keep("xrdp", ["-n", "-c", path("xrdp.ini")]);
    await untilAccepting(server, inside);
    const display = await startVnc(await reservePort());
    const port = await map("rdp", inside);
    // The very file of the guide, but for the port.
    const guide = readFileSync(join(projectRoot, "docs/recipes.md"), "utf8");
    const [, file = ""] = /^```\n(full address:[^`]+)```$/m.exec(guide) ?? [];
    expect(file).to.include("127.0.0.1:33389");
    writeFileSync(path("home.rdp"), file.replace("33389", String(port)));
    const words = [path("home.rdp"), "/cert:ignore", "/p:mine"];
    keep("xfreerdp", words, { DISPLAY: display });
    const says = (what: RegExp) => () => what.test(readFileSync(log, "utf8"));
    await eventually("TLS", says(/TLS connection established/));
    await eventually("capabilities", says(/xrdp_caps_process_codecs/));
  });
});
