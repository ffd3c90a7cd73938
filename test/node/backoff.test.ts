import { expect } from "chai";
import { Backoff } from "../../src/node/backoff.js";

const OPTIONS = { firstMs: 100, maxMs: 800, growth: 2, healthyMs: 5_000 };

/** Many backoffs' waits after the same losses, in order. */
function waits(livedMs: number[], rounds = 200): number[][] {
  return Array.from({ length: rounds }, () => {
    const backoff = new Backoff(OPTIONS);
    return livedMs.map((lived) => backoff.next(lived));
  });
}

describe("a backoff", () => {
  it("grows from the first wait to the longest", () => {
    const most = [100, 200, 400, 800, 800, 800];
    for (const round of waits(most.map(() => 0)))
      for (const [step, wait] of round.entries())
        expect(wait).to.be.within(most[step]! / 2, most[step]!);
  });

  it("does not wait the same time twice", () => {
    const firsts = waits([0]).map(([wait]) => wait!);
    expect(new Set(firsts).size).to.be.greaterThan(50);
    expect(Math.max(...firsts) - Math.min(...firsts)).to.be.greaterThan(25);
  });

  it("begins again after a healthy run", () => {
    for (const round of waits([0, 0, 0, 5_001]))
      expect(round[3]).to.be.at.most(100);
  });

  it("does not begin again after a run that was not healthy", () => {
    for (const round of waits([0, 0, 0, 5_000]))
      expect(round[3]).to.be.at.least(400);
  });

  it("begins again after a reset", () => {
    const backoff = new Backoff(OPTIONS);
    for (let n = 0; n < 5; n++) backoff.next(0);
    backoff.reset();
    expect(backoff.next(0)).to.be.at.most(100);
    expect(backoff.next(0)).to.be.within(100, 200);
  });
});
