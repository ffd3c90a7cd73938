import { expect } from "chai";
import { once } from "node:events";
import { createServer, type AddressInfo, type Server } from "node:net";
import { ServiceWatch } from "../../src/node/service-watch.js";
import { eventually } from "../support/deadline.js";
import { reservePort } from "../support/ports.js";

describe("the watch over a service", () => {
  const watches: ServiceWatch[] = [];
  const servers: Server[] = [];
  let connections: number;
  let changes: (string | null)[];
  /** what the table says */
  let isThere: boolean | null;

  beforeEach(() => {
    connections = 0;
    changes = [];
    isThere = null;
  });

  afterEach(async () => {
    for (const watch of watches.splice(0)) watch.stop();
    for (const server of servers.splice(0))
      await new Promise((done) => server.close(done));
  });

  function create(
    port: number,
    other: Partial<
      ConstructorParameters<typeof ServiceWatch>[0]["target"]
    > = {},
  ): ServiceWatch {
    const watch: ServiceWatch = new ServiceWatch({
      target: { ip: "127.0.0.1", port, host: "", check: true, ...other },
      onChange: () => changes.push(watch.problem),
      look: () => Promise.resolve(isThere),
      everyMs: 5,
    });
    watches.push(watch);
    return watch;
  }

  async function listen(port = 0): Promise<number> {
    const server = createServer((socket) => {
      connections++;
      socket.on("error", () => undefined).destroy();
    });
    servers.push(server);
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  }

  describe("where the system has a table of listeners", () => {
    it("tells of a service that comes and goes, and never connects to it", async () => {
      const port = await listen();
      isThere = true;
      const watch = create(port);
      await watch.start();
      expect(watch.problem).to.equal(null);
      isThere = false;
      const problem = `nothing listens at 127.0.0.1:${port}`;
      await eventually("it is gone", () => watch.problem === problem);
      isThere = true;
      await eventually("it is back", () => watch.problem === null);
      expect(changes).to.deep.equal([problem, null]);
      expect(connections).to.equal(0);
    });

    it("knows after its first look that nothing is there, and sees it come without a connection", async () => {
      const port = await reservePort();
      isThere = false;
      const watch = create(port);
      await watch.start();
      expect(watch.problem).to.equal(`nothing listens at 127.0.0.1:${port}`);
      await listen(port);
      isThere = true;
      await eventually("it is there", () => watch.problem === null);
      expect(connections).to.equal(0);
    });

    it("does not believe a table that misses a service that can be reached", async () => {
      const port = await listen();
      isThere = false;
      const watch = create(port);
      await watch.start();
      expect(watch.problem).to.equal(null);
      expect(connections).to.equal(1);
      watch.met(true);
      expect(changes).to.deep.equal([]);
    });

    it("looks at once when a user was refused", async () => {
      isThere = true;
      const watch = create(await listen());
      await watch.start();
      isThere = false;
      watch.met(false);
      await eventually("it is gone", () => watch.problem !== null);
    });
  });

  describe("where it has none", () => {
    it("believes that the service is there until a user was refused, and connects only then", async () => {
      const port = await listen();
      const watch = create(port);
      await watch.start();
      for (let turn = 0; turn < 20; turn++)
        await new Promise((resolve) => setTimeout(resolve, 1));
      expect(connections).to.equal(0);
      watch.met(false);
      expect(changes).to.deep.equal([`nothing listens at 127.0.0.1:${port}`]);
      await eventually("it is found again", () => watch.problem === null);
      expect(connections).to.equal(1);
      watch.met(true);
      expect(changes).to.have.length(2);
    });

    it("goes on trying until one is taken", async () => {
      const port = await reservePort();
      const watch = create(port);
      await watch.start();
      watch.met(false);
      await listen(port);
      await eventually("it is found", () => watch.problem === null);
    });
  });

  for (const [what, other] of [
    ["with check=false", { check: false }],
    ["that is a program", { ip: "exec:false", port: 0 }],
    ["behind an HTTP front, which answers by itself", { host: "a.example" }],
  ] as const)
    it(`takes a service ${what} to be there`, async () => {
      isThere = false;
      const watch = create(await reservePort(), other);
      await watch.start();
      watch.met(false);
      expect(watch.problem).to.equal(null);
      expect(changes).to.deep.equal([]);
    });

  it("says nothing once it is stopped, and can be started again", async () => {
    isThere = true;
    const watch = create(await listen());
    await watch.start();
    watch.stop();
    isThere = false;
    watch.met(false);
    expect(watch.problem).to.equal(null);
    await watch.start();
    expect(watch.problem).not.to.equal(null);
  });
});
