// A hub behind nginx, as qjw's proxy is put there, by configuration files alone; and the three times of [route], which
// are what happens. What the PROXY protocol is in all its forms stands in test/hub/proxies.test.ts.

import { connect, createServer, type Server } from "node:net";
import { expect } from "chai";
import type { Context } from "mocha";
import { recordClientHello } from "../support/client-hello.js";
import { openClientKey } from "../support/link-key.js";
import { eventually, within } from "../support/deadline.js";
import {
  connectTo,
  startEcho,
  TestServer,
  type Observed,
} from "../support/echo.js";
import { needs } from "../support/find-program.js";
import {
  closeLaunched,
  startHub,
  startNode,
  type Hub,
} from "../support/launch.js";
import { reservePort } from "../support/ports.js";
import type { Service } from "../support/programs.js";
import {
  needsNginxStream,
  startHaproxy,
  startNginxStream,
} from "../support/proxies.js";
import { exchange, untilEchoed } from "../support/reach.js";

const route = (port: number, more = "") =>
  `[route]\nip=127.0.0.1\nport=${port}\n${more}\n`;

describe("a hub behind nginx", function () {
  this.timeout(180_000);
  let echo: TestServer;
  let nginx: Service | undefined;

  before(async function () {
    needsNginxStream(this);
    echo = await startEcho();
  });
  afterEach(async () => {
    await closeLaunched();
    await nginx?.close();
    nginx = undefined;
  });
  after(() => echo?.close());

  async function startBehind(more: string, proxyProtocol: boolean) {
    const port = await reservePort();
    nginx = await startNginxStream(port, { proxyProtocol });
    return startHub(route(port, more));
  }

  /** By two nodes that know nginx's address only. */
  async function serveAndUse(): Promise<void> {
    const use = await reservePort();
    const config = route(nginx?.port ?? 0);
    startNode(`${config}[serve.echo]\nport=${echo.port}\n`);
    startNode(`${config}[use.echo]\nserve=echo\nport=${use}\n`);
    await untilEchoed(use);
  }

  it("serves nodes with nothing set, who then all have nginx's address", async () => {
    const hub = await startBehind("", false);
    await serveAndUse();
    await hub.waitForOutput(/joined group default from 127\.0\.0\.1:\d/);
  });

  it("with proxy_protocol=true the log names true addresses, and who comes around nginx is turned away", async () => {
    const hub = await startBehind("proxy_protocol=true", true);
    await serveAndUse();
    // nginx connects from one address; the stranger has another one.
    const from = { localAddress: "127.0.0.9", host: "127.0.0.1" };
    await exchange(
      { ...from, port: nginx?.port ?? 0 },
      "GET / HTTP/1.0\r\n\r\n",
    ).catch(() => "");
    await hub.waitForOutput(
      /connection from 127\.0\.0\.9:\d+ was turned away: is no vnet/,
    );
    await exchange(hub.port, "GET / HTTP/1.0\r\n\r\n").catch(() => "");
    await hub.waitForOutput(
      /connection from 127\.0\.0\.1:\d+ was turned away: .*PROXY/,
    );
  });

  it("with proxy_protocol=true one address fills its own places only", async () => {
    await startBehind(
      "proxy_protocol=true\n[limits]\nhandshake_timeout=120\nmax_unauthenticated_per_address=2",
      true,
    );
    const port = nginx?.port ?? 0;
    const crowd = Array.from({ length: 10 }, () =>
      connect({ host: "127.0.0.1", port, localAddress: "127.0.0.9" }),
    );
    try {
      // Each begins a handshake, with the key of a hub without authkey, and says no more.
      for (const socket of crowd)
        socket
          .on("error", () => undefined)
          .resume()
          .write(await recordClientHello(await openClientKey()));
      const left = () => crowd.filter(({ readableEnded }) => !readableEnded);
      await eventually("two of them are left", () => left().length === 2);
      await serveAndUse();
      expect(left()).to.have.length(2);
    } finally {
      for (const socket of crowd) socket.destroy();
    }
  });
});

