import { expect } from "chai";
import { TLS_FIRST_BYTE } from "../../src/wire/client-hello.js";
import {
  encodeLegPreamble,
  isLegPreamble,
  LEG_PREAMBLE_BYTES,
  TICKET_BYTES,
} from "../../src/wire/preamble.js";

const TICKET = "00112233445566778899aabbccddeeff";

describe("The preamble", () => {
  it("of a leg is eight bytes, fixed for ever, and its ticket", () => {
    const bytes = encodeLegPreamble(TICKET);
    expect(bytes).to.have.length(LEG_PREAMBLE_BYTES + TICKET_BYTES);
    expect(bytes.toString("latin1", 0, LEG_PREAMBLE_BYTES)).to.equal(
      "vnet-leg",
    );
    expect(bytes.toString("hex", LEG_PREAMBLE_BYTES)).to.equal(TICKET);
    expect(isLegPreamble(bytes.subarray(0, LEG_PREAMBLE_BYTES))).to.be.true;
  });

  it("of a leg is told from TLS by its first byte", () => {
    expect(encodeLegPreamble(TICKET)[0]).not.to.equal(TLS_FIRST_BYTE);
  });

  const foreign = {
    nothing: "",
    "half of it": "vnet-le",
    "one byte too many": "vnet-leg\0",
    "other letters": "VNET-LEG",
    zeros: "\0".repeat(8),
    HTTP: "GET / HT",
    SSH: "SSH-2.0-",
    "another vnet": "vnet-new",
    "the control link of the first version": "vnet-ctl",
  };
  for (const [name, text] of Object.entries(foreign))
    it(`is not ${name}`, () => {
      expect(isLegPreamble(Buffer.from(text, "latin1"))).to.be.false;
    });

  it("is not what has its letters in the lower seven bits only", () => {
    const bytes = Buffer.from(
      encodeLegPreamble(TICKET)
        .subarray(0, LEG_PREAMBLE_BYTES)
        .map((byte) => byte | 128),
    );
    expect(isLegPreamble(bytes)).to.be.false;
  });
});
