import { expect } from "chai";
import { once } from "node:events";
import { connect, Socket } from "node:net";
import { networkInterfaces } from "node:os";
import { ALL_ADDRESSES } from "../../src/config/config.js";
import { VnetError } from "../../src/errors.js";
import { Listener } from "../../src/net/listener.js";
import { within } from "../support/deadline.js";
import type { Observed } from "../support/echo.js";
import { connectTo } from "../support/echo.js";
import { failureOf } from "../support/failure.js";
import { skip } from "../support/find-program.js";

describe("Listener", () => {
  const sockets: Socket[] = [];
  const listeners: Listener[] = [];
  let arrivals: Socket[] = [];
  let onArrival: (socket: Socket) => void;

  beforeEach(() => {
    arrivals = [];
    onArrival = () => undefined;
  });

  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    for (const listener of listeners.splice(0)) await listener.close();
  });

  async function start(port = 0, host = "127.0.0.1"): Promise<Listener> {
    const listener = await Listener.start({
      host,
      port,
      onConnection: (connection) => {
        const socket = connection;
        if (!(socket instanceof Socket)) throw new Error("is no socket");
        sockets.push(socket);
        arrivals.push(socket);
        onArrival(socket);
      },
      onError: (error) => expect.fail(error.message),
    });
    listeners.push(listener);
    return listener;
  }

  /** A client and the socket that was handed out for it. */
  async function meet(listener: Listener): Promise<[Observed, Socket]> {
    const arrival = new Promise<Socket>((resolve) => (onArrival = resolve));
    const client = await within("connected", connectTo(listener.port));
    sockets.push(client.socket);
    return [client, await within("a connection", arrival)];
  }

  it("listens at `::` on all addresses, of both families", async () => {
    const listener = await start(0, "::");
    await meet(listener);
    expect(listener.host).to.equal("::");
    if (
      Object.values(networkInterfaces())
        .flat()
        .some((each) => each?.address === "::1")
    ) {
      const six = connect(listener.port, "::1");
      sockets.push(six);
      await within("connected by IPv6", once(six, "connect"));
    }
  });

  it("tells which port it got", async () => {
    const listener = await start();
    expect(listener.port).to.be.within(1, 65535);
    expect(listener.host).to.equal("127.0.0.1");
    await meet(listener);
  });

  it("listens on all addresses, and tells which these are", async () => {
    const listener = await start(0, ALL_ADDRESSES);
    const hasIpv6 = Object.values(networkInterfaces()).some((addresses) =>
      addresses?.some(({ address }) => address === "::1"),
    );
    expect(listener.host).to.equal(hasIpv6 ? "::" : "0.0.0.0");
    for (const host of hasIpv6 ? ["127.0.0.1", "::1"] : ["127.0.0.1"]) {
      const arrival = new Promise<Socket>((resolve) => (onArrival = resolve));
      const client = connect({ host, port: listener.port });
      sockets.push(client);
      await within(`a connection to ${host}`, arrival);
    }
  });

  it("says that a port of all addresses is taken", async () => {
    const { port } = await start(0, ALL_ADDRESSES);
    const error = await failureOf(start(port, ALL_ADDRESSES));
    expect(error.message).to.match(
      /^cannot listen on port \d+ of all addresses: that port is already in use$/,
    );
  });

  it("reads nothing from a connection before its new owner does", async () => {
    const [client, socket] = await meet(await start());
    await new Promise((resolve) => client.socket.write("early", resolve));
    // A connection of its own there and back: what was sent before has arrived.
    const other = await start();
    await meet(other);
    expect(socket.bytesRead).to.equal(0);
    const [chunk] = (await within("data", once(socket.resume(), "data"))) as [
      Buffer,
    ];
    expect(String(chunk)).to.equal("early");
  });

  it("lets the other half go on after a FIN", async () => {
    const [client, socket] = await meet(await start());
    client.socket.end();
    await within("the FIN", once(socket.resume(), "end"));
    socket.end("still here");
    expect(await within("the answer", client.ended)).to.equal("fin");
    expect(client.text).to.equal("still here");
  });

  it("says which port is taken", async () => {
    const { port } = await start();
    const error = await start(port).then(
      () => expect.fail("two listeners on one port"),
      (reason: unknown) => reason,
    );
    expect(error).to.be.instanceOf(VnetError).with.property("code", "network");
    expect((error as VnetError).message).to.equal(
      `cannot listen on 127.0.0.1:${port}: that port is already in use`,
    );
  });

  describe("of localhost", () => {
    before(function () {
      const addresses = networkInterfaces().lo?.map(({ address }) => address);
      if (addresses?.includes("::1") !== true) skip(this, "needs IPv6");
    });

    const reach = async (host: string, port: number) => {
      const client = connect({ host, port });
      sockets.push(client);
      await within("connected", once(client, "connect"));
    };

    it("listens on both families, with one port, until it is closed", async () => {
      const listener = await start(0, "localhost");
      const { port } = listener;
      expect(listener.host).to.equal("localhost");
      await reach("127.0.0.1", port);
      await reach("::1", port);
      await listener.close();
      const again = await start(port, "localhost");
      expect(again.port).to.equal(port);
    });

    for (const [one, other, shown] of [
      ["127.0.0.1", "::1", "127.0.0.1"],
      ["::1", "127.0.0.1", "[::1]"],
    ] as const)
      it(`listens on neither where ${one} has that port already, and says so`, async () => {
        const { port } = await start(0, one);
        const { code, message } = await failureOf(start(port, "localhost"));
        expect(code).to.equal("network");
        expect(message).to.equal(
          `cannot listen on localhost:${port} (${shown}:${port}): that port is already in use`,
        );
        // The other one is free again.
        expect((await start(port, other)).port).to.equal(port);
      });
  });

  it("says which address this machine does not have", async () => {
    const options = { port: 0, onConnection: () => undefined };
    const error = await Listener.start({
      ...options,
      // TEST-NET-1 of RFC 5737
      host: "192.0.2.1",
      onError: () => undefined,
    }).then(
      () => expect.fail("listens on a foreign address"),
      (reason: unknown) => reason as VnetError,
    );
    expect(error.code).to.equal("network");
    expect(error.message).to.include("192.0.2.1:0").and.include("no such");
  });

  it("refuses connections once it is closed, and frees the port", async () => {
    const listener = await start();
    const { port } = listener;
    await listener.close();
    const client = connect({ port, host: "127.0.0.1" });
    const [error] = (await within("refused", once(client, "error"))) as [
      NodeJS.ErrnoException,
    ];
    expect(error.code).to.equal("ECONNREFUSED");
    const again = await start(port);
    expect(again.port).to.equal(port);
    await meet(again);
  });

  it("leaves accepted connections alone when it is closed, however often", async () => {
    const listener = await start();
    const [client, socket] = await meet(listener);
    await listener.close();
    await listener.close();
    socket.end("bye");
    expect(await within("the FIN", client.ended)).to.equal("fin");
    expect(client.text).to.equal("bye");
    expect(arrivals).to.have.length(1);
  });
});
