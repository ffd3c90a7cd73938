import { expect } from "chai";
import { VnetError } from "../../src/errors.js";
import {
  ChannelFrameReader,
  encodeChannelFrame,
  encodeChannelHeader,
  FrameType,
  MAX_DATA_BYTES,
  MAX_SMALL_BYTES,
} from "../../src/wire/channel-frame.js";
import { cutsOf } from "../support/cuts.js";

/** What came out of a reader: frames, and between them the data bytes in one piece. */
type Seen = [type: number, payload: string][];

function readAll(chunks: readonly Buffer[]): Seen {
  const seen: Seen = [];
  const reader = new ChannelFrameReader({
    onData: (bytes) => {
      const last = seen.at(-1);
      const text = bytes.toString("latin1");
      if (last?.[0] === FrameType.data) last[1] += text;
      else seen.push([FrameType.data, text]);
    },
    onFrame: (type, payload) => {
      seen.push([type, payload.toString("latin1")]);
    },
  });
  for (const chunk of chunks) reader.push(chunk);
  return seen;
}

const dataFrame = (bytes: Buffer) =>
  Buffer.concat([encodeChannelHeader(FrameType.data, bytes.length), bytes]);

const small = Object.entries(FrameType).filter(([name]) => name !== "data");

describe("A channel frame", () => {
  it("is one byte of type, three of length, and the payload", () => {
    expect(encodeChannelHeader(FrameType.data, 0x010203)).to.deep.equal(
      Buffer.from([4, 1, 2, 3]),
    );
    expect(encodeChannelFrame(FrameType.refuse, "no")).to.deep.equal(
      Buffer.from([3, 0, 0, 2, 0x6e, 0x6f]),
    );
    expect(encodeChannelFrame(FrameType.fin)).to.deep.equal(
      Buffer.from([5, 0, 0, 0]),
    );
  });

  it("has its payload cut at the cap, so that a long reason breaks nothing", () => {
    const frame = encodeChannelFrame(FrameType.reset, "x".repeat(10_000));
    expect(frame).to.have.length(4 + MAX_SMALL_BYTES);
    expect(readAll([frame])).to.deep.equal([
      [FrameType.reset, "x".repeat(MAX_SMALL_BYTES)],
    ]);
  });
});

