import { randomBytes } from "node:crypto";
import { expect } from "chai";
import { VnetError } from "../../src/errors.js";
import { isBoundWith } from "../../src/keys/binder.js";
import {
  CLIENT_HELLO_MAX_BYTES,
  parseClientHello,
} from "../../src/wire/client-hello.js";
import { recordClientHello } from "../support/client-hello.js";

const PSK = randomBytes(32);

function codeOf(head: Buffer): string {
  try {
    return parseClientHello(head) === null ? "more" : "whole";
  } catch (error) {
    if (!(error instanceof VnetError)) throw error;
    return error.code;
  }
}

const changed = (hello: Buffer, at: number, value: number) => {
  const copy = Buffer.from(hello);
  copy[at < 0 ? copy.length + at : at] = value;
  return copy;
};

describe("a ClientHello", () => {
  let hello: Buffer;

  before(async () => {
    hello = await recordClientHello({ identity: "a hint", psk: PSK });
  });

  it("of ours says which key is meant, and proves that key and no other", () => {
    const { identity, bound, binder } = parseClientHello(hello)!.value;
    expect(identity).to.equal("a hint");
    expect(isBoundWith(PSK, bound, binder)).to.equal(true);
    expect(isBoundWith(randomBytes(32), bound, binder)).to.equal(false);
  });

  it("proves nothing once a byte of it was changed", () => {
    for (let at = 0; at < hello.length; at++) {
      const other = changed(hello, at, hello[at]! ^ 1);
      if (codeOf(other) !== "whole") continue;
      const { bound, binder } = parseClientHello(other)!.value;
      // The version in the record's header means nothing (RFC 8446, 5.1).
      if (at !== 2)
        expect(isBoundWith(PSK, bound, binder), `byte ${at}`).to.equal(false);
    }
  });

  it("is waited for as long as it is not whole, and taken with what follows", () => {
    for (let bytes = 1; bytes < hello.length; bytes++)
      expect(codeOf(hello.subarray(0, bytes)), `${bytes} bytes`).to.equal(
        "more",
      );
    expect(codeOf(Buffer.concat([hello, Buffer.alloc(9)]))).to.equal("whole");
  });

  const hostile: [what: string, make: () => Buffer][] = [
    ["is no handshake", () => changed(hello, 0, 0x17)],
    ["has another version of the record", () => changed(hello, 1, 2)],
    [
      "announces a larger record than ours",
      () => Buffer.from([0x16, 3, 1, CLIENT_HELLO_MAX_BYTES >> 8, 0xff]),
    ],
    [
      "announces a message of 131,000 bytes",
      () => Buffer.from("160301010001" + "01ffb8", "hex"),
    ],
    ["is another message", () => changed(hello, 5, 2)],
    [
      "goes on in a second record",
      () => changed(hello.subarray(0, 9), 8, hello[8]! + 1),
    ],
    [
      "ends before its record does",
      () => changed(hello.subarray(0, 9), 8, hello[8]! - 1),
    ],
    ["is empty", () => Buffer.from("16030100" + "0401000000", "hex")],
    ["has a session id that ends behind it", () => changed(hello, 43, 255)],
    ["has a second binder behind the first", () => changed(hello, -34, 66)],
    ["has a binder of another length", () => changed(hello, -33, 31)],
  ];
  for (const [what, make] of hostile)
    it(`is none of ours when it ${what}`, () => {
      expect(codeOf(make())).to.equal("protocol");
    });

  it("is none of ours without a key", () => {
    const type = hello.lastIndexOf(Buffer.from("0029", "hex"));
    expect(codeOf(changed(hello, type + 1, 0x28))).to.equal("protocol");
  });

  it("has room to grow: one with X25519MLKEM768, as newer Nodes make it, has 1,216 bytes more", () => {
    const isLarge = hello.length > 1_216;
    const largest = hello.length + (isLarge ? 0 : 1_216);
    expect(largest).to.be.below(CLIENT_HELLO_MAX_BYTES / 2);
  });
});
