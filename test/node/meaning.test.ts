import { expect } from "chai";
import { Meaning } from "../../src/node/meaning.js";
import { provider } from "../support/remote-serve.js";

const WEB = provider(1, { serveid: 7 });
const OTHER = provider(2, { serveid: 7, vnet: "lab", name: "db" });

describe("what a use means", () => {
  let meaning: Meaning;

  beforeEach(() => {
    meaning = new Meaning();
    expect(meaning.check(WEB)).to.equal(WEB);
  });

  it("is the first serve that it finds, when another has the dynamic id later", () => {
    meaning.interrupt();
    expect(meaning.check(OTHER)).to.equal(
      "007 is now db of vnet 02 (lab), this use means web of home; close and open it to take the new one",
    );
  });

  it("is that serve again when it is back", () => {
    meaning.interrupt();
    meaning.check(OTHER);
    expect(meaning.check(WEB)).to.equal(WEB);
  });

  it("is the same serve under another vnetid, as after the hub's restart", () => {
    meaning.interrupt();
    const back = { ...WEB, vnetid: 9 };
    expect(meaning.check(back)).to.equal(back);
  });

  it("is not that of another node with the same names", () => {
    const { key } = OTHER;
    expect(meaning.check({ ...WEB, key })).to.be.a("string");
  });

  it("is the same serve when its owner renames it while it is there", () => {
    const renamed = { ...WEB, name: "shop" };
    expect(meaning.check(renamed)).to.equal(renamed);
    meaning.interrupt();
    expect(meaning.check(renamed)).to.equal(renamed);
    expect(meaning.check(WEB)).to.equal(WEB);
  });

  it("is not another serve of the same node that came after a break", () => {
    meaning.interrupt();
    expect(meaning.check({ ...WEB, name: "shop" })).to.be.a("string");
  });

  it("is not another node's serve though there was no break", () => {
    expect(meaning.check(OTHER)).to.be.a("string");
  });

  it("is whatever has a static id, for people gave it on purpose", () => {
    const id = { serveid: 500 };
    const static_ = new Meaning();
    static_.check({ ...WEB, ...id });
    static_.interrupt();
    expect(static_.check({ ...OTHER, ...id })).to.include({ name: "db" });
  });

  it("is whatever has the id next, once it was forgotten", () => {
    meaning.forget();
    expect(meaning.check(OTHER)).to.equal(OTHER);
  });
});
