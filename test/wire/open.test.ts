import { expect } from "chai";
import { decodeOpen, encodeOpen } from "../../src/wire/open.js";

const decode = (text: string) => decodeOpen(Buffer.from(text));
const lend = { ip: "::1", port: 22, keep: true };

describe("the payload of OPEN", () => {
  it("comes back as it was, with the user's address and without", () => {
    for (const open of [
      { wanted: { serveid: 700, name: "ssh" }, from: "192.0.2.1:50000" },
      { wanted: { serveid: 1, name: "my web" }, from: "[2001:db8::1]:1" },
      { wanted: { serveid: 7 }, from: "" },
      { wanted: { unserve: 3 }, from: "192.0.2.1:50000" },
      { wanted: { lend }, from: "" },
    ])
      expect(decode(encodeOpen(open))).to.deep.equal(open);
  });

  it("has no address and no name where there is none", () => {
    expect(encodeOpen({ wanted: { serveid: 7 }, from: "" })).to.equal(
      '{"serveid":7}',
    );
    expect(encodeOpen({ wanted: { unserve: 3 }, from: "" })).to.equal(
      '{"unserve":3}',
    );
  });

  it("loses an address that nobody should see, and stays good", () => {
    for (const from of [1, null, "", "a b", "a\nb", "é", "x".repeat(65), {}])
      expect(decode(JSON.stringify({ serveid: 7, from }))).to.deep.equal({
        wanted: { serveid: 7 },
        from: "",
      });
  });

  it("may say more than this version knows", () => {
    const text = JSON.stringify({ lend: { ...lend, more: 1 }, more: [] });
    expect(decode(text).wanted).to.deep.equal({ lend });
  });

  it("is refused without anything that is wanted, or with a name that is none", () => {
    for (const text of [
      ...["", "7", "null", "{}", '{"serveid":"7"}', "{", '{"unserve":1.5}'],
      ...[null, 7, "", "a\nb", "x".repeat(65)].map((name) =>
        JSON.stringify({ serveid: 7, name }),
      ),
      '{"lend":{"ip":"::1","port":22}}',
      '{"lend":{"ip":"","port":22,"keep":true}}',
      '{"lend":{"ip":"::1","port":0,"keep":true}}',
      '{"lend":{"ip":"::1","port":65536,"keep":true}}',
      `{"lend":{"ip":"${"x".repeat(256)}","port":22,"keep":true}}`,
    ])
      expect(() => decode(text), text).to.throw("a malformed OPEN");
  });
});
