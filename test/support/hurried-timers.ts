// For deadlines that are constants of a module: one that is set while `body` runs comes at once instead.

/** Runs `body`, which must not wait; a timer of exactly `delayMs` that it sets fires after `insteadMs`. */
export function hurried<T>(
  delayMs: number,
  insteadMs: number,
  body: () => T,
): T {
  const real = globalThis.setTimeout;
  const hasty = (callback: () => void, ms?: number) =>
    real(callback, ms === delayMs ? insteadMs : ms);
  globalThis.setTimeout = Object.assign(hasty, { ...real });
  try {
    return body();
  } finally {
    globalThis.setTimeout = real;
  }
}
