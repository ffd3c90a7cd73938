// What people and strangers get wrong: configuration files, command lines, and
// bytes on the hub's port. Clear words, the right exit status, nobody disturbed.

import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { expect } from "chai";
import { encodeFrame } from "../../src/wire/frame.js";
import type { Hello } from "../../src/wire/to-hub.js";
import { eventually } from "../support/deadline.js";
import { startEcho, type TestServer } from "../support/echo.js";
import { needs, skip } from "../support/find-program.js";
import { makeFolder } from "../support/folder.js";
import { HubClient, helloOf } from "../support/hub-client.js";
import {
  askJson,
  serveSection,
  startMember,
  untilUse,
  useSection,
} from "../support/lan.js";
import {
  closeLaunched,
  run,
  startHub,
  type Hub,
  type Launched,
} from "../support/launch.js";
import { NOBODYS_KEY } from "../support/link-key.js";
import { reservePort } from "../support/ports.js";

const ROUTE = "[route]\nip = 127.0.0.1\n";

describe("a configuration error", function () {
  this.timeout(180_000);

  /** what is wrong, the file, and what the message must name */
  const cases: [what: string, config: string, ...says: string[]][] = [
    ["no [route]", "[vnet]\nname = a\n", "config.ini", "[route]"],
    ["no ip", "[route]\nport = 7749\n", "config.ini:1", "[route] ip"],
    [
      "a port that is no number",
      "[route]\nip = 127.0.0.1\nport = web\n",
      "config.ini:3",
      "[route] port",
      '"web"',
      "65535",
    ],
    [
      "a port out of range",
      `${ROUTE}port = 70000\n`,
      "config.ini:3",
      "[route] port",
      "70000",
      "65535",
    ],
    [
      "an unknown key",
      `${ROUTE}prot = 7749\n`,
      "config.ini:3",
      "prot",
      "did you mean port?",
    ],
    [
      "an unknown section",
      `${ROUTE}[server.web]\nport = 80\n`,
      "config.ini:3",
      "server.web",
      "serve.web",
    ],
    [
      "a key of another section",
      `${ROUTE}[serve.web]\nport = 80\nallow_unserve = true\n`,
      "config.ini:5",
      "allow_unserve",
    ],
    [
      "a switch that is neither",
      `${ROUTE}[vnet]\nterminal = maybe\n`,
      "config.ini:4",
      "[vnet] terminal",
      "maybe",
      "true",
      "false",
    ],
    [
      "a serveid out of range",
      `${ROUTE}[serve.web]\nserveid = 1000\nport = 80\n`,
      "config.ini:4",
      "[serve.web] serveid",
      "1000",
      "999",
    ],
    [
      "a serve without a port",
      `${ROUTE}[serve.web]\nname = web\n`,
      "config.ini:3",
      "[serve.web] port",
    ],
    [
      "one serveid twice",
      `${ROUTE}[serve.a]\nserveid = 700\nport = 80\n[serve.b]\nserveid = 700\nport = 81\n`,
      "config.ini:7",
      "700",
      "line 4",
    ],
    [
      "one section twice",
      `${ROUTE}[vnet]\nname = a\n[vnet]\nname = b\n`,
      "config.ini:5",
      "[vnet]",
    ],
    ["a key without a value", `${ROUTE}port\n`, "config.ini:3", "port"],
  ];

  for (const [what, config, ...says] of cases)
    it(`names file, line, section, key and what is allowed: ${what}`, async () => {
      const { status, stderr } = await run("vnet", ["config.ini"], { config });
      for (const text of says) expect(stderr).to.include(text);
      expect(status).to.equal(2);
    });

  it("of the hub's is told in the same way", async () => {
    const config = "[route]\nip = 127.0.0.1\nport = 0\n";
    const { status, stderr } = await run("route", ["config.ini"], { config });
    expect(stderr).to.include("config.ini:3").and.to.include("65535");
    expect(status).to.equal(2);
  });

  it("does not stop at the first: all are told at once", async () => {
    const config = "[route]\nip = 127.0.0.1\nport = x\n[vnet]\nterminal = y\n";
    const { stderr } = await run("vnet", ["config.ini"], { config });
    expect(stderr).to.include("config.ini:3").and.to.include("config.ini:5");
  });

  it("is also a file that is not there", async () => {
    const { status, stderr } = await run("vnet", ["nowhere.ini"]);
    expect(stderr).to.include("nowhere.ini");
    expect(status).to.equal(2);
  });

  it("on the command line names what is known", async () => {
    const { status, stderr } = await run("vnet", ["--chekc"], {
      config: ROUTE,
    });
    expect(stderr).to.include("--chekc").and.to.include("--help");
    expect(status).to.equal(2);
  });

  it("leaves --check with the same words, and --check of a good file with what would run", async () => {
    const bad = await run("vnet", ["config.ini", "--check"], {
      config: "[vnet]\n",
    });
    expect(bad.status).to.equal(2);
    const config = `${ROUTE}[serve.web]\nserveid = 7\nport = 80\n`;
    const good = await run("vnet", ["config.ini", "--check"], { config });
    expect(good.stdout)
      .to.include("is fine")
      .and.to.include("007")
      .and.to.include("127.0.0.1:80");
    expect(good.status).to.equal(0);
  });

  it("at run time is exit status 1: the hub's port is taken", async () => {
    const taken = await startEcho();
    const config = `${ROUTE}port = ${taken.port}\n`;
    const { status, stderr } = await run("route", ["config.ini"], { config });
    await taken.close();
    expect(stderr)
      .to.include(String(taken.port))
      .and.to.include("already in use");
    expect(status).to.equal(1);
  });

  it("at run time is exit status 1: the hub's socket cannot be made where it is to be, and what to mend is said", async function () {
    if (process.platform === "win32") skip(this, "needs Unix sockets");
    const isRoot = process.getuid?.() === 0;
    if (isRoot) needs(this, "setpriv");
    // Root may do everything, unless it gives that up.
    const prefix = isRoot ? ["setpriv", "--bounding-set=-all"] : [];
    const folder = makeFolder();
    const [closed, full] = ["closed", "full"].map((name) => join(folder, name));
    mkdirSync(closed!, { mode: 0o600 });
    mkdirSync(full!, { mode: 0o555 });
    writeFileSync(`${folder}/file`, "");
    const rows = [
      [
        `${folder}/no/dir`,
        `there is no folder ${folder}/no; make ${folder}/no/dir first`,
      ],
      [`${folder}/file`, `${folder}/file is a file and no folder`],
      [closed!, `the user who runs this may not enter folder ${closed!}`],
      [full!, `the user who runs this may not write to folder ${full!}`],
    ] as const;
    for (const [at, words] of rows) {
      const ip = `unix:${at}/hub.sock`;
      const outcome = await run("route", ["--ip", ip], { prefix });
      expect(outcome.stderr).to.include(`cannot listen on ${ip}: ${words}\n`);
      expect(outcome.status).to.equal(1);
    }
  });

  it("at run time is exit status 1: -e finds no hub", async () => {
    const config = `${ROUTE}port = ${await reservePort()}\n`;
    const { status, stderr } = await run(
      "vnet",
      ["config.ini", "-e", "show serves"],
      { config },
    );
    expect(stderr)
      .to.include("is not reached")
      .and.to.include("nothing listens there");
    expect(status).to.equal(1);
  });
});

