import { connect, Socket } from "node:net";
import { once } from "node:events";
import { Duplex } from "node:stream";
import { expect } from "chai";
import { HangUp } from "../../src/net/hang-up.js";
import { Listener } from "../../src/net/listener.js";
import { within } from "../support/deadline.js";

describe("a hang-up", () => {
  let user: Socket;
  /** as a listener hands it out: nobody reads it */
  let accepted: Socket;

  beforeEach(async () => {
    let take: (duplex: Duplex) => void = () => undefined;
    const coming = new Promise<Duplex>((resolve) => (take = resolve));
    const listener = await Listener.start({
      host: "127.0.0.1",
      port: 0,
      onConnection: take,
      onError: () => undefined,
    });
    user = connect({ port: listener.port, host: "127.0.0.1" });
    const duplex = await within("the connection", coming);
    if (!(duplex instanceof Socket)) throw new Error("not a socket");
    accepted = duplex;
    await listener.close();
  });

  afterEach(() => {
    user.destroy();
    accepted.destroy();
  });

  const untilHeard = () =>
    within(
      "his words",
      (async () => {
        while (accepted.readableLength === 0) await new Promise(setImmediate);
      })(),
    );

  it("is seen of one whom nobody reads", async () => {
    const aborted = once(new HangUp(accepted).signal, "abort");
    user.resetAndDestroy();
    await within("the hang-up", aborted);
  });

  it("is seen also behind what he sent", async () => {
    const aborted = once(new HangUp(accepted).signal, "abort");
    user.write("hello?");
    await untilHeard();
    user.resetAndDestroy();
    await within("the hang-up", aborted);
    expect(accepted.destroyed).to.equal(true);
  });

  it("is seen also of one who spoke and was gone before anybody listened", async () => {
    user.write("hello?");
    user.resetAndDestroy();
    await within("the hang-up", once(new HangUp(accepted).signal, "abort"));
    expect(String(accepted.read(accepted.readableLength))).to.equal("hello?");
  });

  it("is not an orderly end", async () => {
    const { signal } = new HangUp(accepted);
    const ended = once(accepted, "end");
    user.end();
    await within("the FIN", ended);
    expect(signal.aborted).to.equal(false);
  });

  it("is not looked for where nobody has to wait", async () => {
    new HangUp(accepted).ignore();
    user.write("hello?");
    for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
    expect(accepted.bytesRead).to.equal(0);
  });

  it("is looked for of 256 at the same time", async () => {
    const idle = () =>
      new HangUp(new Duplex({ read: () => undefined, write: () => undefined }));
    const others = Array.from({ length: 256 }, idle);
    await new Promise(setImmediate);
    new HangUp(accepted);
    user.write("hello?");
    for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
    expect(accepted.bytesRead).to.equal(0);
    for (const other of others) other.ignore();
    const next = new HangUp(accepted);
    await untilHeard();
    next.ignore();
  });

  it("leaves no more of his words in memory than one read above the high-water mark", async () => {
    const hangUp = new HangUp(accepted);
    user.write(Buffer.alloc(4 << 20));
    await untilHeard();
    for (let turn = 0; turn < 200; turn++) await new Promise(setImmediate);
    const mark = accepted.readableHighWaterMark;
    expect(accepted.readableLength).to.be.at.most(mark + 65_536);
    hangUp.ignore();
  });
});
