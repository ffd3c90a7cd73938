import { expect } from "chai";
import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { platform } from "node:os";
import { join } from "node:path";
import { isListening } from "../../src/net/listeners.js";
import { skip } from "../support/find-program.js";
import { makeFolder, removeFolder } from "../support/folder.js";

describe("the system's table of listeners", function () {
  const servers: Server[] = [];

  before(function () {
    // Elsewhere there is none, which the last test of this file holds.
    if (platform() !== "linux") skip(this, "needs Linux' /proc/net");
  });

  afterEach(async () => {
    for (const server of servers.splice(0))
      await new Promise((done) => server.close(done));
  });

  async function listen(where: object): Promise<number> {
    const server = createServer(() => {
      throw new Error("nobody may connect");
    });
    servers.push(server);
    server.listen({ ...("path" in where ? {} : { port: 0 }), ...where });
    await once(server, "listening");
    const address = server.address();
    return typeof address === "string" ? 0 : address!.port;
  }

  const cases: [listens: object, host: string, isThere: boolean][] = [
    [{ host: "127.0.0.1" }, "127.0.0.1", true],
    [{ host: "127.0.0.1" }, "localhost", true],
    [{ host: "127.0.0.1" }, "LOCALHOST", true],
    [{ host: "127.0.0.1" }, "127.0.0.2", false],
    [{ host: "127.0.0.1" }, "::1", false],
    [{ host: "127.0.0.2" }, "127.0.0.2", true],
    [{ host: "0.0.0.0" }, "127.0.0.1", true],
    [{ host: "0.0.0.0" }, "::1", false],
    [{ host: "::1" }, "::1", true],
    [{ host: "::1" }, "localhost", true],
    [{ host: "::1" }, "127.0.0.1", false],
    [{ host: "::" }, "127.0.0.1", true],
    [{ host: "::" }, "::1", true],
    [{ host: "::ffff:127.0.0.1" }, "127.0.0.1", true],
  ];
  for (const [where, host, isThere] of cases)
    it(`has ${JSON.stringify(where)}, so at ${host} ${isThere ? "something" : "nothing"} listens`, async () => {
      const port = await listen(where);
      expect(await isListening(host, port)).to.equal(isThere);
    });

  it("has no port that nobody listens on any more", async () => {
    const port = await listen({ host: "127.0.0.1" });
    expect(await isListening("127.0.0.1", port)).to.equal(true);
    const [server] = servers.splice(0);
    await new Promise((done) => server?.close(done));
    expect(await isListening("127.0.0.1", port)).to.equal(false);
  });

  it("has Unix sockets that listen, by their path", async () => {
    const folder = makeFolder();
    const path = join(folder, "with a blank.sock");
    expect(await isListening(`unix:${path}`, 0)).to.equal(false);
    await listen({ path });
    expect(await isListening(`unix:${path}`, 0)).to.equal(true);
    expect(await isListening(`unix:${path}2`, 0)).to.equal(false);
    removeFolder(folder);
  });
});

describe("what the tables of this system do not tell", () => {
  for (const host of [
    ...["192.0.2.1", "2001:db8::1", "example.org", "localhost.example"],
    ...["exec:cat", "vsock:3:22", "hvsock:/run/x:22"],
  ])
    it(`is whether something listens at ${host}`, async () => {
      expect(await isListening(host, 22)).to.equal(null);
    });
});
