import { expect } from "chai";
import { once } from "node:events";
import type { Duplex } from "node:stream";
import { VnetError } from "../../src/errors.js";
import { readFirst, readFirstBytes } from "../../src/net/first-bytes.js";
import { cutsOf } from "../support/cuts.js";
import { within } from "../support/deadline.js";
import { createDuplexPair } from "../support/duplex-pair.js";
import { failureOf } from "../support/failure.js";
import {
  createSocketPair,
  destroySocketPairs,
} from "../support/socket-pair.js";

const PREAMBLE = "vnet-leg";
const LATE_MS = 5_000;

/** Everything that is still to come, up to the FIN. */
async function rest(duplex: Duplex): Promise<string> {
  const chunks: Buffer[] = [];
  duplex.on("data", (chunk: Buffer) => chunks.push(chunk));
  await within("the end", once(duplex, "end"));
  return Buffer.concat(chunks).toString();
}

/** Ours besides those a stream gives itself. */
const listeners = (duplex: Duplex) =>
  ["readable", "data", "end", "error", "close"].map((name) =>
    duplex.listenerCount(name),
  );

describe("readFirstBytes", () => {
  afterEach(destroySocketPairs);

  it("takes exactly what it is asked for and loses nothing behind it, however it is cut", async () => {
    const bytes = Buffer.from(`${PREAMBLE}0123456789abcdefand then more`);
    for (const { name, chunks } of cutsOf(bytes, 20)) {
      const { a, b } = createDuplexPair();
      b.cut = () => chunks;
      a.end(bytes);
      const first = await readFirstBytes(b, 8, LATE_MS);
      expect(String(first), name).to.equal(PREAMBLE);
      const second = await readFirstBytes(b, 16, LATE_MS);
      expect(String(second), name).to.equal("0123456789abcdef");
      expect(await rest(b), name).to.equal("and then more");
    }
  });

  it("loses nothing on a socket, whether the rest comes with it or later", async () => {
    const { a, b } = await createSocketPair();
    a.write(`${PREAMBLE}with it, `);
    const first = await within("8 bytes", readFirstBytes(b, 8, LATE_MS));
    expect(String(first)).to.equal(PREAMBLE);
    a.end("later");
    expect(await rest(b)).to.equal("with it, later");
  });

  it("leaves the duplex paused and no listener behind", async () => {
    const { a, b } = createDuplexPair();
    const before = listeners(b);
    a.write(`${PREAMBLE}more`);
    await readFirstBytes(b, 8, LATE_MS);
    expect(listeners(b)).to.deep.equal(before);
    await new Promise(setImmediate);
    expect(b.readableLength).to.equal(4);
    expect(b.readableFlowing).to.not.equal(true);
    for (const end of [a, b]) end.destroy();
  });

  it("takes bytes that came before it was asked", async () => {
    const { a, b } = await createSocketPair();
    b.resume().pause();
    a.write(PREAMBLE);
    await within(
      "written",
      once(b.resume(), "data").then(() => b.pause()),
    );
    b.unshift(Buffer.from(PREAMBLE));
    const first = await within("8 bytes", readFirstBytes(b, 8, LATE_MS));
    expect(String(first)).to.equal(PREAMBLE);
  });

  it("gives up after its deadline, however slowly bytes trickle in", async () => {
    const { a, b } = createDuplexPair();
    const before = listeners(b);
    a.write("vnet-le");
    const start = performance.now();
    const error = await failureOf(readFirstBytes(b, 8, 30));
    expect(performance.now() - start).to.be.within(25, 2_000);
    expect(error.code).to.equal("timeout");
    expect(error.message).to.include("0.03 s");
    expect(listeners(b)).to.deep.equal(before);
    for (const end of [a, b]) end.destroy();
  });

  const ends: Record<string, (far: Duplex) => void> = {
    "that says nothing": (far) => far.end(),
    "that ends in the middle": (far) => far.end("vnet"),
    "that ends one byte early": (far) => far.end("vnet-le"),
    "that is reset": (far) => far.destroy(),
    "that is reset in the middle": (far) =>
      far.write("vnet", () => far.destroy()),
  };
  for (const [name, act] of Object.entries(ends))
    it(`rejects at once for a connection ${name}`, async () => {
      const { a, b } = createDuplexPair();
      const before = listeners(b);
      b.on("error", () => undefined);
      const reading = failureOf(readFirstBytes(b, 8, LATE_MS));
      act(a);
      expect((await reading).code).to.equal("closed");
      b.removeAllListeners("error");
      expect(listeners(b)).to.deep.equal(before);
      for (const end of [a, b]) end.on("error", () => undefined).destroy();
    });

  it("rejects for a socket that is reset", async () => {
    const { a, b } = await createSocketPair();
    b.on("error", () => undefined);
    const reading = failureOf(readFirstBytes(b, 8, LATE_MS));
    a.resetAndDestroy();
    expect((await reading).code).to.equal("closed");
  });
});

