import { expect } from "chai";
import {
  startEcho,
  startSink,
  startSpeakFirst,
  withConnection,
  withServer,
} from "./echo.js";

describe("the test services", () => {
  it("echo what they get, up to the FIN", () =>
    withServer(startEcho, (echo) =>
      withConnection(echo.port, async (client) => {
        client.socket.end("abc");
        expect(await client.ended).to.equal("fin");
        expect(client.text).to.equal("abc");
        expect(echo.connections[0]?.text).to.equal("abc");
        expect(echo.connections[0]?.state).to.equal("fin");
      }),
    ));

  it("tell a reset from a FIN", () =>
    withServer(startEcho, async (echo) => {
      const arrival = echo.nextConnection();
      await withConnection(echo.port, async (client) => {
        const served = await arrival;
        client.socket.resetAndDestroy();
        expect(await served.ended).to.equal("reset");
      });
    }));

  it("count bulk without keeping it", () =>
    withServer(startSink, (sink) =>
      withConnection(sink.port, async (client) => {
        client.socket.end(Buffer.alloc(1_000_000));
        expect(await client.ended).to.equal("fin");
        expect(sink.connections[0]?.bytes).to.equal(1_000_000);
        expect(sink.connections[0]?.received).to.have.length(0);
      }),
    ));

  it("can speak first", () =>
    withServer(
      () => startSpeakFirst("220 ready\r\n"),
      (server) =>
        withConnection(server.port, async (client) => {
          await client.untilBytes(11);
          expect(client.text).to.equal("220 ready\r\n");
        }),
    ));
});
