// The real ./vnet import: prints on stdout, complains on stderr, writes and
// starts nothing.

import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect } from "chai";
import { CLIENT } from "../import/fixtures/port-proxy.js";
import { OUT } from "../import/fixtures/qjw-proxy.js";
import { DEADLINE_MS } from "../support/deadline.js";
import { needs } from "../support/find-program.js";
import { makeFolder, removeFolder } from "../support/folder.js";
import {
  closeLaunched,
  run,
  startBare,
  startHub,
  startNode,
} from "../support/launch.js";
import { reservePort } from "../support/ports.js";
import { projectRoot } from "../support/project.js";
import { askWho, startSpeaker } from "../support/speaker.js";

const runProgram = promisify(execFile);
/** The program that the document writes for the second of several configurations. */
const AWK =
  /^awk '([^']+)' imported\.ini/m.exec(
    readFileSync(join(projectRoot, "docs", "coming-from.md"), "utf8"),
  )?.[1] ?? "";

describe("./vnet import", function () {
  this.timeout(180_000);

  it("prints a configuration, and nothing else", async () => {
    const { status, stdout, stderr } = await run(
      "vnet",
      ["import", "config.ini"],
      { config: OUT },
    );
    expect(stderr).to.equal("");
    expect(status).to.equal(0);
    expect(stdout).to.match(
      /^; Imported from qjw-proxy's JSON \(out\): config/,
    );
    expect(stdout).to.include("[serve.mysql]");
  });

  it("prints what ./vnet --check finds fine", async () => {
    const { stdout } = await run("vnet", ["import", "config.ini"], {
      config: CLIENT,
    });
    const check = await run("vnet", ["config.ini", "--check"], {
      config: stdout,
    });
    expect(check.stdout).to.include("vnet remote_client1 of group default");
    expect(check.status).to.equal(0);
  });

  it("ends with status 3 and a line on stderr where something that decided who reaches what is not in it", async () => {
    const { status, stdout, stderr } = await run(
      "vnet",
      ["import", "config.ini"],
      {
        config:
          "[common]\nserver_addr = hub\ntoken = abc\n[dns]\ntype = udp\nlocal_port = 53\nremote_port = 53\n",
      },
    );
    expect(status).to.equal(3);
    expect(stdout).to.include("[route]\nip=hub\n");
    expect(stderr).to.match(
      /^! config\.ini: not imported: token .*\n! config\.ini: not imported: the proxy dns of type udp .*\n$/,
    );
  });

  it("says on stderr how many ports of the server are left to the hub's file, with status 0", async () => {
    const { status, stdout, stderr } = await run(
      "vnet",
      ["import", "config.ini"],
      {
        config:
          "[common]\nserver_addr = hub\n[ssh]\nlocal_port = 22\nremote_port = 6000\n[web]\nlocal_port = 80\nremote_port = 6001\n",
      },
    );
    expect(status).to.equal(0);
    expect(stdout).to.include("[public.ssh]");
    expect(stderr).to.equal(
      "! config.ini: 2 public ports for the hub's own file: see the comments at the end\n",
    );
  });

  it("makes of a file with several servers a node for each, by the document's command, and they run beside each other", async function () {
    needs(this, "awk");
    const folder = makeFolder();
    const servers = await Promise.all([startHub(), startHub()]);
    const services = await Promise.all(["one", "two"].map(startSpeaker));
    const ports = [await reservePort(), await reservePort()];
    const networks = (own: (at: number) => object) =>
      JSON.stringify({
        networks: servers.map(({ port }, at) => ({
          ...{ server_host: "127.0.0.1", server_port: port, topic: "mysql" },
          ...own(at),
        })),
      });
    try {
      const out = networks((at) => ({
        backend_host: "127.0.0.1",
        backend_port: services[at]?.port,
      }));
      const from = networks((at) => ({ bind: "127.0.0.1", port: ports[at] }));
      for (const config of [out, from]) {
        const { stdout, stderr, status } = await run(
          "vnet",
          ["import", "config.ini"],
          { config },
        );
        expect(status).to.equal(3);
        expect(stderr).to.match(
          /^! config\.ini: only the first of 2 configurations counts; .*: the hub 127\.0\.0\.1 port \d+\n$/,
        );
        writeFileSync(join(folder, "imported.ini"), stdout);
        const { stdout: second } = await runProgram(
          "awk",
          [AWK, "imported.ini"],
          {
            cwd: folder,
          },
        );
        for (const text of [stdout, second]) {
          expect(text).to.match(/^\[route\]$/m);
          startNode(text);
        }
      }
      // One topic at two servers: two services, as neither knows of the other.
      for (const [at, port] of ports.entries())
        expect(await untilAnswered(port)).to.equal(["one", "two"][at]);
    } finally {
      await closeLaunched();
      for (const service of services) await service.close();
      removeFolder(folder);
    }
  });

  async function untilAnswered(port: number): Promise<string> {
    const end = performance.now() + DEADLINE_MS;
    while (performance.now() < end) {
      const answer = await askWho(port);
      answer?.connection.socket.destroy();
      if (answer !== null) return answer.name;
    }
    throw new Error(`nobody answered at port ${port} in time`);
  }

  it("fills templates in from --env before the environment, and asks for what is in neither", async () => {
    const config =
      "[common]\nserver_addr = {{ .Envs.HOST_OF_FRPS }}\ntoken = {{ .Envs.TOKEN_OF_FRPS }}\n";
    const given = [
      "--env",
      "HOST_OF_FRPS=a",
      "--env",
      "TOKEN_OF_FRPS=x=y-long",
    ];
    const args = ["import", "config.ini"];
    const { status, stdout } = await run("vnet", [...args, ...given], {
      config,
      env: { HOST_OF_FRPS: "b" },
    });
    expect(status).to.equal(0);
    expect(stdout).to.include("ip=a\n").and.include("authkey=x=y-long\n");
    const without = await run("vnet", args, {
      config,
      env: { HOST_OF_FRPS: "b" },
    });
    expect(without.status).to.equal(2);
    expect(without.stderr).to.equal(
      "config.ini:3: found the template {{ .Envs.TOKEN_OF_FRPS }} and no environment variable TOKEN_OF_FRPS; give it by --env TOKEN_OF_FRPS=VALUE\n",
    );
    const wrong = await run("vnet", [...args, "--env", "X"], { config });
    expect(wrong.status).to.equal(2);
    expect(wrong.stderr).to.include("--env wants NAME=VALUE");
  });

  it("ends with status 2 and one line where the file is not what it should be", async () => {
    const { status, stdout, stderr } = await run(
      "vnet",
      ["import", "config.ini"],
      { config: '{"networks": [{"port": 0}]}' },
    );
    expect([status, stdout]).to.deep.equal([2, ""]);
    expect(stderr).to.include("config.ini: networks[0].port: found");
  });

  const wrong: [args: string[], says: RegExp][] = [
    [
      ["import"],
      /FILE is missing; usage: \S*\/vnet import FILE \[--server FRPS-FILE\] \[--env NAME=VALUE\]…\n$/,
    ],
    [
      ["import", "a", "b"],
      /more than FILE; usage: \S*\/vnet import FILE \[--server FRPS-FILE\] \[--env NAME=VALUE\]…\n$/,
    ],
    [
      ["import", "--check", "a"],
      /usage: \S*\/vnet import FILE \[--server FRPS-FILE\] \[--env NAME=VALUE\]…\n$/,
    ],
    [["keygen", "a"], /nothing may follow; usage: \S*\/vnet keygen\n$/],
    [["import", "none.json"], /none\.json: no such file/],
    [
      ["status"],
      /^vnet: status is no verb, and no file here has that name; the verbs are .*init, import, keygen.*; see .*--help\n$/,
    ],
    [["imprt", "a.json"], /imprt is no verb.*, did you mean import\?/],
    [["Keygen"], /Keygen is no verb.*, did you mean keygen\?/],
    [
      ["show", "serves"],
      /show serves is a command of a running node's terminal; .*config\.ini -e 'show serves'\n$/,
    ],
    [
      ["serve", "22"],
      /serve 22 is a command of a running node's terminal; type it there, or start a node with --serve 22 or /,
    ],
    [
      ["use", "run", "mysql@home", "3306"],
      /start a node with --use SPEC or a section \[use\.X\] of its file; see/,
    ],
    [["reload"], /reload is a command .*terminal; type it there\n$/],
    [["use", "trust", "ssh"], /-e 'use trust ssh'\n$/],
    [["--nope"], /^vnet: Unknown option '--nope'; see .*--help\n$/],
    [["none.ini"], /none\.ini: no such file/],
    [["import", "."], /is a directory/],
  ];
  for (const [args, says] of wrong)
    it(`says how to call it after \`${args.join(" ")}\``, async () => {
      const { status, stdout, stderr } = await run("vnet", args);
      expect([status, stdout]).to.deep.equal([2, ""]);
      expect(stderr).to.match(says);
      expect(stderr.trim()).not.to.include("\n");
    });

  const foreign: [string, string, "route" | "vnet", string, string][] = [
    [
      ...(["frpc.toml", "frp", "vnet"] as const),
      'serverAddr = "hub"\nserverPort = 7000\n[[proxies]]\nname = "a"\n',
      "serverAddr",
    ],
    [
      ...(["frpc.ini", "frp", "vnet"] as const),
      "[common]\nserver_addr = hub\n[ssh]\nlocal_port = 22\n",
      "[common]",
    ],
    [...(["frps.toml", "frp", "route"] as const), "bindPort = 7000\n", "bind"],
    [
      ...(["client.toml", "rathole", "vnet"] as const),
      '[client]\nremote_addr = "hub:2333"\n[client.services.a]\nlocal_addr = "127.0.0.1:22"\n',
      "[client]",
    ],
  ];
  for (const [file, owner, program, text, own] of foreign)
    it(`is named by ./${program} ${file}, in one line`, async () => {
      const folder = makeFolder();
      writeFileSync(join(folder, file), text);
      const started = startBare(program, [file], { folder });
      const { status } = await started.exited;
      const { stderr } = started;
      removeFolder(folder);
      expect(status).to.equal(2);
      expect(stderr).to.match(
        new RegExp(
          `^\\S*${file}: this is a file of ${owner}; \`\\S*/vnet import \\S*${file}\` prints it as one of ours\\n$`,
        ),
      );
      expect(stderr).not.to.include(own);
    });

  it("leaves the mistakes of our own file as they are", async () => {
    const { stderr } = await run("vnet", ["config.ini"], {
      config: "server_addr = hub\n[serve.a]\nport = 22\nlocal_port = 1\n",
    });
    expect(stderr).to.include("found before any section");
    expect(stderr).not.to.include("import");
  });

  it("tells its usage with --help", async () => {
    for (const args of [
      ["import", "--help"],
      ["import", "-h", "a.json"],
    ]) {
      const { status, stdout } = await run("vnet", args);
      expect(status).to.equal(0);
      expect(stdout).to.match(
        /^Usage: \S*\/vnet import FILE \[--server FRPS-FILE\] \[--env NAME=VALUE\]…\n/,
      );
    }
  });
});