describe("strangers on the hub's port", function () {
  this.timeout(180_000);
  const ID = 700;
  let hub: Hub;
  let office: Launched;
  let service: TestServer;
  let port: number;

  before(async () => {
    service = await startEcho();
    hub = await startHub();
    await startMember(hub, {
      name: "home",
      sections: serveSection(ID, service.port),
    });
    port = await reservePort();
    office = await startMember(hub, {
      name: "office",
      sections: useSection(ID, port),
    });
    await untilUse(office, ID, "listening");
  });

  after(async () => {
    await closeLaunched();
    await service?.close();
  });

  const length = (bytes: number) => {
    const header = Buffer.alloc(4);
    header.writeUInt32BE(bytes);
    return header;
  };

  /** Runs `intrude` 20 times beside a stream, and looks whether all is as it was. */
  async function undisturbed(
    intrude: (n: number) => Promise<void>,
  ): Promise<void> {
    const client = connect({ host: "127.0.0.1", port });
    client.write("before ");
    await once(client, "data");

    try {
      for (let n = 0; n < 20; n++) await intrude(n);
      client.write("after");
      const [answer] = (await once(client, "data")) as [Buffer];
      expect(answer.toString()).to.equal("after");
    } finally {
      client.destroy();
    }
    const { rtt_ms } = await askJson<{ rtt_ms: number[] }>(office, "ping 01");
    expect(rtt_ms).to.have.length(3);
    const serves = await askJson<{ serveid: string }[]>(office, "show serves");
    expect(serves.map(({ serveid }) => serveid)).to.deep.equal(["700"]);
    expect(hub.running).to.equal(true);
  }

  const strangers: [what: string, bytes: () => Buffer[]][] = [
    ["random bytes", () => [Buffer.from([0xff]), randomBytes(4096)]],
    ["HTTP", () => [Buffer.from("GET / HTTP/1.1\r\nhost: x\r\n\r\n")]],
    ["TLS", () => [Buffer.from("160301020001", "hex"), randomBytes(500)]],
    ["half of a TLS record", () => [Buffer.from("1603010200010001", "hex")]],
    [
      "the control link of the first version",
      () => [Buffer.from("vnet-ctl"), encodeFrame(helloOf({ protocol: 1 }))],
    ],
    [
      "a guessed ticket",
      () => [Buffer.from("vnet-leg"), randomBytes(16), randomBytes(100)],
    ],
    ["half a ticket", () => [Buffer.from("vnet-leg"), randomBytes(7)]],
  ];
  for (const [what, bytes] of strangers)
    it(`disturb nobody with ${what}`, () =>
      undisturbed(async (n) => {
        const stranger = connect({ host: "127.0.0.1", port: hub.port });
        stranger.on("error", () => undefined);
        for (const piece of bytes()) stranger.write(piece);
        if (n % 2 === 0) stranger.end();
        else setImmediate(() => stranger.destroy());
        stranger.resume();
        // Perhaps by a reset, which once() would take for a failure.
        await eventually("its end", () => stranger.closed);
      }));

  /** on a control link of an open hub, which is everybody's */
  const controls: [what: string, bytes: (hello: Hello) => Buffer[]][] = [
    ["an oversized frame", () => [length(0xffffffff), randomBytes(1000)]],
    [
      "a frame that stops in the middle",
      (hello) => [encodeFrame(hello).subarray(0, 50)],
    ],
    ["no JSON", () => [length(5), Buffer.from("{{{{{")]],
    ["JSON that is no message", () => [encodeFrame([1, 2, 3])]],
    [
      "a message before hello",
      () => [encodeFrame({ type: "unregister", serveid: 700 })],
    ],
    [
      "an unknown message",
      (hello) => [encodeFrame(hello), encodeFrame({ type: "shutdown" })],
    ],
    ["a second hello", (hello) => [encodeFrame(hello), encodeFrame(hello)]],
    [
      "a hello under a key that is not its own",
      (hello) => [encodeFrame({ ...hello, key: NOBODYS_KEY })],
    ],
    [
      "wrong types in a message",
      (hello) => [encodeFrame({ ...hello, vnetid: "01" })],
    ],
    [
      "a message with more than it may have",
      (hello) => [
        encodeFrame(hello),
        encodeFrame({ type: "unregister", serveid: 700, force: true }),
      ],
    ],
    [
      "somebody else's serve",
      (hello) => [
        encodeFrame(hello),
        encodeFrame({ type: "unregister", serveid: 700 }),
      ],
    ],
    [
      "a name of control characters",
      (hello) => [encodeFrame({ ...hello, name: "\u001b[2J" })],
    ],
  ];
  for (const [what, bytes] of controls)
    it(`disturb nobody on a control link with ${what}`, () =>
      undisturbed(async (n) => {
        const stranger = await HubClient.connect(hub.port);
        await stranger.secure();
        const hello = await stranger.hello({ name: "stranger" });
        for (const piece of bytes(hello)) stranger.sendBytes(piece);
        if (n % 2 === 0) stranger.end();
        else setImmediate(() => stranger.close());
        await stranger.closed;
      }));

  it("are named in the hub's log, with address and reason, or counted where they were many", async () => {
    for (const reason of [
      /connection from 127\.0\.0\.1:\d+ was turned away: is no vnet/,
      /unknown message type "shutdown"/,
      /over the limit of (?:8192|65536)/,
      /a second hello/,
      /did not prove its identity key/,
      /unknown or expired ticket|\d+ more connections? that came to nothing/,
    ])
      await hub.waitForOutput(reason);
    await hub.close();
    expect(hub.stderr).not.to.match(/ {4}at /);
  });
});
