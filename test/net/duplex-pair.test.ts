import { expect } from "chai";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { pipeline } from "node:stream/promises";
import { Readable, type Duplex } from "node:stream";
import { createDuplexPair } from "../../src/net/duplex-pair.js";
import { secureAsClient, secureAsServer } from "../../src/net/secure.js";
import { within } from "../support/deadline.js";
import { Observed } from "../support/echo.js";
import { openClientKey } from "../support/link-key.js";

const FULL = 64 * 1024;

describe("a pair of duplexes in memory", () => {
  let a: Duplex;
  let b: Duplex;
  let near: Observed<Duplex>;

  beforeEach(() => {
    ({ a, b } = createDuplexPair(FULL));
    near = new Observed(a);
  });

  afterEach(() => {
    for (const end of [a, b]) end.on("error", () => undefined).destroy();
  });

  it("carries 16 MB both ways at once, unchanged", async () => {
    const pieces = Array.from({ length: 256 }, (_, n) =>
      Buffer.alloc(FULL, createHash("sha256").update(`${n}`).digest()),
    );
    const expected = createHash("sha256");
    for (const piece of pieces) expected.update(piece);
    const sum = expected.digest("hex");
    const { a: left, b: right } = createDuplexPair();
    const digests = [left, right].map(async (end) => {
      const hash = createHash("sha256");
      end.on("data", (chunk: Buffer) => hash.update(chunk));
      await once(end, "end");
      return hash.digest("hex");
    });
    await Promise.all(
      [left, right].map((end) => pipeline(Readable.from(pieces), end)),
    );
    expect(await Promise.all(digests)).to.deep.equal([sum, sum]);
  });

  it("lets its writer wait while nobody reads, and go on when somebody does", async () => {
    const far = new Observed(b);
    b.pause();
    let written = 0;
    const write = () =>
      a.write(Buffer.alloc(FULL / 4), () => {
        written++;
      });
    while (write());
    await new Promise(setImmediate);
    for (let count = 0; count < 20; count++) {
      write();
      await new Promise(setImmediate);
    }
    expect(a.writableNeedDrain).to.equal(true);
    expect(b.readableLength).to.be.at.most(2 * FULL);
    const before = written;
    b.resume();
    await within("a drain", once(a, "drain"));
    expect(written).to.be.above(before);
    a.end();
    await within("all", far.ended);
    expect(far.bytes).to.be.above(20 * (FULL / 4));
  });

  it("carries one half on after the other has ended", async () => {
    const far = new Observed(b);
    a.end("question");
    expect(await within("an end", far.ended)).to.equal("fin");
    expect(far.text).to.equal("question");
    b.end("answer");
    expect(await within("an end", near.ended)).to.equal("fin");
    expect(near.text).to.equal("answer");
    await within("both are closed", Promise.all([near.closed, far.closed]));
    expect(near.state).to.equal("fin");
  });

  it("ends the other side, as a reset does, when one is destroyed", async () => {
    const far = new Observed(b);
    a.write("half of someth");
    a.destroy();
    expect(await within("a reset", far.ended)).to.equal("reset");
    await within("it is closed", far.closed);
    expect(b.destroyed).to.equal(true);
  });

  it("resets a side that has ended but still listens", async () => {
    const far = new Observed(b);
    a.end();
    await within("an end", far.ended);
    b.destroy();
    expect(await within("a reset", near.ended)).to.equal("reset");
  });

  it("fails a write that waits when the other side is destroyed", async () => {
    for (let count = 0; count < 5; count++) a.write(Buffer.alloc(FULL));
    await new Promise(setImmediate);
    b.destroy();
    expect(await within("a reset", near.ended)).to.equal("reset");
    await within("it is closed", near.closed);
  });

  it("carries TLS", async () => {
    a.removeAllListeners("data").pause();
    const key = await openClientKey();
    const [client, server] = await Promise.all([
      secureAsClient(a, key, 4_000),
      secureAsServer(b, () => key.psk, 4_000),
    ]);
    expect(client.binding).to.deep.equal(server.binding);
    const far = new Observed(server.duplex);
    client.duplex.end("inside");
    await within("an end", far.ended);
    expect(far.text).to.equal("inside");
    for (const { duplex } of [client, server]) duplex.destroy();
  });
});
