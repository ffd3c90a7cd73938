import { expect } from "chai";
import { once } from "node:events";
import type { Socket } from "node:net";
import { connect } from "node:net";
import { Worker } from "node:worker_threads";
import { dial } from "../../src/net/dial.js";
import { within } from "../support/deadline.js";
import { startEcho, TestServer, withServer } from "../support/echo.js";
import { failureOf } from "../support/failure.js";
import { skip } from "../support/find-program.js";
import { reservePort } from "../support/ports.js";

describe("dial", () => {
  it("resolves with a connected socket that nobody watches any more", () =>
    withServer(startEcho, async ({ port }) => {
      const socket = await dial({ host: "127.0.0.1", port, timeoutMs: 5_000 });
      try {
        expect(socket).to.have.property("remotePort", port);
        expect(socket.listenerCount("error")).to.equal(0);
        socket.write("abc");
        const [chunk] = (await within("echo", once(socket, "data"))) as [
          Buffer,
        ];
        expect(String(chunk)).to.equal("abc");
      } finally {
        socket.destroy();
      }
    }));

  it("lets us speak on after the other side's FIN", () =>
    withServer(
      () => TestServer.start(({ socket }) => socket.end("first")),
      async (server) => {
        const arrival = server.nextConnection();
        const { port } = server;
        const socket = await dial({
          host: "127.0.0.1",
          port,
          timeoutMs: 5_000,
        });
        try {
          await within("the FIN", once(socket.resume(), "end"));
          socket.end("afterwards");
          const served = await arrival;
          expect(await within("our FIN", served.ended)).to.equal("fin");
          expect(served.text).to.equal("afterwards");
        } finally {
          socket.destroy();
        }
      },
    ));

  it("looks a host name up", () =>
    withServer(startEcho, async ({ port }) => {
      const socket = await dial({ host: "localhost", port, timeoutMs: 5_000 });
      expect(socket).to.have.property("remotePort", port);
      socket.destroy();
    }));

  it("names the address and the reason when nothing listens", async () => {
    const port = await reservePort();
    for (const host of ["127.0.0.1", "localhost"]) {
      const error = await failureOf(dial({ host, port, timeoutMs: 5_000 }));
      expect(error.code).to.equal("network");
      expect(error.message).to.equal(
        `cannot connect to ${host}:${port}: connection refused, nothing listens there`,
      );
    }
  });

  it("gives up after its deadline when nobody answers", async function () {
    if (process.platform === "win32")
      skip(
        this,
        "needs a queue of connections that can be full, as Windows' cannot",
      );
    // A listener whose queue is full and whose owner sleeps: the next connection gets no answer at all.
    const worker = new Worker(
      `const { parentPort } = require("node:worker_threads");
       const server = require("node:net").createServer();
       server.listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => {
         parentPort.postMessage(server.address().port);
         Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
       });`,
      { eval: true },
    );
    const fillers: Socket[] = [];
    try {
      const [port] = (await within("a port", once(worker, "message"))) as [
        number,
      ];
      for (let n = 0; n < 8; n++)
        fillers.push(
          connect({ port, host: "127.0.0.1" }).on("error", () => undefined),
        );
      await within("a full queue", once(fillers[0]!, "connect"));
      const error = await failureOf(
        dial({ host: "127.0.0.1", port, timeoutMs: 100 }),
      );
      expect(error.code).to.equal("timeout");
      expect(error.message).to.equal(
        `cannot connect to 127.0.0.1:${port}: no answer within 0.1 s`,
      );
    } finally {
      for (const socket of fillers) socket.destroy();
      await worker.terminate();
    }
  });
});
