import { expect } from "chai";
import fc from "fast-check";
import {
  encodeFrame,
  FrameDecoder,
  MAX_FRAME_BYTES,
} from "../../src/wire/frame.js";
import {
  always,
  anyBytes,
  anyPlaces,
  cutInto,
  outcomeOf,
} from "../support/property.js";

/** The messages, and at last what was wrong, however the bytes are cut. */
function readAll(chunks: readonly Buffer[]): string[] {
  const decoder = new FrameDecoder();
  const read: string[] = [];
  for (const chunk of chunks) {
    const outcome = outcomeOf(() => decoder.push(chunk), "protocol");
    if ("error" in outcome) return [...read, outcome.error.message];
    read.push(...outcome.value.map((value) => JSON.stringify(value)));
  }
  return read;
}

const anyObject = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 }));

describe("a control frame, whatever it holds,", () => {
  always(
    "is read as it was written, wherever it is cut",
    fc.array(anyObject, { maxLength: 6 }),
    anyPlaces,
    (messages, places) => {
      const frames = Buffer.concat(messages.map(encodeFrame));
      expect(readAll(cutInto(frames, places))).to.deep.equal(
        messages.map((message) => JSON.stringify(JSON.parse(text(message)))),
      );
    },
  );

  always(
    "is a message or a protocol error when it is any bytes, at the latest the same when they are all there",
    anyBytes(),
    anyPlaces,
    (bytes, places) => {
      const whole = readAll([bytes]);
      const cut = readAll(cutInto(bytes, places));
      // All at once, an error takes the messages before it along.
      expect(cut.slice(-whole.length)).to.deep.equal(whole);
    },
  );

  always(
    "of any length and any text is read, or refused with a protocol error",
    fc.oneof(fc.nat({ max: 300 }), fc.nat({ max: 0xffff_ffff })),
    anyBytes(300),
    (length, body) => {
      const header = Buffer.alloc(4);
      header.writeUInt32BE(length);
      const read = readAll([header, body]);
      if (length > MAX_FRAME_BYTES) expect(read).to.have.length(1);
      if (length > body.length && length <= MAX_FRAME_BYTES)
        expect(read).to.deep.equal([]);
    },
  );
});

function text(message: object): string {
  return JSON.stringify(message);
}
