import { expect } from "chai";
import { KeyRing } from "../../src/hub/key-ring.js";
import { createKeyHint, createLinkKey } from "../../src/keys/psk.js";

const AUTHKEY = "the-key-of-the-hub";
const RED = { name: "red", authkey: "the-key-of-red" };
const BLUE = { name: "blue", authkey: "the-key-of-blue" };

async function hintFor(authkey: string | null): Promise<string> {
  return createKeyHint(await createLinkKey(authkey));
}

describe("the hub's keys", () => {
  let ring: KeyRing;

  before(async () => {
    ring = await KeyRing.make(AUTHKEY, [RED, BLUE]);
  });

  it("are found by what a client that has one of them says", async () => {
    for (const [authkey, group] of [
      [AUTHKEY, null],
      [RED.authkey, "red"],
      [BLUE.authkey, "blue"],
    ] as const) {
      const entry = ring.find(await hintFor(authkey));
      expect(entry?.group).to.equal(group);
      expect(entry?.key).to.deep.equal(await createLinkKey(authkey));
    }
  });

  it("are not found by anything else", async () => {
    const none = await hintFor(null);
    for (const hint of ["", "red", "vnet", await hintFor("another-key"), none])
      expect(ring.find(hint)).to.equal(undefined);
  });

  it("open one group each, and the hub's own key every group without one", async () => {
    const opens = async (authkey: string) => {
      const entry = ring.find(await hintFor(authkey));
      if (entry === undefined) throw new Error("not found");
      return ["red", "blue", "green", "default"].filter((group) =>
        ring.opens(entry, group),
      );
    };
    expect(await opens(AUTHKEY)).to.deep.equal(["green", "default"]);
    expect(await opens(RED.authkey)).to.deep.equal(["red"]);
    expect(await opens(BLUE.authkey)).to.deep.equal(["blue"]);
  });

  it("of an open hub let in whoever comes, but not into a group with a key", async () => {
    const open = await KeyRing.make(null, [RED]);
    const entry = open.find(await hintFor(null));
    if (entry === undefined) throw new Error("not found");
    expect(open.opens(entry, "default")).to.equal(true);
    expect(open.opens(entry, "red")).to.equal(false);
  });

  it("have none for a group without a key of its own, which the hub's opens", async () => {
    const lab = { name: "lab", authkey: "" };
    const withLab = await KeyRing.make(AUTHKEY, [RED, lab]);
    for (const nothing of ["", null])
      expect(withLab.find(await hintFor(nothing))).to.be.undefined;
    const own = withLab.find(await hintFor(AUTHKEY))!;
    expect(withLab.opens(own, "lab")).to.be.true;
    expect(withLab.opens(own, "red")).to.be.false;
  });
});
