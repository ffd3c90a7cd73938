import { expect } from "chai";
import {
  decodePreamble,
  encodeControlPreamble,
  encodeLegPreamble,
  PREAMBLE_BYTES,
  TICKET_BYTES,
} from "../../src/wire/preamble.js";

describe("The preamble", () => {
  it("of a control link is eight bytes, fixed for ever", () => {
    const bytes = encodeControlPreamble();
    expect(bytes.toString("latin1")).to.equal("vnet-ctl");
    expect(bytes).to.have.length(PREAMBLE_BYTES);
    expect(decodePreamble(bytes)).to.equal("control");
  });

  it("of a leg is eight bytes and its ticket", () => {
    const ticket = "00112233445566778899aabbccddeeff";
    const bytes = encodeLegPreamble(ticket);
    expect(bytes).to.have.length(PREAMBLE_BYTES + TICKET_BYTES);
    expect(bytes.toString("latin1", 0, PREAMBLE_BYTES)).to.equal("vnet-leg");
    expect(bytes.toString("hex", PREAMBLE_BYTES)).to.equal(ticket);
    expect(decodePreamble(bytes.subarray(0, PREAMBLE_BYTES))).to.equal("leg");
  });

  const foreign = {
    nothing: "",
    "half of it": "vnet-ct",
    "one byte too many": "vnet-ctl\0",
    "other letters": "VNET-CTL",
    zeros: "\0".repeat(8),
    HTTP: "GET / HT",
    SSH: "SSH-2.0-",
    "another vnet": "vnet-new",
  };
  for (const [name, text] of Object.entries(foreign))
    it(`is not ${name}`, () => {
      expect(decodePreamble(Buffer.from(text, "latin1"))).to.equal(null);
    });

  it("is not what has its letters in the lower seven bits only", () => {
    const bytes = Buffer.from(
      encodeControlPreamble().map((byte) => byte | 128),
    );
    expect(decodePreamble(bytes)).to.equal(null);
  });
});
