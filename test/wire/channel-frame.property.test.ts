import { expect } from "chai";
import fc from "fast-check";
import {
  ChannelFrameReader,
  encodeChannelFrame,
  encodeChannelHeader,
  FrameType,
  MAX_SMALL_BYTES,
} from "../../src/wire/channel-frame.js";
import {
  always,
  anyBytes,
  anyPlaces,
  cutInto,
  outcomeOf,
} from "../support/property.js";

/** `type payload` for each frame, the pieces of DATA one behind the other joined, and at last what was wrong. */
function readAll(chunks: readonly Buffer[]): string[] {
  const read: string[] = [];
  const reader = new ChannelFrameReader({
    onData: (bytes) => {
      if (bytes.length > 0 && read.at(-1)?.startsWith("data ") === true)
        read.push((read.pop() ?? "") + bytes.toString("hex"));
      else if (bytes.length > 0) read.push(`data ${bytes.toString("hex")}`);
    },
    onFrame: (type, payload) => {
      read.push(`${type} ${payload.toString("hex")}`);
    },
  });
  for (const chunk of chunks) {
    const outcome = outcomeOf(() => {
      reader.push(chunk);
    }, "protocol");
    if ("error" in outcome) return [...read, outcome.error.message];
  }
  return read;
}

const SMALL = Object.values(FrameType).filter((type) => type !== 4);
const smallFrame = fc.record({
  type: fc.constantFrom(...SMALL),
  payload: fc.oneof(anyBytes(20), anyBytes(MAX_SMALL_BYTES)),
});
const dataFrame = fc.record({
  type: fc.constant(FrameType.data),
  payload: anyBytes(300),
});

describe("channel frames, whatever they hold,", () => {
  always(
    "are read as they were written, wherever they are cut",
    fc.array(fc.oneof(smallFrame, dataFrame), { maxLength: 8 }),
    anyPlaces,
    (frames, places) => {
      const bytes = frames.map(({ type, payload }) =>
        type === FrameType.data
          ? Buffer.concat([encodeChannelHeader(type, payload.length), payload])
          : encodeChannelFrame(type, payload),
      );
      const expected: string[] = [];
      for (const { type, payload } of frames) {
        const hex = payload.toString("hex");
        if (type !== FrameType.data) expected.push(`${type} ${hex}`);
        else if (expected.at(-1)?.startsWith("data ") === true)
          expected.push((expected.pop() ?? "") + hex);
        else if (hex !== "") expected.push(`data ${hex}`);
      }
      const read = readAll(cutInto(Buffer.concat(bytes), places));
      expect(read).to.deep.equal(expected);
    },
  );

  always(
    "come to the same when they are any bytes, wherever these are cut, and to nothing worse than a protocol error",
    anyBytes(600),
    anyPlaces,
    (bytes, places) => {
      expect(readAll(cutInto(bytes, places))).to.deep.equal(readAll([bytes]));
    },
  );

  always(
    "with any type and length are known at once or refused",
    fc.nat({ max: 255 }),
    fc.nat({ max: 0xff_ffff }),
    (type, length) => {
      const header = Buffer.alloc(4);
      header.writeUInt32BE(((type << 24) | length) >>> 0);
      const [said = ""] = readAll([header]);
      const isOptional = type >= 0x80;
      const isKnown = type >= 1 && type <= 8;
      if (!isKnown && !isOptional) expect(said).to.contain("unknown");
      else if (type !== 4 && length > MAX_SMALL_BYTES)
        expect(said).to.contain("over the limit");
      else if (isOptional) expect(said).to.equal("");
      else expect(said).to.equal(length > 0 || type === 4 ? "" : `${type} `);
    },
  );
});
