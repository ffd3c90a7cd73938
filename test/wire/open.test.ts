import { expect } from "chai";
import { decodeOpen, encodeOpen } from "../../src/wire/open.js";

const decode = (text: string) => decodeOpen(Buffer.from(text));

describe("the payload of OPEN", () => {
  it("comes back as it was, with the user's address and without", () => {
    for (const open of [
      { serveid: 700, from: "192.0.2.1:50000" },
      { serveid: 1, from: "[2001:db8::1]:1" },
      { serveid: 7, from: "" },
    ])
      expect(decode(encodeOpen(open))).to.deep.equal(open);
  });

  it("has no address where there is none", () => {
    expect(encodeOpen({ serveid: 7, from: "" })).to.equal('{"serveid":7}');
  });

  it("loses an address that nobody should see, and stays good", () => {
    for (const from of [1, null, "", "a b", "a\nb", "é", "x".repeat(65), {}])
      expect(decode(JSON.stringify({ serveid: 7, from }))).to.deep.equal({
        serveid: 7,
        from: "",
      });
  });

  it("is refused without a serveid", () => {
    for (const text of ["", "7", "null", "{}", '{"serveid":"7"}', "{"])
      expect(() => decode(text), text).to.throw("a malformed OPEN");
  });
});
