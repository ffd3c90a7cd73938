import { expect } from "chai";
import fc from "fast-check";
import { Cancelled } from "../../src/terminal/command.js";
import {
  collect,
  inPortions,
  mapped,
  sorted,
} from "../../src/terminal/portions.js";

const numbers = (count: number) => Array.from({ length: count }, (_, n) => n);

/** Takes a millisecond of whatever machine runs it. */
function work<T>(item: T): T {
  const end = performance.now() + 1;
  while (performance.now() < end);
  return item;
}

describe("work in portions", () => {
  it("has all items, in order, and few in each portion where they take long", async () => {
    const portions: number[][] = [];
    for await (const portion of inPortions(mapped(numbers(200), work)))
      portions.push(portion);
    expect(portions.flat()).to.deep.equal(numbers(200));
    // 5 ms, looked at after each 8 items; a slow machine does fewer.
    expect(Math.max(...portions.map(({ length }) => length))).to.be.at.most(16);
  });

  it("gives everything else a turn between two portions, also between one piece of work and the next", async () => {
    let turns = 0;
    let isOver = false;
    const count = () => {
      turns++;
      if (!isOver) setImmediate(count);
    };
    setImmediate(count);
    for (let n = 0; n < 20; n++)
      expect(await collect(mapped(numbers(8), work))).to.have.length(8);
    isOver = true;
    expect(turns).to.be.at.least(15);
  });

  it("leaves out what is null, which takes its time as well", async () => {
    const even = mapped(numbers(50), (n) => (n % 2 === 0 ? work(n) : null));
    expect(await collect(even)).to.deep.equal(numbers(25).map((n) => 2 * n));
  });

  it("ends when nobody waits for it any more", async () => {
    const stop = new AbortController();
    let done = 0;
    const making = mapped(numbers(1_000), (n) => {
      if (++done === 20) stop.abort();
      return work(n);
    });
    const outcome = await collect(making, stop.signal).catch(
      (error: unknown) => error,
    );
    expect(outcome).to.be.instanceOf(Cancelled);
    expect(done).to.be.below(60);
  });

  it("sorts as `sort` does, equal ones as they came", () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(20)),
        fc.boolean(),
        async (keys, slow) => {
          const items = keys.map((key, at) => ({ key, at }));
          const byKey = (a: { key: number }, b: { key: number }) =>
            a.key - b.key;
          const some = slow ? items.slice(0, 30) : items;
          expect(
            await sorted(slow ? mapped(some, work) : some, byKey),
          ).to.deep.equal([...some].sort(byKey));
        },
      ),
      { numRuns: 40 },
    ));
});
