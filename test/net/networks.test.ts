import { expect } from "chai";
import { Networks } from "../../src/net/networks.js";

describe("a list of networks", () => {
  const networks = new Networks("10.0.0.0/8 192.0.2.7 2001:db8::/32 ::1");

  for (const [address, isIn] of [
    ["10.255.0.1", true],
    ["11.0.0.1", false],
    ["192.0.2.7", true],
    ["192.0.2.8", false],
    ["2001:db8:ffff::1", true],
    ["2001:db9::1", false],
    ["::1", true],
    ["::1%lo", true],
    ["::ffff:10.0.0.1", true],
    ["unix", false],
    ["?", false],
  ] as const)
    it(`has ${isIn ? "" : "not "}${address}`, () => {
      expect(networks.has(address)).to.equal(isIn);
    });

  it("takes one with bits behind its prefix as the whole network", () => {
    expect(new Networks("10.1.2.3/8").has("10.9.9.9")).to.equal(true);
  });
});
