import { expect } from "chai";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { reset } from "../../src/net/reset.js";
import { within } from "../support/deadline.js";
import { createDuplexPair } from "../support/duplex-pair.js";
import { Observed } from "../support/echo.js";
import { skip } from "../support/find-program.js";
import { makeFolder, removeFolder } from "../support/folder.js";
import {
  createSocketPair,
  destroySocketPairs,
} from "../support/socket-pair.js";

describe("reset", () => {
  afterEach(destroySocketPairs);

  it("shows the other end of a TCP connection a reset, not a FIN", async () => {
    const { a, b } = await createSocketPair();
    const far = new Observed(b);
    const closed = once(a, "close");
    reset(a);
    expect(await within("an end", far.ended)).to.equal("reset");
    await within("closed", closed);
  });

  it("comes even after our own FIN", async () => {
    const { a, b } = await createSocketPair();
    const far = new Observed(b);
    a.end("x");
    expect(await within("the FIN", far.ended)).to.equal("fin");
    reset(a);
    b.write("too late");
    await within("closed", far.closed);
    expect(far.state).to.equal("reset");
  });

  it("closes the socket also while its FIN is on the way, when the system refuses to reset", async () => {
    const { a } = await createSocketPair();
    a.on("error", () => undefined);
    const closed = once(a, "close");
    a.end();
    // From here to the next turn of the event loop libuv has the shutdown under way.
    await Promise.resolve();
    await new Promise((resolve) => process.nextTick(resolve));
    reset(a);
    await within("closed", closed);
    // The public sign that the descriptor was given back, and not left to spin at the process's exit.
    expect(a).to.have.property("_handle", null);
  });

  it("destroys any other duplex, and does nothing the second time", async () => {
    const { a, b } = createDuplexPair();
    b.on("error", () => undefined);
    let closes = 0;
    a.on("close", () => closes++);
    reset(a);
    reset(a);
    expect(a.destroyed).to.equal(true);
    await within("closed", once(a, "close"));
    reset(a);
    expect(closes).to.equal(1);
  });

  it("destroys a Unix socket, which knows no reset", async function () {
    if (process.platform === "win32") skip(this, "needs Unix sockets");
    const folder = makeFolder();
    const server = createServer().listen(join(folder, "s"));
    try {
      await once(server, "listening");
      const socket = connect(join(folder, "s"));
      await within("connected", once(socket, "connect"));
      const closed = once(socket, "close");
      reset(socket);
      await within("closed", closed);
    } finally {
      server.close();
      removeFolder(folder);
    }
  });

  it("does nothing to a socket that is closed already", async () => {
    const { a } = await createSocketPair();
    a.on("error", (error) => expect.fail(error.message));
    const closed = once(a, "close");
    a.destroy();
    await within("closed", closed);
    reset(a);
    reset(a);
  });
});