describe("readFirst", () => {
  afterEach(destroySocketPairs);

  /** A line and its length. */
  const parseLine = (head: Buffer) => {
    const end = head.indexOf("\n");
    if (end > 8) throw new VnetError("protocol", "too long a line");
    return end < 0
      ? null
      : { value: head.toString("latin1", 0, end), bytes: end + 1 };
  };

  it("finds what it parses and loses nothing behind it, however it is cut", async () => {
    const bytes = Buffer.from("line 1\nline 2\nand then more");
    for (const { name, chunks } of cutsOf(bytes, 20)) {
      const { a, b } = createDuplexPair();
      b.cut = () => chunks;
      a.end(bytes);
      const first = await readFirst(b, parseLine, LATE_MS);
      expect(first, name).to.equal("line 1");
      const looked = await readFirst(b, peek, LATE_MS);
      expect("line 2\nand then more", name).to.match(
        new RegExp(`^${looked}`, "m"),
      );
      const second = await readFirst(b, parseLine, LATE_MS);
      expect(second, name).to.equal("line 2");
      expect(await rest(b), name).to.equal("and then more");
    }
  });

  /** Looks at whatever is there, and takes nothing. */
  const peek = (head: Buffer) => ({ value: head.toString(), bytes: 0 });

  it("takes nothing when it finds nothing in time", async () => {
    const { a, b } = await createSocketPair();
    a.write("no line");
    const error = await failureOf(readFirst(b, parseLine, 50));
    expect(error.code).to.equal("timeout");
    a.end(", and more");
    expect(await rest(b)).to.equal("no line, and more");
  });

  it("takes nothing when parsing fails, and says why", async () => {
    const { a, b } = await createSocketPair();
    a.end("much too long\n");
    const error = await failureOf(readFirst(b, parseLine, LATE_MS));
    expect(error.message).to.equal("too long a line");
    expect(await rest(b)).to.equal("much too long\n");
  });

  it("sees an end behind what is not enough at once, and takes nothing", async () => {
    const { a, b } = await createSocketPair();
    a.end("no line");
    const error = await failureOf(readFirst(b, parseLine, LATE_MS));
    expect(error.code).to.equal("closed");
    expect(await rest(b)).to.equal("no line");
  });

  it("looks at new bytes only, each time at all of them", async () => {
    const { a, b } = await createSocketPair();
    const heads: string[] = [];
    const found = readFirst(
      b,
      (head) => {
        heads.push(head.toString());
        if (head.length < 3) a.write("x");
        return head.length < 3 ? null : { value: 0, bytes: 3 };
      },
      LATE_MS,
    );
    a.write("x");
    await within("three bytes", found);
    expect(heads).to.deep.equal(["x", "xx", "xxx"]);
  });

  it("rejects at once for a connection that is gone already", async () => {
    const { a, b } = createDuplexPair();
    for (const end of [a, b]) end.on("error", () => undefined).destroy();
    const error = await failureOf(readFirst(b, parseLine, LATE_MS));
    expect(error.code).to.equal("closed");
  });
});
