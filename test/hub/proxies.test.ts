import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { expect } from "chai";
import { createKeyHint, createLinkKey } from "../../src/keys/psk.js";
import { secureAsClient } from "../../src/net/secure.js";
import { eventually, within } from "../support/deadline.js";
import { recordClientHello } from "../support/client-hello.js";
import { LOOPBACK } from "../support/networks.js";
import { startEcho } from "../support/echo.js";
import { failureOf } from "../support/failure.js";
import { needs } from "../support/find-program.js";
import { withHub, type TestHub } from "../support/hub.js";
import { openClientKey } from "../support/link-key.js";
import { reservePort } from "../support/ports.js";
import type { Service } from "../support/programs.js";
import {
  needsNginxStream,
  startHaproxy,
  startNginxStream,
} from "../support/proxies.js";
import { serveSettings, useSettings } from "../support/settings.js";

/** Two nodes that know the proxy only, and an echo service between them. */
async function expectNodesWork(hub: TestHub, port: number): Promise<void> {
  const echo = await hub.service(startEcho);
  const serve = serveSettings("echo", { serveid: 700, port: echo.port });
  const usePort = await reservePort();
  const use = useSettings("echo", { serveid: 700, port: usePort });
  await hub.node({ name: "home", route: { port }, serves: [serve] });
  const office = await hub.node({
    name: "office",
    route: { port },
    uses: [use],
  });
  await office.untilUse("echo", "listening");
  const users = await Promise.all(
    Array.from({ length: 20 }, () => hub.user(usePort)),
  );
  await Promise.all(
    users.map(async (user, n) => {
      const text = `user ${n} `.repeat(10_000);
      user.socket.end(text);
      await within("its echo", user.ended);
      expect(user.text).to.equal(text);
    }),
  );
}

describe("a hub behind a proxy", function () {
  this.timeout(180_000);
  const proxies: Service[] = [];
  const sockets: Socket[] = [];

  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    for (const proxy of proxies.splice(0)) await proxy.close();
  });

  function keep(proxy: Service): Service {
    proxies.push(proxy);
    return proxy;
  }

  async function dialFrom(localAddress: string, port: number): Promise<Socket> {
    const socket = connect({ host: "127.0.0.1", port, localAddress });
    sockets.push(socket.on("error", () => undefined));
    await once(socket, "connect");
    return socket;
  }

  it("nginx without a header: nodes work through it", async function () {
    needsNginxStream(this);
    await withHub(async (hub) => {
      const { port } = keep(
        await startNginxStream(hub.port, { proxyProtocol: false }),
      );
      await expectNodesWork(hub, port);
    });
  });

  const kinds: [
    what: string,
    requires: (context: Mocha.Context) => void,
    startProxy: (hubPort: number) => Promise<Service>,
  ][] = [
    [
      "nginx with proxy_protocol on",
      needsNginxStream,
      (port) => startNginxStream(port, { proxyProtocol: true }),
    ],
    [
      "haproxy with send-proxy",
      (context) => needs(context, "haproxy"),
      (port) => startHaproxy(port, "send-proxy"),
    ],
    [
      "haproxy with send-proxy-v2",
      (context) => needs(context, "haproxy"),
      (port) => startHaproxy(port, "send-proxy-v2"),
    ],
  ];
  for (const [what, requires, startProxy] of kinds)
    it(`${what}: nodes work, limits and the log know the true addresses`, async function () {
      requires(this);
      const bound = 3;
      const options = {
        proxyFrom: LOOPBACK,
        maxUnauthenticatedPerAddress: bound,
        handshakeMs: 20_000,
      };
      await withHub(async (hub) => {
        const { port } = keep(await startProxy(hub.port));
        await expectNodesWork(hub, port);
        expect(hub.log.texts.join("\n")).to.match(
          /vnet .*home.* joined group default from 127\.0\.0\.1:\d+/,
        );

        const wrong = await createLinkKey("another-key");
        const offer = { identity: createKeyHint(wrong), psk: wrong.psk };
        const guesser = await dialFrom("127.0.0.2", port);
        const { localPort } = guesser;
        await failureOf(secureAsClient(guesser, offer, 8_000));
        await eventually("a line of the log", () =>
          hub.log.texts.includes(
            `connection from 127.0.0.2:${localPort} was turned away: has an authkey, and this hub has none of its own; write the same authkey= on both, or none`,
          ),
        );
        // The other one need not wait.
        const order: string[] = [];
        const failFrom = async (address: string) => {
          const socket = await dialFrom(address, port);
          await failureOf(secureAsClient(socket, offer, 8_000));
          order.push(address);
        };
        for (let count = 0; count < 3; count++) await failFrom("127.0.0.2");
        order.length = 0;
        await Promise.all(["127.0.0.2", "127.0.0.3"].map(failFrom));
        expect(order).to.deep.equal(["127.0.0.3", "127.0.0.2"]);
        await eventually("they are gone", () => hub.counts.unknown === 0);

        const crowd: Socket[] = [];
        for (const address of ["127.0.0.2", "127.0.0.3"])
          for (let count = 0; count < bound + 2; count++) {
            const socket = await dialFrom(address, port);
            const hello = await recordClientHello(await openClientKey());
            socket.resume().write(hello);
            crowd.push(socket);
          }
        await eventually(
          "two of each are turned away",
          () =>
            crowd.filter(
              ({ readableEnded, destroyed }) => readableEnded || destroyed,
            ).length === 4,
        );
        await eventually(
          "the others stay",
          () => hub.counts.unknown === 2 * bound,
        );
        for (const socket of crowd) socket.destroy();
      }, options);
    });

  it("refuses who comes around it", () =>
    withHub(
      async (hub) => {
        const client = await hub.connect();
        const error = await failureOf(client.secure());
        expect(error.code).to.equal("closed");
        await eventually("a line of the log", () =>
          hub.log.texts.some((text) => text.includes("without a PROXY header")),
        );
      },
      { proxyFrom: LOOPBACK },
    ));
});
