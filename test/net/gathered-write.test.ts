import { expect } from "chai";
import { GatheredWriter } from "../../src/net/gathered-write.js";
import { createDuplexPair, type PairEnd } from "../support/duplex-pair.js";

const BULK = Buffer.alloc(16 * 1024, 1);
const SMALL = Buffer.from("small");

describe("a gathered write", () => {
  let to: PairEnd;
  let full: number;
  let writer: GatheredWriter;

  beforeEach(() => {
    const pair = createDuplexPair(1024 * 1024);
    to = pair.a;
    pair.b.resume();
    full = 0;
    writer = new GatheredWriter(to, () => full++);
  });

  const aTurn = () => new Promise(setImmediate);

  it("is one write for all the bulk of one moment", async () => {
    for (let n = 0; n < 4; n++) writer.write(BULK);
    expect(to.writes).to.equal(0);
    await aTurn();
    expect([to.writes, to.bytesWritten]).to.deep.equal([1, 4 * BULK.length]);
  });

  it("does not hold back a small piece", () => {
    writer.write(SMALL);
    expect(to.writes).to.equal(1);
  });

  it("leaves with the first small piece behind it", () => {
    writer.write(BULK);
    writer.write(SMALL);
    expect([to.writes, to.bytesWritten]).to.deep.equal([
      1,
      BULK.length + SMALL.length,
    ]);
  });

  it("leaves before its moment is over when it is large", () => {
    for (let n = 0; n < 16; n++) writer.write(BULK);
    expect([to.writes, to.bytesWritten]).to.deep.equal([1, 16 * BULK.length]);
  });

  it("says so when not all of it could be written", async () => {
    const { a, b } = createDuplexPair(1024);
    b.pause();
    writer = new GatheredWriter(a, () => full++);
    while (full === 0) {
      writer.write(BULK);
      await aTurn();
    }
    expect(a.writableLength).to.be.above(0);
  });

  it("does not say so when all of it left", async () => {
    writer.write(BULK);
    await aTurn();
    expect(full).to.equal(0);
  });
});
