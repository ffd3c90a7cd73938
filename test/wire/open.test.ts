import { expect } from "chai";
import { decodeOpen, encodeOpen } from "../../src/wire/open.js";

const decode = (text: string) => decodeOpen(Buffer.from(text));

describe("the payload of OPEN", () => {
  it("comes back as it was, with the user's address and without", () => {
    for (const open of [
      { serveid: 700, name: "ssh", from: "192.0.2.1:50000" },
      { serveid: 1, name: "my web", from: "[2001:db8::1]:1" },
      { serveid: 7, name: "", from: "" },
    ])
      expect(decode(encodeOpen(open))).to.deep.equal(open);
  });

  it("has no address and no name where there is none", () => {
    const open = { serveid: 7, name: "", from: "" };
    expect(encodeOpen(open)).to.equal('{"serveid":7}');
  });

  it("loses an address that nobody should see, and stays good", () => {
    for (const from of [1, null, "", "a b", "a\nb", "é", "x".repeat(65), {}])
      expect(decode(JSON.stringify({ serveid: 7, from }))).to.deep.equal({
        serveid: 7,
        name: "",
        from: "",
      });
  });

  it("is refused without a serveid, or with a name that is none", () => {
    for (const text of [
      ...["", "7", "null", "{}", '{"serveid":"7"}', "{"],
      ...[null, 7, "", "a\nb", "x".repeat(65)].map((name) =>
        JSON.stringify({ serveid: 7, name }),
      ),
    ])
      expect(() => decode(text), text).to.throw("a malformed OPEN");
  });
});
