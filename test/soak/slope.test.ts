// The slope alone, from lines and noise whose slope is known.

import { expect } from "chai";
import { Random } from "../support/random.js";
import { slopeOf } from "./slope.js";

const HOUR_MS = 3_600_000;

/** 80 samples, 15 s apart. */
function samples(value: (hours: number) => number): [number, number][] {
  return Array.from({ length: 80 }, (_, index) => {
    const at = index * 15_000;
    return [at, value(at / HOUR_MS)];
  });
}

describe("the slope of a soak", () => {
  it("is that of a straight line, exactly", () => {
    const slope = slopeOf(samples((hours) => 50 + 3 * hours));
    expect(slope?.perHour).to.be.closeTo(3, 1e-9);
    expect(slope?.low).to.be.closeTo(3, 1e-9);
    expect(slope?.high).to.be.closeTo(3, 1e-9);
  });

  it("is not moved by a few wild samples", () => {
    const random = new Random(1);
    const slope = slopeOf(
      samples(() => (random.chance(0.1) ? 1_000 : 50 + random.between(0, 1))),
    );
    expect(slope?.perHour).to.be.closeTo(0, 0.01);
  });

  it("comes with a range that holds the true one, and is wider the more noise there is", () => {
    const widths = [1, 10].map((noise) => {
      const random = new Random(2);
      const slope = slopeOf(
        samples((hours) => 20 * hours + random.between(0, 100 * noise) / 100),
      );
      expect(slope?.low).to.be.below(20);
      expect(slope?.high).to.be.above(20);
      return slope!.high - slope!.low;
    });
    expect(widths[1]).to.be.above(5 * widths[0]!);
  });

  it("is not told from fewer than four samples", () => {
    expect(slopeOf(samples(() => 1).slice(0, 3))).to.equal(null);
  });
});