describe("a hub behind a proxy that forgets quiet connections after 3 s", function () {
  this.timeout(180_000);
  const BEATS = "heartbeat_interval=200\nheartbeat_timeout=5000";
  const ASKED = "are you there?";
  const TIMEOUT_MS = 3_000;
  let proxy: Service | undefined;
  let service: TestServer;
  const users: Observed[] = [];

  const PROXIES = [
    {
      name: "nginx",
      encrypt: true,
      hub: "",
      needed: needsNginxStream,
      start: (port: number) =>
        startNginxStream(port, { proxyProtocol: false, timeoutMs: TIMEOUT_MS }),
    },
    {
      name: "haproxy",
      encrypt: false,
      hub: "\nproxy_protocol=true",
      needed: (context: Context) => {
        needs(context, "haproxy");
      },
      start: (port: number) => startHaproxy(port, "send-proxy", TIMEOUT_MS),
    },
  ];

  before(async () => {
    // Of streams that last, each side ends its half when the test says so.
    service = await TestServer.start((connection) => {
      const { socket } = connection;
      socket.on("data", (bytes: Buffer) => socket.write(bytes));
      socket.on("end", () => {
        if (connection.text === ASKED) socket.end();
      });
    });
  });
  afterEach(async () => {
    for (const { socket } of users.splice(0)) socket.destroy();
    await closeLaunched();
    await proxy?.close();
    proxy = undefined;
  });
  after(() => service?.close());

  /** The proxy itself says when that time is over. */
  async function untilForgotten(port: number): Promise<void> {
    const witness = await connectTo(port);
    try {
      await within("the end of a quiet one", witness.ended, 60_000);
    } finally {
      witness.socket.destroy();
    }
  }

  /** A user's stream, and its end at the service. */
  async function open(use: number) {
    const coming = service.nextConnection();
    const user = await connectTo(use);
    users.push(user);
    const atService = await within("the service's connection", coming);
    user.socket.write("?");
    await within("an answer", user.untilBytes(1));
    return { user, atService };
  }

  for (const { name, encrypt, hub: more, needed, start } of PROXIES)
    it(`${name}: keeps quiet streams (encrypt=${encrypt}), whole ones and those of which one half has ended`, async function () {
      needed(this);
      const [hub, use] = [await reservePort(), await reservePort()];
      proxy = await start(hub);
      await startHub(route(hub, `${BEATS}${more}`));
      const config = `${route(proxy.port, BEATS)}[vnet]\nencrypt=${encrypt}\n`;
      startNode(`${config}[serve.echo]\nport=${service.port}\n`);
      startNode(`${config}[use.echo]\nserve=echo\nport=${use}\n`);
      await untilEchoed(use, ASKED);

      const whole = await open(use);
      const endedByUser = await open(use);
      endedByUser.user.socket.end();
      await within("the user's end", endedByUser.atService.ended);
      const endedByService = await open(use);
      endedByService.atService.socket.end();
      await within("the service's end", endedByService.user.ended);
      for (let round = 0; round < 2; round++) await untilForgotten(proxy.port);

      whole.user.socket.write("!");
      await within("an echo", whole.user.untilBytes(2));
      endedByUser.atService.socket.write("!");
      await within("a late word", endedByUser.user.untilBytes(2));
      endedByService.user.socket.write("!");
      await within("a late word", endedByService.atService.untilBytes(2));
    });
});

describe("the times of [route]", function () {
  this.timeout(180_000);
  afterEach(closeLaunched);

  it("heartbeat_timeout: a hub that stands still is given up after about that time", async () => {
    const port = await reservePort();
    const times = "heartbeat_interval=200\nheartbeat_timeout=800";
    const hub: Hub = await startHub(route(port, times));
    const node = startNode(route(port, times));
    await node.waitForOutput("connected to the hub");
    hub.kill("SIGSTOP");
    const stopped = performance.now();
    try {
      await node.waitForOutput(/the hub \S+ is lost: /);
      expect(performance.now() - stopped).to.be.within(500, 12_000);
    } finally {
      hub.kill("SIGCONT");
    }
    await node.waitForOutput(/is lost[^]*connected to the hub/);
  });

  it("heartbeat_timeout of the hub: a node that stands still has left after about that time", async () => {
    const port = await reservePort();
    const times = "heartbeat_interval=200\nheartbeat_timeout=800";
    const hub = await startHub(route(port, times));
    const node = startNode(route(port));
    await hub.waitForOutput("joined group default");
    node.kill("SIGSTOP");
    const stopped = performance.now();
    try {
      await hub.waitForOutput(/of group default left: /);
      expect(performance.now() - stopped).to.be.within(500, 12_000);
    } finally {
      node.kill("SIGCONT");
    }
  });

  it("retry_interval: attempts come in its rhythm, and do not grow rarer", async () => {
    const port = await reservePort();
    const at: number[] = [];
    const server: Server = createServer((socket) => {
      at.push(performance.now());
      socket.on("error", () => undefined).resetAndDestroy();
    });
    await new Promise<void>((resolve) =>
      server.listen(port, "127.0.0.1", resolve),
    );
    try {
      startNode(route(port, "retry_interval=300"));
      await eventually("nine attempts", () => at.length >= 9);
    } finally {
      server.close();
    }
    const gaps = at.slice(1).map((time, n) => time - (at[n] ?? 0));
    for (const gap of gaps) expect(gap).to.be.at.least(140);
    // One that is late on a busy machine says nothing; that all but the first are would.
    const second = gaps.toSorted((a, b) => a - b)[1];
    expect(second, gaps.map(Math.round).join(" ")).to.be.below(600);
  });
});
