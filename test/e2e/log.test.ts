// The programs' log as an operator sees it: where it goes, how it looks, and that it never stops a program.

import { execFileSync } from "node:child_process";
import {
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { eventually } from "../support/deadline.js";
import { findProgram, needs } from "../support/find-program.js";
import { makeFolder, removeFolder } from "../support/folder.js";
import { nodeConfig, untilVnet, type VnetView } from "../support/lan.js";
import {
  closeLaunched,
  run,
  startBare,
  startHub,
  startNode,
} from "../support/launch.js";
import { reservePort } from "../support/ports.js";
import { connectTo } from "../support/echo.js";

const TIMED =
  /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (debug|info |warn |error) \S/;

const linesOf = (text: string) =>
  text.split("\n").filter((line) => line !== "");

describe("the log of the programs", function () {
  this.timeout(180_000);
  let folder: string;

  beforeEach(() => {
    folder = makeFolder();
  });

  afterEach(async () => {
    await closeLaunched();
    removeFolder(folder);
  });

  const hubConfig = (port: number, log: string) =>
    `[route]\nip = 127.0.0.1\nport = ${port}\n[log]\n${log}\n`;

  it("is lines of text on standard error, and says when nodes can join", async () => {
    const hub = await startHub();
    await hub.waitForOutput("ready: nodes can join");
    const stranger = await connectTo(hub.port);
    stranger.socket.write("GET / HTTP/1.1\r\n\r\n");
    await hub.waitForOutput("was turned away: is no vnet");
    await hub.close();
    expect(hub.stdout).to.equal("");
    for (const line of linesOf(hub.stderr)) expect(line).to.match(TIMED);
  });

  it("of a node says which of its uses do not listen yet, and why", async () => {
    const hub = await startHub();
    const port = await reservePort();
    const node = startBare("vnet", [
      ...["--route", `127.0.0.1:${hub.port}`],
      ...["--use", `700:${port}`, "--use", "nothing@home:1"],
    ]);
    await node.waitForOutput("ready: 0 of 0 serves registered, 0 of 2 uses");
    await node.waitForOutput(
      /warn +use \S+ \(700\) does not listen yet: nobody offers 700 just now\n/,
    );
    await node.waitForOutput(
      /warn +use \S+ \(nothing@home\) does not listen yet: no node home in this group just now\n/,
    );
  });

  it("goes to a file as JSON where the file says so, and standard error stays empty", async () => {
    const file = join(folder, "hub.log");
    const port = await reservePort();
    const hub = await startHub(hubConfig(port, `format=json\nfile=${file}`));
    const node = startNode(nodeConfig(port, { name: "home" }));
    await node.waitForOutput("connected to the hub");
    await hub.close();
    const events = linesOf(readFileSync(file, "utf8")).map(
      (line) => JSON.parse(line) as Record<string, string>,
    );
    expect(events.find(({ who }) => who === "vnet 01 (home)")).to.include({
      level: "info",
    });
    expect(hub.output).to.equal("");
  });

  it("is written behind what is there already, and by the command line's words before the file's", async () => {
    const file = join(folder, "log");
    const port = await reservePort();
    for (let n = 0; n < 2; n++) {
      const hub = await startHub(hubConfig(port, "level=error"), {
        args: ["--log-file", file, "--log-level", "info"],
      });
      await hub.close();
    }
    expect(readFileSync(file, "utf8").match(/ready: /g)).to.have.length(2);
  });

  it("keeps what a node says out of the screen of its script", async () => {
    const hub = await startHub();
    const node = startNode(nodeConfig(hub.port, { name: "home" }), {
      args: ["--log-level", "warn"],
    });
    const isOnline = (view: VnetView) => view.link_state === "online";
    await untilVnet(node, isOnline, "online");
    await node.close();
    expect(node.stderr).to.equal("");
  });

  it("does not make another node of a command line without a file", async () => {
    const hub = await startHub();
    const words = ["--route", `127.0.0.1:${hub.port}`];
    const fingerprint = async (...more: string[]) => {
      const node = startBare("vnet", [...words, ...more, "--terminal"], {
        folder,
      });
      await node.waitForOutput("ready: ");
      node.send("show vnet --json");
      await node.waitForOutput('"link_state":"online"');
      const [, key] = /"fingerprint":"([^"]+)"/.exec(node.stdout) ?? [];
      node.kill("SIGTERM");
      await node.exited;
      return key;
    };
    expect(await fingerprint("--log-level", "debug")).to.equal(
      await fingerprint(),
    );
  });

  for (const [what, file, status, code] of [
    [
      "for want of its folder, which may come,",
      "/nowhere/hub.log",
      1,
      "there is no folder /nowhere; make /nowhere first \\(ENOENT",
    ],
    [
      "because it is a folder",
      "/tmp",
      2,
      "it is a folder and no file \\(EISDIR",
    ],
  ] as const)
    it(`that cannot be opened ${what} is one line and status ${status}, and nothing is started`, async () => {
      for (const launcher of ["route", "vnet"] as const) {
        const config = hubConfig(await reservePort(), `file=${file}`);
        const outcome = await run(launcher, ["config.ini"], { config });
        expect(outcome.status).to.equal(status);
        expect(outcome.stderr).to.match(
          new RegExp(
            `^config\\.ini: \\[log\\] file: cannot write ${file}: .*${code}[^\\n]*\\n$`,
          ),
        );
      }
    });

  /** Lets the hub write a line that is known by its port. */
  async function turnAway(port: number): Promise<string> {
    const stranger = await connectTo(port);
    const from = String(stranger.socket.localPort);
    stranger.socket.write("GET / HTTP/1.1\r\n\r\n");
    await stranger.ended;
    return `127.0.0.1:${from} was turned away`;
  }

  async function untilWritten(file: string, text: string): Promise<void> {
    await eventually(`${text} in ${file}`, () =>
      readFileSync(file, "utf8").includes(text),
    );
  }

  for (const [what, move] of [
    ["renamed", (file: string) => renameSync(file, `${file}.1`)],
    ["removed", (file: string) => rmSync(file)],
    [
      "replaced by another one",
      (file: string) => {
        writeFileSync(`${file}.new`, "");
        renameSync(`${file}.new`, file);
      },
    ],
  ] as const)
    it(`goes on in a new file of the same name when its file was ${what}`, async () => {
      const file = join(folder, "hub.log");
      const port = await reservePort();
      const hub = await startHub(hubConfig(port, `file=${file}`));
      await untilWritten(file, "ready: ");
      for (let round = 0; round < 2; round++) {
        move(file);
        await untilWritten(file, await turnAway(port));
        expect(readFileSync(file, "utf8")).not.to.include("ready: ");
      }
      await hub.close();
      expect(hub.output).to.equal("");
    });

  it("whose folder was moved away goes on in the moved file, says so once, and comes back", async () => {
    const place = join(folder, "logs");
    mkdirSync(place);
    const file = join(place, "hub.log");
    const port = await reservePort();
    const hub = await startHub(hubConfig(port, `file=${file}`));
    await untilWritten(file, "ready: ");
    renameSync(place, `${place}.1`);
    for (let round = 0; round < 3; round++)
      await untilWritten(join(`${place}.1`, "hub.log"), await turnAway(port));
    await hub.waitForOutput(/^the log .* cannot be opened anew: ENOENT/);
    mkdirSync(place);
    await untilWritten(file, await turnAway(port));
    await hub.close();
    expect(hub.lines).to.have.length(1);
  });

  for (const how of ["create", "copytruncate"])
    it(`is rotated by the real logrotate with ${how}, and no line is in the wrong file`, async function () {
      needs(this, "logrotate");
      const file = join(folder, "hub.log");
      const port = await reservePort();
      await startHub(hubConfig(port, `file=${file}`));
      await untilWritten(file, "ready: ");
      const rules = join(folder, "rules");
      const text = `${file} {\n  rotate 3\n  ${how}\n  nocompress\n}\n`;
      writeFileSync(rules, text, { mode: 0o644 });
      const rotate = () =>
        execFileSync(findProgram("logrotate") ?? "", [
          ...["-f", "-s", join(folder, "status"), rules],
        ]);
      const before = await turnAway(port);
      await untilWritten(file, before);
      rotate();
      const between = await turnAway(port);
      await untilWritten(file, between);
      rotate();
      const after = await turnAway(port);
      await untilWritten(file, after);
      const texts = ["", ".1", ".2"].map((end) =>
        readFileSync(file + end, "utf8"),
      );
      for (const [n, line] of [after, between, before].entries())
        expect(texts.map((each) => each.includes(line))).to.deep.equal(
          texts.map((_, at) => at === n),
        );
      expect(texts.join("")).not.to.include("\0");
    });

  it("with a wrong level or format is refused with what is allowed", async () => {
    for (const [words, allowed] of [
      [["--log-level", "loud"], "debug, info, warn, error"],
      [["--log-format", "xml"], "text, json"],
    ] as const) {
      const { status, stderr } = await run("route", [
        ...["--ip", "127.0.0.1"],
        ...words,
      ]);
      expect(status).to.equal(2);
      expect(stderr).to.include(`allowed ${allowed}`);
    }
  });

  it("on a full disk is lost, and the hub goes on", async function () {
    // Every write to it fails with ENOSPC.
    const port = await reservePort();
    const hub = await startHub(hubConfig(port, "file=/dev/full"));
    await hub.waitForOutput(
      /the log \/dev\/full cannot be written: .*ENOSPC.*; it goes on when it can/,
    );
    const node = startNode(nodeConfig(port, { name: "home" }));
    await node.waitForOutput("connected to the hub");
    await hub.close();
    expect(linesOf(hub.stderr)).to.have.length(1);
  });

  it("whose reader leaves does not take the hub with it", async () => {
    const port = await reservePort();
    const hub = await startHub({ port });
    hub.closeErrorOutput();
    const node = startNode(nodeConfig(port, { name: "home" }));
    await node.waitForOutput("connected to the hub");
    expect(hub.running).to.equal(true);
  });
});
