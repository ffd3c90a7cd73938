// A web service behind host=, through real programs: nginx serves, curl and a browser's WebSocket ask.

import { expect } from "chai";
import { execFile } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { WebSocket, WebSocketServer } from "ws";
import { within } from "../support/deadline.js";
import { findProgram, needs } from "../support/find-program.js";
import { makeFolder, removeFolder } from "../support/folder.js";
import { askJson, startMember, untilUse, useSection } from "../support/lan.js";
import { closeLaunched, startHub, type Launched } from "../support/launch.js";
import { reservePort } from "../support/ports.js";
import { startNginx, type Service } from "../support/programs.js";

const execute = promisify(execFile);

const BYTES = 50 * 1024 * 1024;
const WEB = 700;
const SOCKETS = 701;
const NOBODY = 702;

const webSection = (serveid: number, port: number) =>
  `[serve.w${serveid}]\nserveid = ${serveid}\nport = ${port}\ntype = http\nhost = internal.example\n`;

describe("a web service with a Host header of its own", function () {
  this.timeout(300_000);
  const ports = new Map<number, number>();
  const bulk = randomBytes(BYTES);
  let nginx: Service | undefined;
  let folder: string;
  let server: http.Server;
  let sockets: WebSocketServer;
  let home: Launched;

  before(async function () {
    needs(this, "nginx", "curl");
    folder = makeFolder();
    writeFileSync(join(folder, "bulk"), bulk);
    nginx = await startNginx(
      { "index.html": "hello\n", bulk },
      `client_max_body_size 1m;
       location /asked { return 200 "$host|$http_x_forwarded_for|$http_x_forwarded_proto|$http_x_forwarded_host|$connection\\n"; }`,
    );
    server = http.createServer((request, response) => {
      const hash = createHash("sha256");
      request.on("data", (chunk: Buffer) => hash.update(chunk));
      request.on("end", () => response.end(hash.digest("hex")));
    });
    sockets = new WebSocketServer({ server });
    sockets.on("connection", (socket, request) => {
      socket.send(
        `${request.headers.host}|${String(request.headers["x-forwarded-for"])}`,
      );
      socket.on("message", (data, isBinary) => {
        socket.send(data, { binary: isBinary });
      });
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");

    const hub = await startHub();
    home = await startMember(hub, {
      name: "home",
      sections: [
        webSection(WEB, nginx.port),
        webSection(SOCKETS, (server.address() as AddressInfo).port),
        webSection(NOBODY, await reservePort()),
      ].join("\n"),
    });
    for (const id of [WEB, SOCKETS, NOBODY]) ports.set(id, await reservePort());
    const office = await startMember(hub, {
      name: "office",
      sections: [...ports].map((pair) => useSection(...pair)).join("\n"),
    });
    for (const id of ports.keys()) await untilUse(office, id, "listening");
  });

  after(async () => {
    await closeLaunched();
    await nginx?.close();
    sockets?.close();
    server?.closeAllConnections();
    server?.close();
    if (folder) removeFolder(folder);
  });

  const url = (id: number, path: string) =>
    `http://127.0.0.1:${ports.get(id)}${path}`;

  async function curl(...args: string[]): Promise<string> {
    const { stdout } = await execute(
      findProgram("curl") ?? "",
      [
        "--silent",
        "--show-error",
        "--noproxy",
        "*",
        "--max-time",
        "60",
        ...args,
      ],
      { encoding: "utf8" },
    );
    return stdout;
  }

  it("gets its own host and is told what was asked for, on one connection for two requests", async () => {
    const asked = url(WEB, "/asked");
    const lines = (await curl(asked, asked)).trimEnd().split("\n");
    const [first, second] = lines.map((line) => line.split("|"));
    expect(first!.slice(0, 4)).to.deep.equal([
      "internal.example",
      "127.0.0.1",
      "http",
      `127.0.0.1:${ports.get(WEB)}`,
    ]);
    expect(second).to.deep.equal(first);
    const [another] = (await curl(asked)).trimEnd().split("\n");
    expect(another!.split("|")[4]).not.to.equal(first![4]);
  });

  it("sends 50 MiB unchanged", async () => {
    const got = join(folder, "got");
    await curl("--output", got, url(WEB, "/bulk"));
    expect(readFileSync(got).equals(bulk)).to.equal(true);
  });

  for (const [how, ...args] of [
    ["with a length"],
    ["in chunks", "--header", "Transfer-Encoding: chunked"],
    ["after a 100", "--header", "Expect: 100-continue"],
  ] as const)
    it(`takes 50 MiB unchanged ${how}`, async () => {
      const answer = await curl(
        ...args,
        ...["--request", "POST", "--data-binary", `@${join(folder, "bulk")}`],
        url(SOCKETS, "/"),
      );
      expect(answer).to.equal(createHash("sha256").update(bulk).digest("hex"));
    });

  it("refuses what is too large, and its answer arrives", async () => {
    const status = await curl(
      ...["--output", "/dev/null", "--write-out", "%{http_code}"],
      ...["--data-binary", `@${join(folder, "bulk")}`, url(WEB, "/")],
    );
    expect(status).to.equal("413");
  });

  it("is asked for by a client that wants HTTP/2, and answers in HTTP/1.1", async () => {
    expect(await curl("--http2", url(WEB, "/"))).to.equal("hello\n");
  });

  it("echoes over a WebSocket, text and a megabyte", async () => {
    const socket = new WebSocket(url(SOCKETS, "/").replace("http", "ws"));
    const next = async () =>
      (await within("a message", once(socket, "message")))[0] as Buffer;
    try {
      expect((await next()).toString()).to.equal("internal.example|127.0.0.1");
      socket.send("hello");
      expect((await next()).toString()).to.equal("hello");
      const large = bulk.subarray(0, 1024 * 1024);
      socket.send(large);
      expect((await next()).equals(large)).to.equal(true);
      socket.close(1000, "bye");
      const [code] = (await within("the close", once(socket, "close"))) as [
        number,
      ];
      expect(code).to.equal(1000);
    } finally {
      socket.terminate();
    }
  });

  it("that is not there is a 502 in words", async () => {
    const answer = await curl("--include", url(NOBODY, "/"));
    expect(answer).to.match(
      /^HTTP\/1\.1 502 Bad Gateway\r\n[^]*\n502 Bad Gateway: cannot connect to 127\.0\.0\.1:\d+: connection refused, nothing listens there\n$/,
    );
  });

  it("leaves no stream behind", async () => {
    for (;;) {
      const { streams } = await askJson<{ streams: { now: number } }>(
        home,
        "show vnet",
      );
      if (streams.now === 0) return;
    }
  });
});
