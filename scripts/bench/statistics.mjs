// Medians and percentiles; null stands for what could not be measured.

export function percentile(values, share) {
  const sorted = values.filter((value) => value !== null).toSorted(byValue);
  if (sorted.length === 0) return null;
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

/** The middle one, or the mean of the two in the middle. */
export function median(values) {
  const sorted = values.filter((value) => value !== null).toSorted(byValue);
  if (sorted.length === 0) return null;
  const middle = sorted.length / 2;
  return sorted.length % 2 === 1
    ? sorted[Math.floor(middle)]
    : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The median of the ratios round by round, so that drift cancels out. */
export function medianRatio(values, others) {
  return median(
    values.map((value, round) => {
      const other = others[round] ?? null;
      return value === null || other === null || other <= 0
        ? null
        : value / other;
    }),
  );
}

function byValue(a, b) {
  return a - b;
}
