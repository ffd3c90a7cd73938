import { expect } from "chai";
import { VnetError } from "../../src/errors.js";
import {
  encodeFrame,
  FrameDecoder,
  MAX_FRAME_BYTES,
} from "../../src/wire/frame.js";
import { cutsOf } from "../support/cuts.js";

/** A message whose JSON has exactly that many bytes. */
const messageOf = (bytes: number) => ({ text: "x".repeat(bytes - 11) });

const rawFrame = (body: Buffer | string, bytes = Buffer.byteLength(body)) => {
  const header = Buffer.alloc(4);
  header.writeUInt32BE(bytes);
  return Buffer.concat([header, Buffer.from(body)]);
};

function decodeAll(chunks: readonly Buffer[]): unknown[] {
  const decoder = new FrameDecoder();
  return chunks.flatMap((chunk) => decoder.push(chunk));
}

function protocolErrorOf(act: () => unknown): VnetError {
  try {
    act();
  } catch (error) {
    if (error instanceof VnetError && error.code === "protocol") return error;
    throw error;
  }
  throw new Error("expected a protocol error, nothing was thrown");
}

describe("A frame", () => {
  it("is the length in four big-endian bytes and the JSON", () => {
    expect(encodeFrame({ a: "ü" })).to.deep.equal(
      Buffer.from('\0\0\0\x0a{"a":"ü"}'),
    );
  });

  it("may hold exactly as many bytes as the cap, and not one more", () => {
    const frame = encodeFrame(messageOf(MAX_FRAME_BYTES));
    expect(frame).to.have.length(4 + MAX_FRAME_BYTES);
    expect(decodeAll([frame])).to.deep.equal([messageOf(MAX_FRAME_BYTES)]);
    const error = protocolErrorOf(() =>
      encodeFrame(messageOf(MAX_FRAME_BYTES + 1)),
    );
    expect(error.message).to.include("65537").and.include("65536");
  });

  it("counts bytes and not characters", () => {
    const tooLarge = { text: "€".repeat(MAX_FRAME_BYTES / 3) };
    protocolErrorOf(() => encodeFrame(tooLarge));
  });
});

describe("FrameDecoder", () => {
  const messages = [
    {},
    { type: "ping", request: 1 },
    { text: "übergroß 🎉 " },
    { nested: { list: [1, [2, null]], text: '"}{' } },
    messageOf(5_000),
    { text: "" },
    { last: true },
  ];
  const bytes = Buffer.concat(messages.map(encodeFrame));

  it("gives every message once and in order, however the bytes are cut", () => {
    for (const { name, chunks } of cutsOf(bytes))
      expect(decodeAll(chunks), name).to.deep.equal(messages);
  });

  it("gives each message with the very byte that completes it", () => {
    const decoder = new FrameDecoder();
    let end = 0;
    const ends = messages.map(
      (message) => (end += encodeFrame(message).length),
    );
    for (const [at, byte] of bytes.entries()) {
      const given = decoder.push(Buffer.from([byte]));
      const which = ends.indexOf(at + 1);
      expect(given).to.deep.equal(which < 0 ? [] : [messages[which]]);
    }
  });

  it("reads every message of one read", () => {
    const many = Array.from({ length: 5_000 }, (_, request) => ({ request }));
    const all = decodeAll([Buffer.concat(many.map(encodeFrame))]);
    expect(all).to.deep.equal(many);
  });

  it("takes messages of the cap one behind the other, byte by byte", () => {
    const large = messageOf(MAX_FRAME_BYTES);
    const two = Buffer.concat([encodeFrame(large), encodeFrame(large)]);
    const chunks = Array.from(two, (_, at) => two.subarray(at, at + 1));
    expect(decodeAll(chunks)).to.deep.equal([large, large]);
  });

  it("gives nothing for an empty read", () => {
    const decoder = new FrameDecoder();
    expect(decoder.push(Buffer.alloc(0))).to.deep.equal([]);
    expect(decoder.push(bytes.subarray(0, 3))).to.deep.equal([]);
    expect(decoder.push(Buffer.alloc(0))).to.deep.equal([]);
    expect(decoder.push(bytes.subarray(3))).to.deep.equal(messages);
  });

  it("gives any JSON value, for others to judge", () => {
    const values = [null, false, 0, "", []];
    const frames = values.map((value) => rawFrame(JSON.stringify(value)));
    expect(decodeAll([Buffer.concat(frames)])).to.deep.equal(values);
  });

  it("refuses a frame over the cap as soon as its length is read", () => {
    for (const length of [MAX_FRAME_BYTES + 1, 0x7fffffff, 0xffffffff]) {
      const header = rawFrame("", length);
      const decoder = new FrameDecoder();
      for (const byte of header.subarray(0, 3))
        expect(decoder.push(Buffer.from([byte]))).to.deep.equal([]);
      const error = protocolErrorOf(() => decoder.push(header.subarray(3)));
      expect(error.message).to.include(String(length));
    }
  });

  const hostile: Record<string, Buffer> = {
    "an empty frame": rawFrame(""),
    "half a JSON": rawFrame('{"type":'),
    "two JSONs in one frame": rawFrame("{}{}"),
    "a length one too short": rawFrame('{"a":1}', 6),
    "a length one too long": Buffer.concat([rawFrame("{}", 3), rawFrame("{}")]),
    "bytes that are no UTF-8": rawFrame(Buffer.from([0xff, 0xfe, 0x00])),
    "single quotes": rawFrame("{'a':1}"),
    "a byte order mark": rawFrame("\ufeff{}"),
    NaN: rawFrame('{"a":NaN}'),
    "an HTTP request": Buffer.from("GET / HTTP/1.1\r\nHost: hub\r\n\r\n"),
    "a TLS hello": Buffer.from("16030100f7010000f303", "hex"),
    "an SSH greeting": Buffer.from("SSH-2.0-OpenSSH_9.6\r\n"),
  };
  for (const [name, hostileBytes] of Object.entries(hostile))
    it(`refuses ${name} as a protocol error, however it is cut`, () => {
      for (const { name: cut, chunks } of cutsOf(hostileBytes, 5)) {
        const error = protocolErrorOf(() => decodeAll(chunks));
        expect(error.message.length, cut).to.be.below(200);
      }
    });

  it("throws nothing but protocol errors at random bytes behind a small length", () => {
    for (let n = 0; n < 2_000; n++) {
      const body = Buffer.from(`${n}`.repeat(n % 7) + '{"[,:]}'.slice(n % 7));
      try {
        decodeAll([rawFrame(body)]);
      } catch (error) {
        expect(error).to.be.instanceOf(VnetError);
        expect((error as VnetError).code).to.equal("protocol");
      }
    }
  });
});
