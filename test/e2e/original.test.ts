// Files in the manner of the original tool (test/config/original), as they lie there but for addresses and ports, with the
// real programs: what they offer is reached.

import { readFileSync, writeFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { startEcho, type TestServer } from "../support/echo.js";
import { makeFolder } from "../support/folder.js";
import {
  closeLaunched,
  run,
  startBare,
  startNode,
  type Launched,
} from "../support/launch.js";
import { reservePort } from "../support/ports.js";
import { projectRoot } from "../support/project.js";
import { untilEchoed } from "../support/reach.js";

const FOLDER = join(projectRoot, "test", "config", "original");

describe("the files of the original tool", function () {
  this.timeout(180_000);
  let echo: TestServer;
  let other: TestServer;
  let port: number;

  before(async () => {
    echo = await startEcho();
    other = await startEcho();
  });
  beforeEach(async () => {
    port = await reservePort();
  });
  afterEach(closeLaunched);
  after(async () => {
    await echo.close();
    await other.close();
  });

  /** The program with that file; its bytes are kept but for the numbers that are replaced. */
  function start(
    program: "route" | "vnet",
    name: string,
    replaced: Record<string, string | number> = {},
    args: string[] = [],
  ): Launched {
    // Every byte is one character of Latin-1, both ways.
    let text = readFileSync(join(FOLDER, name), "latin1");
    for (const [from, to] of [
      ...Object.entries(replaced),
      ...[["10.12.140.180", "127.0.0.1"] as const, ["7749", port] as const],
    ])
      text = text.replaceAll(from, String(to));
    const folder = makeFolder();
    writeFileSync(join(folder, "config.ini"), text, "latin1");
    return startBare(program, ["config.ini", ...args], { folder });
  }

  for (const [hub, home, office] of [
    ["hub.ini", "home.ini", "office.ini"],
    ["hub-gbk-crlf.ini", "home-gbk-crlf.ini", "office-gbk-crlf.ini"],
    ["hub-utf8-bom-crlf.ini", "home-cp949-crlf.ini", "office-utf8-bom.ini"],
    ["hub.ini", "home-cr.ini", "office-big5.ini"],
  ] as const)
    it(`lead from the office to home: ${hub}, ${home}, ${office}`, async () => {
      const usePort = await reservePort();
      await start("route", hub).waitForOutput("ready: nodes can join");
      const at = start("vnet", home, { "port=22": `port=${echo.port}` });
      start("vnet", office, { 1122: usePort });
      await untilEchoed(usePort);
      expect(at.output).to.match(/vnet remote-ssh of group default-ssh starts/);
    });

  it("with empty values work by their defaults", async () => {
    await start("route", "hub.ini").waitForOutput("ready: nodes can join");
    const usePort = await reservePort();
    const route = ["--route", `127.0.0.1:${port}`];
    start("vnet", "empty-values.ini", { 3389: echo.port }, route);
    startBare("vnet", [...route, "--use", `xrdp:${usePort}`]);
    await untilEchoed(usePort);
  });

  it("offer two services of one dynamic serveid: the second one gets another", async () => {
    await start("route", "hub.ini").waitForOutput("ready: nodes can join");
    start("vnet", "same-dynamic-id.ini", {
      "port=80\n": `port=${echo.port}\n`,
      8080: other.port,
    });
    const ports = [await reservePort(), await reservePort()];
    const words = ["--route", `127.0.0.1:${port}`];
    for (const [at, name] of ["blog", "wiki"].entries())
      startBare("vnet", [...words, "--use", `${name}:${ports[at]}`]);
    for (const each of ports) await untilEchoed(each);
    const { stdout } = await run("vnet", [
      ...[...words, "-e", "show serves --json"],
    ]);
    const rows = JSON.parse(stdout) as { serveid: string; name: string }[];
    const ids = rows.map(({ serveid }) => serveid);
    expect(new Set(ids).size).to.equal(2);
    expect(ids).to.include("007");
  });

  it("of a hub and a node on the public machine: one file for both, and a port there leads home", async () => {
    const usePort = await reservePort();
    const folder = makeFolder();
    const hub = start("route", "both.ini");
    await hub.waitForOutput("ready: nodes can join");
    const text = readFileSync(hub.configFile, "utf8");
    writeFileSync(
      join(folder, "config.ini"),
      text.replace("8080", String(usePort)),
    );
    startBare("vnet", [], { folder });
    start("vnet", "home.ini", {
      "port=22": `port=${echo.port}`,
      "default-ssh": "default",
    });
    await untilEchoed(usePort);
    const others = Object.values(networkInterfaces())
      .flatMap((each) => each ?? [])
      .filter(({ family, internal }) => family === "IPv4" && !internal);
    for (const { address } of others)
      await untilEchoed({ host: address, port: usePort });
  });

  it("of a hub need no more than a port: it listens on all addresses, and says which", async () => {
    const folder = makeFolder();
    writeFileSync(join(folder, "config.ini"), `[route]\nport=${port}\n`);
    // Without a word it is config.ini of the working folder.
    const hub = startBare("route", [], { folder });
    await hub.waitForOutput(
      new RegExp(
        `the hub listens on (?:\\[::\\]:${port}, all addresses of IPv6 and IPv4|0\\.0\\.0\\.0:${port}, all addresses of IPv4)$`,
        "m",
      ),
    );
    const node = startNode(`[route]\nip=127.0.0.1\nport=${port}\n`);
    await node.waitForOutput("connected to the hub");
    const isDual = hub.output.includes("[::]");
    if (!isDual) return;
    const far = startNode(`[route]\nip=::1\nport=${port}\n[vnet]\nname=far\n`);
    await far.waitForOutput("connected to the hub");
  });

  it("and everything else may reach one serve by two local ports", async () => {
    const hubPort = port;
    const [p1, p2, p3, p4, p5, p6, p7, p8] = await Promise.all(
      Array.from({ length: 8 }, reservePort),
    );
    const hub = startBare("route", [
      ...["--port", String(hubPort), "--ip", "127.0.0.1"],
      ...["--authkey", "a-key-for-all-of-them"],
      ...["--public", `700:${p1}`, "--public", `700:${p2}`],
    ]);
    await hub.waitForOutput("ready: nodes can join");
    const words = [
      ...["--route", `127.0.0.1:${hubPort}`],
      ...["--authkey", "a-key-for-all-of-them"],
    ];
    startBare("vnet", [
      ...[...words, "--name", "home"],
      ...["--serve", `${echo.port},name=ssh,serveid=700`],
    ]);
    startBare("vnet", [
      ...[...words, "--use", `700:${p3}`, "--use", `700:${p4}`],
      ...["--use", `ssh:${p5}`, "--use", `ssh@home:${p6}`],
    ]);
    const typed = startBare("vnet", [...words, "--terminal"]);
    await typed.waitForOutput("connected to the hub");
    typed.send(`use run 700 ${p7}`);
    typed.send(`use run 700 ${p8}`);
    for (const each of [p1, p2, p3, p4, p5, p6, p7, p8])
      await untilEchoed(each ?? 0);
  });
});
