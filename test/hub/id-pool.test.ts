import { expect } from "chai";
import { IdPool } from "../../src/hub/id-pool.js";

const REST_MS = 1_000;

describe("an id pool", () => {
  let now = 0;
  const pool = (max = 5, restMs = REST_MS) =>
    new IdPool({ min: 1, max, restMs, now: () => now });

  beforeEach(() => {
    now = 1_000_000;
  });

  it("gives the id that is wanted where it is free", () => {
    expect(pool().take(3, "a")).to.equal(3);
  });

  it("gives the lowest free id where none is wanted", () => {
    const ids = pool();
    ids.take(2, "a");
    expect([ids.take(0, "b"), ids.take(0, "b")]).to.deep.equal([1, 3]);
  });

  it("gives the lowest free id instead of one that is taken", () => {
    const ids = pool();
    ids.take(2, "a");
    expect(ids.take(2, "b")).to.equal(1);
  });

  for (const wanted of [-1, 0, 6, 1e9])
    it(`gives the lowest free id instead of ${wanted}, which is out of range`, () => {
      expect(pool().take(wanted, "a")).to.equal(1);
    });

  it("does not give a freed id to another owner while it rests", () => {
    const ids = pool();
    ids.take(1, "a");
    ids.free(1, "a");
    expect([ids.take(1, "b"), ids.take(0, "b")]).to.deep.equal([2, 3]);
  });

  it("gives a freed id back to its former owner who asks for it", () => {
    const ids = pool();
    ids.take(4, "a");
    ids.free(4, "a");
    expect(ids.take(4, "a")).to.equal(4);
  });

  it("gives a former owner of several ids the one that it asks for", () => {
    const ids = pool();
    for (const id of [2, 4]) ids.take(id, "a");
    for (const id of [2, 4]) ids.free(id, "a");
    expect(ids.take(4, "a")).to.equal(4);
    expect(ids.take(0, "a")).to.equal(2);
  });

  it("gives a freed id back to its former owner who asks for none", () => {
    const ids = pool();
    ids.take(4, "a");
    ids.free(4, "a");
    expect(ids.take(0, "a")).to.equal(4);
  });

  it("gives a freed id to anybody once it has rested", () => {
    const ids = pool();
    ids.take(1, "a");
    ids.free(1, "a");
    now += REST_MS;
    expect(ids.take(1, "b")).to.equal(1);
  });

  it("counts a rested id among the lowest free ones", () => {
    const ids = pool();
    ids.take(1, "a");
    ids.free(1, "a");
    now += REST_MS;
    expect(ids.take(0, "b")).to.equal(1);
  });

  it("gives a freed id at once where ids do not rest", () => {
    const ids = pool(5, 0);
    ids.take(1, "a");
    ids.free(1, "a");
    expect(ids.take(0, "b")).to.equal(1);
  });

  it("gives the id that has rested longest when nothing else is free", () => {
    const ids = pool(3);
    for (const id of [1, 2, 3]) ids.take(id, `owner ${id}`);
    for (const id of [2, 1]) {
      ids.free(id, `owner ${id}`);
      now++;
    }
    expect(ids.take(0, "new")).to.equal(2);
    expect(ids.take(0, "new")).to.equal(1);
  });

  it("has null when every id is taken", () => {
    const ids = pool(2);
    ids.take(0, "a");
    ids.take(0, "a");
    expect(ids.take(0, "a")).to.be.null;
    expect(ids.take(1, "a")).to.be.null;
  });

  it("does not lose ids, however often they are taken and freed", () => {
    const ids = pool(5);
    for (let round = 0; round < 100; round++) {
      const taken = [1, 2, 3, 4, 5].map(() => ids.take(0, `owner ${round}`));
      expect(new Set(taken)).to.deep.equal(new Set([1, 2, 3, 4, 5]));
      for (const id of taken) ids.free(id!, `owner ${round}`);
    }
  });

  it("does not let an id rest that nobody had", () => {
    const ids = pool();
    ids.free(1, "a");
    expect(ids.take(1, "b")).to.equal(1);
  });
});
