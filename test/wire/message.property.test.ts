import { expect } from "chai";
import fc from "fast-check";
import { encodeFrame, FrameDecoder } from "../../src/wire/frame.js";
import type { MessageTable } from "../../src/wire/message.js";
import { decodeToHub, toHubMessages } from "../../src/wire/to-hub.js";
import { decodeToNode, toNodeMessages } from "../../src/wire/to-node.js";
import { anyMessageOf } from "../support/any-message.js";
import { always, anyText, outcomeOf } from "../support/property.js";

const DIRECTIONS: [
  string,
  MessageTable,
  (value: unknown) => object | undefined,
][] = [
  ["to the hub", toHubMessages, decodeToHub],
  ["to a node", toNodeMessages, decodeToNode],
];

for (const [direction, table, decode] of DIRECTIONS)
  describe(`a message ${direction}, whatever it says,`, () => {
    const anyMessage = anyMessageOf(table);
    const anyValue = fc.jsonValue({ maxDepth: 4 });

    always("is read as it was written", anyMessage, (message) => {
      const [read] = new FrameDecoder().push(encodeFrame(message));
      expect(decode(read)).to.deep.equal(message);
    });

    always(
      "is a message or a protocol error when it is any JSON",
      fc.oneof(
        anyValue,
        fc
          .tuple(fc.constantFrom(...Object.keys(table)), anyValue)
          .map(([type, rest]) => ({ ...(rest as object), type })),
        anyText().map((type) => ({ type })),
      ),
      (value) => {
        outcomeOf(() => decode(value), "protocol");
      },
    );

    always(
      "with one field that is something else is a message or a protocol error, told in one short line",
      anyMessage,
      fc.nat(),
      fc.oneof(anyValue, anyText(2_000)),
      fc.boolean(),
      (message, at, other, isRenamed) => {
        const names = Object.keys(message);
        const name = names[at % names.length] ?? "";
        const key = isRenamed ? `${name}x` : name;
        const spoiled = { ...message, [key]: other };
        const outcome = outcomeOf(() => decode(spoiled), "protocol");
        if (!("error" in outcome)) return;
        expect(outcome.error.message.length).to.be.below(300);
        expect(outcome.error.message).not.to.match(/[\p{Cc}\p{Cs}]/u);
      },
    );
  });
