import { expect } from "chai";
import { VnetError } from "../../src/errors.js";
import {
  encodeConnectAnswer,
  encodeConnectLine,
  parseConnectAnswer,
  parseConnectLine,
} from "../../src/wire/connect-line.js";

describe("a CONNECT line", () => {
  for (const port of [0, 1, 7_749, 4_294_967_295])
    it(`asks for port ${port}, however it comes and whatever follows`, () => {
      const line = Buffer.from(`CONNECT ${port}\n`);
      for (let bytes = 0; bytes < line.length; bytes++)
        expect(parseConnectLine(line.subarray(0, bytes)), `${bytes}`).to.be
          .null;
      const expected = { value: port, bytes: line.length };
      expect(parseConnectLine(line)).to.deep.equal(expected);
      const more = Buffer.concat([line, Buffer.from("CONNECT x\n\x16")]);
      expect(parseConnectLine(more)).to.deep.equal(expected);
    });

  for (const text of [
    "\n",
    "GET / HTTP/1.1\r\n",
    "\x16\x03\x01",
    "vnet-leg",
    "connect 1\n",
    "CONNECT\n",
    "CONNECT \n",
    "CONNECT  1\n",
    "CONNECT 1 \n",
    "CONNECT 1\r\n",
    "CONNECT 01\n",
    "CONNECT -1\n",
    "CONNECT 1x",
    "CONNECT 4294967296\n",
    "CONNECT host:443 HTTP/1.1\r\n",
    "CONNECT ".padEnd(32, "1"),
    "CONNECT ".padEnd(32, "1") + "\n",
  ])
    it(`cannot be ${JSON.stringify(text)}`, () => {
      expect(() => parseConnectLine(Buffer.from(text)))
        .to.throw(VnetError, /did not begin with a line CONNECT/)
        .with.property("code", "protocol");
    });

  it("is answered by OK and its port", () => {
    expect(encodeConnectAnswer(7_749)).to.equal("OK 7749\n");
  });
});

describe("the answer to a CONNECT line", () => {
  it("is taken with its line, however it comes and whatever follows", () => {
    for (const text of [encodeConnectAnswer(7), "OK 4294967295\r\n"]) {
      const answer = Buffer.from(text);
      for (let bytes = 0; bytes < answer.length; bytes++)
        expect(parseConnectAnswer(answer.subarray(0, bytes))).to.equal(null);
      const more = Buffer.concat([answer, Buffer.from("SSH-2.0\n")]);
      expect(parseConnectAnswer(more)).to.deep.equal({
        value: true,
        bytes: answer.length,
      });
    }
  });

  for (const text of ["\n", "OK\n", "OK x\n", "NO 1\n", "O".repeat(32)])
    it(`cannot be ${JSON.stringify(text)}`, () => {
      expect(() => parseConnectAnswer(Buffer.from(text)))
        .to.throw(VnetError, /did not answer OK/)
        .with.property("code", "protocol");
    });

  it("answers what was asked", () => {
    const asked = Buffer.from(encodeConnectLine(52));
    expect(parseConnectLine(asked)).to.include({ value: 52 });
  });
});
