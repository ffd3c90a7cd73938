// What a foreign page, and a user who lies about himself, try at a web service behind host=: through the real hub, a use
// and a public port.

import { expect } from "chai";
import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { within } from "../support/deadline.js";
import { connectTo } from "../support/echo.js";
import { startMember, untilUse, useSection } from "../support/lan.js";
import { closeLaunched, startHub } from "../support/launch.js";
import { reservePort } from "../support/ports.js";

const STRICT = 700;
const NAMED = 701;
const BELIEVING = 702;

describe("an attack on a web service with a Host header of its own", function () {
  this.timeout(180_000);
  const ports = new Map<number, number>();
  const requests: http.IncomingMessage[] = [];
  let service: http.Server;
  let publicPort: number;

  before(async () => {
    service = http.createServer((request, response) => {
      requests.push(request);
      response.setHeader("Connection", "close");
      response.end(JSON.stringify(request.headers));
    });
    service.listen(0, "127.0.0.1");
    await once(service, "listening");
    const { port } = service.address() as AddressInfo;
    publicPort = await reservePort();
    const hub = await startHub(
      `[route]\nip = 127.0.0.1\nport = ${await reservePort()}\n[public.web]\nserveid = ${STRICT}\nip = 127.0.0.1\nport = ${publicPort}\n`,
    );
    const section = (serveid: number, more = "") =>
      `[serve.w${serveid}]\nserveid = ${serveid}\nport = ${port}\ntype = http\nhost = internal.example\n${more}`;
    await startMember(hub, {
      name: "home",
      sections: [
        section(STRICT),
        section(NAMED, "hosts = web.example, *.lan.example\n"),
        section(BELIEVING, "trust_forwarded = true\n"),
      ].join("\n"),
    });
    for (const id of [STRICT, NAMED, BELIEVING])
      ports.set(id, await reservePort());
    const office = await startMember(hub, {
      name: "office",
      sections: [...ports].map((pair) => useSection(...pair)).join("\n"),
    });
    for (const id of ports.keys()) await untilUse(office, id, "listening");
    await within("the public port", untilAnswering(publicPort));
  });

  after(async () => {
    await closeLaunched();
    service?.closeAllConnections();
    service?.close();
  });

  async function untilAnswering(port: number): Promise<void> {
    for (;;) {
      const answer = await ask(port, "localhost").catch(() => "");
      if (answer.startsWith("HTTP/1.1 200")) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async function ask(
    port: number,
    host: string,
    ...headers: string[]
  ): Promise<string> {
    const user = await connectTo(port);
    const lines = ["GET /secret HTTP/1.1", `Host: ${host}`, ...headers];
    user.socket.end([...lines, "Connection: close", "", ""].join("\r\n"));
    await within("the answer", user.closed);
    return user.text;
  }

  /** The headers that the service got. */
  async function heard(
    port: number,
    host: string,
    ...headers: string[]
  ): Promise<http.IncomingHttpHeaders> {
    const answer = await ask(port, host, ...headers);
    expect(answer).to.match(/^HTTP.1.1 200 /);
    return requests.at(-1)!.headers;
  }

  for (const where of ["a use", "a public port"] as const)
    it(`by a page whose name was turned to ${where} (DNS rebinding) gets a 421 with the remedy, and the service sees nothing`, async () => {
      const port = where === "a use" ? ports.get(STRICT)! : publicPort;
      requests.length = 0;
      for (const host of ["evil.example", `evil.example:${port}`]) {
        const answer = await ask(
          port,
          host,
          `Origin: http://${host}`,
          `Referer: http://${host}/`,
        );
        expect(answer).to.match(/^HTTP.1.1 421 Misdirected Request\r\n/);
        expect(answer).to.include("hosts=evil.example");
      }
      expect(requests).to.have.length(0);
      for (const host of [`localhost:${port}`, `127.0.0.1:${port}`])
        expect(await ask(port, host)).to.match(/^HTTP.1.1 200 /);
    });

  it("under a name of the serve's own is none", async () => {
    const port = ports.get(NAMED)!;
    for (const host of ["web.example", "a.lan.example:80"])
      expect(await ask(port, host)).to.match(/^HTTP.1.1 200 /);
    expect(await ask(port, "evil.example")).to.match(/^HTTP.1.1 421 /);
  });

  const LIES = [
    ...["X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"],
    ...["X-Forwarded-Port", "X-Real-IP", "Forwarded", "X-Original-URL"],
    ...["X-Rewrite-URL", "CF-Connecting-IP", "True-Client-IP", "X_Real_IP"],
  ].map((name) => `${name}: 198.51.100.66`);

  it("by what a user says of himself in forwarding headers reaches nobody", async () => {
    const headers = await heard(ports.get(STRICT)!, "localhost", ...LIES);
    expect(JSON.stringify(headers)).not.to.include("198.51.100.66");
    expect(headers).to.include({
      "x-forwarded-for": "127.0.0.1",
      "x-forwarded-host": "localhost",
      "x-forwarded-proto": "http",
    });
  });

  it("is believed only where the serve says that a proxy stands in front", async () => {
    const headers = await heard(ports.get(BELIEVING)!, "localhost", ...LIES);
    expect(headers).to.include({
      "x-forwarded-for": "198.51.100.66, 127.0.0.1",
      "x-real-ip": "198.51.100.66",
    });
  });

  it("by a foreign page's Origin is told to the service as it is, and an own one as the service's", async () => {
    const port = ports.get(STRICT)!;
    const host = `localhost:${port}`;
    const foreign = await heard(port, host, "Origin: http://evil.example");
    expect(foreign.origin).to.equal("http://evil.example");
    const own = await heard(port, host, `Origin: http://${host}`);
    expect(own.origin).to.equal("http://internal.example");
  });

  for (const [what, ...hosts] of [
    ["two hosts", "localhost", "evil.example"],
    ["a host with a path", "localhost/evil"],
    ["a host with a user", "localhost@evil.example"],
    ["an empty host", ""],
  ] as const)
    it(`by ${what} is a 400`, async () => {
      const [first, ...more] = hosts;
      const answer = await ask(
        ports.get(STRICT)!,
        first,
        ...more.map((host) => `Host: ${host}`),
      );
      expect(answer).to.match(/^HTTP.1.1 400 /);
    });
});
