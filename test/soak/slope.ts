// How fast something grows, from noisy samples: the median of the slopes between all pairs of them (Theil and Sen), which a few
// wild samples cannot move, with the range that holds the true slope at 95 % (Sen 1968, by Kendall's statistic).

export interface Slope {
  /** per hour */
  perHour: number;
  /** the range of 95 % */
  low: number;
  high: number;
}

const HOUR_MS = 3_600_000;
/** of the normal distribution, both sides */
const AT_95 = 1.96;

/** Null for fewer than four points: they say nothing. @param points [milliseconds, value] */
export function slopeOf(
  points: readonly (readonly [number, number])[],
): Slope | null {
  const count = points.length;
  if (count < 4) return null;
  const slopes: number[] = [];
  for (const [later, [t2, v2]] of points.entries())
    for (const [t1, v1] of points.slice(0, later))
      if (t2 !== t1) slopes.push((v2 - v1) / ((t2 - t1) / HOUR_MS));
  if (slopes.length === 0) return null;
  slopes.sort((a, b) => a - b);
  const at = (place: number): number => {
    const last = slopes.length - 1;
    const inside = Math.min(last, Math.max(0, place));
    const below = slopes[Math.floor(inside)] ?? 0;
    const above = slopes[Math.ceil(inside)] ?? 0;
    return below + (above - below) * (inside - Math.floor(inside));
  };
  const variance = (count * (count - 1) * (2 * count + 5)) / 18;
  const spread = AT_95 * Math.sqrt(variance);
  const middle = (slopes.length - 1) / 2;
  return {
    perHour: at(middle),
    low: at(middle - spread / 2),
    high: at(middle + spread / 2),
  };
}