describe("ChannelFrameReader", () => {
  const frames: Seen = [
    [FrameType.ping, "12345678"],
    [FrameType.pong, "\x01\x02\x03\x04\x05\x06\x07\x08"],
    [FrameType.open, '{"serveid":700}'],
    [FrameType.data, "a\x00\x04\xff".repeat(700)],
    [FrameType.accept, ""],
    [FrameType.data, "b"],
    [FrameType.fin, ""],
    [FrameType.refuse, "nothing listens"],
    [FrameType.reset, "r".repeat(MAX_SMALL_BYTES)],
  ];
  const bytes = Buffer.concat(
    frames.map(([type, text]) =>
      Buffer.concat([
        encodeChannelHeader(type as FrameType, text.length),
        Buffer.from(text, "latin1"),
      ]),
    ),
  );

  it("gives every frame once and in order, however the bytes are cut", () => {
    for (const { name, chunks } of cutsOf(bytes))
      expect(readAll(chunks), name).to.deep.equal(frames);
  });

  it("hands data on as it arrives, without waiting for its frame", () => {
    const pieces: Buffer[] = [];
    const reader = new ChannelFrameReader({
      onData: (piece) => pieces.push(piece),
      onFrame: () => expect.fail("no such frame"),
    });
    reader.push(encodeChannelHeader(FrameType.data, MAX_DATA_BYTES));
    const chunk = Buffer.alloc(65_536, "x");
    let left = MAX_DATA_BYTES;
    for (; left >= chunk.length; left -= chunk.length) {
      reader.push(chunk);
      expect(pieces.pop()).to.satisfy(
        (piece: Buffer) => piece.buffer === chunk.buffer,
        "a view, no copy",
      );
      expect(pieces).to.deep.equal([]);
    }
    reader.push(chunk.subarray(0, left));
    expect(pieces.pop()).to.have.length(left);
    reader.push(dataFrame(Buffer.from("next")));
    expect(String(pieces.pop())).to.equal("next");
  });

  it("never gives an empty piece of data", () => {
    const empty = dataFrame(Buffer.alloc(0));
    const all = Buffer.concat([empty, empty, dataFrame(Buffer.from("x"))]);
    for (const { chunks } of cutsOf(all, 5)) {
      const reader = new ChannelFrameReader({
        onData: (piece) => expect(piece).to.have.length(1),
        onFrame: () => expect.fail("no such frame"),
      });
      for (const chunk of chunks) reader.push(chunk);
    }
    expect(readAll([all])).to.deep.equal([[FrameType.data, "x"]]);
  });

  it("keeps a small frame's payload apart from the chunks that follow", () => {
    const chunk = Buffer.from(encodeChannelFrame(FrameType.open, "abc"));
    const kept: Buffer[] = [];
    const reader = new ChannelFrameReader({
      onData: () => expect.fail("no data came"),
      onFrame: (_type, payload) => kept.push(payload),
    });
    reader.push(chunk);
    chunk.fill(0);
    expect(String(kept[0])).to.equal("abc");
  });

  it("keeps the parts of a small frame, whatever is read over them meanwhile", () => {
    const frame = encodeChannelFrame(FrameType.open, "abcdef");
    for (const { chunks } of cutsOf(frame, 3)) {
      const kept: Buffer[] = [];
      const reader = new ChannelFrameReader({
        onData: () => expect.fail("no data came"),
        onFrame: (_type, payload) => kept.push(payload),
      });
      // As a reader of sockets does, which has one buffer.
      const buffer = Buffer.alloc(frame.length);
      for (const chunk of chunks)
        reader.push(buffer.subarray(0, chunk.copy(buffer)));
      expect(kept.map(String)).to.deep.equal(["abcdef"]);
    }
  });

  for (const [name, type] of small)
    it(`takes a ${name} of exactly the cap, and refuses one byte more at once`, () => {
      const payload = "x".repeat(MAX_SMALL_BYTES);
      expect(readAll([encodeChannelFrame(type, payload)])).to.deep.equal([
        [type, payload],
      ]);
      for (const size of [MAX_SMALL_BYTES + 1, 0xffffff])
        for (const { chunks } of cutsOf(encodeChannelHeader(type, size), 2))
          expect(() => readAll(chunks))
            .to.throw(VnetError, "over the limit")
            .with.property("code", "protocol");
    });

  for (const type of [0, 9, 10, 0x47, 0x7f])
    it(`refuses the unknown type ${type} before its payload`, () => {
      const header = Buffer.from([type, 0, 0, 1]);
      for (const { chunks } of cutsOf(header, 2))
        expect(() => readAll(chunks))
          .to.throw(VnetError, `unknown channel frame ${type}`)
          .with.property("code", "protocol");
    });

  for (const type of [0x80, 0x81, 0xff])
    it(`skips the unknown type ${type}, which is optional, with its payload of up to the cap`, () => {
      const skipped = (bytes: number) =>
        Buffer.concat([
          Buffer.from([type, 0, bytes >> 8, bytes & 0xff]),
          Buffer.alloc(bytes, "x"),
        ]);
      const all = [
        skipped(5),
        encodeChannelFrame(FrameType.open, "abc"),
        skipped(0),
        dataFrame(Buffer.from("d")),
        skipped(MAX_SMALL_BYTES),
      ];
      for (const { name, chunks } of cutsOf(Buffer.concat(all), 9))
        expect(readAll(chunks), name).to.deep.equal([
          [FrameType.open, "abc"],
          [FrameType.data, "d"],
        ]);
      const tooLong = Buffer.from([type, 0, 0x10, 0x01]);
      expect(() => readAll([tooLong])).to.throw(VnetError, "over the limit");
    });

  it("gives what stood before a bad frame in the same read", () => {
    const seen: number[] = [];
    const reader = new ChannelFrameReader({
      onData: () => seen.push(FrameType.data),
      onFrame: (type) => seen.push(type),
    });
    const good = encodeChannelFrame(FrameType.fin);
    const bad = Buffer.from([0, 0, 0, 0]);
    expect(() => {
      reader.push(Buffer.concat([good, dataFrame(Buffer.from("x")), bad]));
    }).to.throw(VnetError);
    expect(seen).to.deep.equal([FrameType.fin, FrameType.data]);
  });

  it("may be stopped by its sink in the middle of a read", () => {
    const reader = new ChannelFrameReader({
      onData: () => undefined,
      onFrame: () => {
        throw new VnetError("protocol", "out of turn");
      },
    });
    expect(() => {
      reader.push(encodeChannelFrame(FrameType.fin));
    }).to.throw(VnetError, "out of turn");
  });
});
