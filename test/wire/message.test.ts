import { expect } from "chai";
import * as v from "valibot";
import { VnetError } from "../../src/errors.js";
import {
  createMessageDecoder,
  dispatch,
  type MessageOf,
} from "../../src/wire/message.js";

const table = {
  add: v.object({ left: v.number(), right: v.number() }),
  say: v.object({ text: v.string() }),
  stop: v.object({}),
} as const;
type Message = MessageOf<typeof table>;
const decode = createMessageDecoder(table);

/** Deep enough to overflow the stack of anything that recurses. */
const deep = (open: string, close: string) =>
  open.repeat(15_000) + "1" + close.repeat(15_000);

const hostile: Record<string, string> = {
  null: "null",
  "a number": "7",
  "a text": '"add"',
  "an array": "[]",
  "an array that looks like one": '[{"type":"stop"}]',
  "an object without a type": "{}",
  "a type that is null": '{"type":null}',
  "a type that is a number": '{"type":1}',
  "a type in an array": '{"type":["stop"]}',
  "a type that cannot become text": '{"type":{"toString":1,"valueOf":1}}',
  "a type that is deeply nested": `{"type":${deep("[", "]")}}`,
  "an unknown type": '{"type":"subtract"}',
  "a type in other letters": '{"type":"STOP"}',
  "a type with a blank": '{"type":"stop "}',
  "the type __proto__": '{"type":"__proto__"}',
  "the type constructor": '{"type":"constructor"}',
  "the type toString": '{"type":"toString"}',
  "the type hasOwnProperty": '{"type":"hasOwnProperty"}',
  "an empty type": '{"type":""}',
  "a very long type": `{"type":"${"x".repeat(60_000)}"}`,
  "a missing field": '{"type":"add","left":1}',
  "a field of another type": '{"type":"add","left":1,"right":"2"}',
  "a field that is null": '{"type":"say","text":null}',
  "a field that is an object": '{"type":"say","text":{"toString":1}}',
  "a field that is deeply nested": `{"type":"say","text":${deep('{"a":', "}")}}`,
  "a very long field": `{"type":"add","left":1,"right":"${"x".repeat(60_000)}"}`,
  "line ends and escapes in a type": '{"type":"\\n\\u001b[2J\\u009b"}',
  "line ends and escapes in a field": '{"type":"add","left":"\\n\\u001b[2J"}',
  "an unknown type that is optional in another way":
    '{"type":"subtract","optional":1}',
};

describe("A message decoder", () => {
  it("gives back what the table allows, with its type", () => {
    const messages: Message[] = [
      { type: "add", left: 1, right: 2 },
      { type: "say", text: "\n" },
      { type: "stop" },
    ];
    for (const message of messages)
      expect(decode(JSON.parse(JSON.stringify(message)))).to.deep.equal(
        message,
      );
  });

  for (const [name, json] of Object.entries(hostile))
    it(`refuses ${name} with a protocol error of one short line`, () => {
      const value: unknown = JSON.parse(json);
      const error = errorOf(() => decode(value));
      expect(error).to.be.instanceOf(VnetError);
      expect((error as VnetError).code).to.equal("protocol");
      expect((error as VnetError).message)
        .to.match(/^[^\p{Cc}\p{Cs}\u2028\u2029]+$/u)
        .and.satisfy((text: string) => text.length < 300);
    });

  it("leaves out fields that the table does not have", () => {
    for (const json of [
      '{"type":"stop","now":true}',
      '{"type":"stop","__proto__":{"a":1}}',
      `{"type":"stop","${"x".repeat(60_000)}":1}`,
    ]) {
      const message = decode(JSON.parse(json));
      expect(message).to.deep.equal({ type: "stop" });
      expect(Object.getPrototypeOf(message)).to.equal(Object.prototype);
    }
  });

  it("gives nothing for an unknown message that is marked as optional", () => {
    expect(decode({ type: "subtract", optional: true })).to.equal(undefined);
  });

  it("names the message and the field that is wrong", () => {
    expect(() => decode({ type: "add", left: 1, right: "2" }))
      .to.throw(VnetError)
      .with.property("message")
      .that.matches(/^message add: right: .*number/);
    expect(() => decode({ type: "subtract" })).to.throw('"subtract"');
  });
});

describe("dispatch", () => {
  it("calls the handler of the message's own type, once, with the message", () => {
    const calls: Message[] = [];
    const wrong = () => expect.fail("the wrong handler");
    const message: Message = { type: "add", left: 1, right: 2 };
    dispatch<Message>(
      { add: (given) => calls.push(given), say: wrong, stop: wrong },
      message,
    );
    expect(calls).to.deep.equal([message]);
  });
});

function errorOf(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return error;
  }
  throw new Error("expected an error, nothing was thrown");
}
