import { expect } from "chai";
import { needsUnix } from "../support/find-program.js";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { RawReader } from "../../src/net/raw-reader.js";
import { STRAIGHT } from "../../src/net/read-buffers.js";
import { pump } from "../../src/net/pump.js";
import { hearOut } from "../../src/net/socket-handle.js";
import { within } from "../support/deadline.js";
import { Observed } from "../support/echo.js";
import { makeFolder, removeFolder } from "../support/folder.js";
import {
  createSocketPair,
  destroySocketPairs,
} from "../support/socket-pair.js";

const WORDS = "413 that is too much\n";

/** Says its last words, and goes with something unread, as a server does that wants no more of an upload. */
async function speakAndGo(peer: Socket): Promise<void> {
  peer.on("error", () => undefined);
  await new Promise<void>((resolve) => peer.write(WORDS, () => resolve()));
  peer.resetAndDestroy();
  await once(peer, "close");
}

/** Writes until a write meets the reset; each of them after a turn of the event loop. */
async function writeIntoIt(socket: Socket): Promise<void> {
  for (let times = 0; times < 3; times++)
    await new Promise<void>((resolve) => socket.write("more", () => resolve()));
}

/** Resolves at its close, whatever error came before. */
function closed(socket: Socket): Promise<void> {
  socket.on("error", () => undefined);
  return new Promise((resolve) => socket.once("close", () => resolve()));
}

describe("What a peer said before it reset is heard", () => {
  afterEach(destroySocketPairs);

  it("also by who writes into the broken connection before he reads, and the reset comes behind it", async () => {
    const { a: peer, b: near } = await createSocketPair();
    near.pause();
    hearOut(near);
    await speakAndGo(peer);
    await writeIntoIt(near);
    const heard = new Observed(near);
    near.resume();
    expect(await within("the end", heard.ended)).to.equal("reset");
    expect(heard.text).to.equal(WORDS);
  });

  it("by a reader of raw bytes that was full when the write failed", async () => {
    const { a: peer, b } = await createSocketPair();
    let text = "";
    const reader = RawReader.takeOver(b, {
      ...{ headroom: 0, bulk: STRAIGHT },
      onBytes: (view) => (text += view.toString()),
      onOver: () => undefined,
    })!;
    await speakAndGo(peer);
    await writeIntoIt(reader.socket);
    let hasEnded = false;
    reader.socket.on("end", () => (hasEnded = true));
    const broken = closed(reader.socket);
    reader.resume();
    await within("the reset", broken);
    expect([text, hasEnded]).to.deep.equal([WORDS, false]);
  });

  it("through a pump, while the other side still sends", async () => {
    const [first, second] = [
      await createSocketPair(),
      await createSocketPair(),
    ];
    await speakAndGo(first.a);
    second.a.write("a request that still comes");
    pump(first.b, second.b, () => undefined);
    const heard = new Observed(second.a);
    expect(await within("the end", heard.ended)).to.equal("reset");
    expect(heard.text).to.equal(WORDS);
  });

  it("of a Unix socket, too", async function () {
    needsUnix(this, "Unix sockets");
    const folder = makeFolder();
    const server = createServer({ pauseOnConnect: true });
    try {
      server.listen(join(folder, "s"));
      await once(server, "listening");
      const accepted = once(server, "connection") as Promise<[Socket]>;
      const near = connect({ path: join(folder, "s"), allowHalfOpen: true });
      near.pause();
      hearOut(near);
      const [peer] = await accepted;
      await new Promise<void>((resolve) => peer.write(WORDS, () => resolve()));
      peer.destroy();
      await once(peer, "close");
      await writeIntoIt(near);
      const heard = new Observed(near);
      near.resume();
      expect(await within("the end", heard.ended)).to.equal("reset");
      expect(heard.text).to.equal(WORDS);
    } finally {
      server.close();
      removeFolder(folder);
    }
  });

  it("not for ever by who does not read: then the connection is gone", async function () {
    const { a: peer, b: near } = await createSocketPair();
    near.pause();
    hearOut(near);
    await speakAndGo(peer);
    const gone = closed(near);
    await writeIntoIt(near);
    expect(near.destroyed).to.equal(false);
    await within("the end", gone);
  });
});
