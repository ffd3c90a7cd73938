// How long to wait before the next attempt: longer each time, never the same for two nodes that lost one hub together.

export interface BackoffOptions {
  firstMs: number;
  maxMs: number;
  /** each wait is so many times the one before */
  growth: number;
  /** what lived this long was healthy: the next loss begins with firstMs again */
  healthyMs: number;
}

/** About a twentieth of the time that has passed: whoever was away for 5 s is back within a quarter of a second. */
export const DEFAULT_BACKOFF: BackoffOptions = {
  firstMs: 200,
  maxMs: 1_000,
  growth: 1.05,
  healthyMs: 10_000,
};

const HOPELESS_FACTOR = 30;

export class Backoff {
  private delayMs = 0;

  constructor(private readonly options: BackoffOptions) {}

  /**
   * @param livedMs how long the thing that is lost now had lived; 0 when it never did
   * @param hopeless nothing will be better soon: the next attempt is not to be a burden to the other side
   */
  next(livedMs: number, hopeless = false): number {
    const { firstMs, maxMs, growth, healthyMs } = this.options;
    const isFresh = this.delayMs === 0 || livedMs > healthyMs;
    this.delayMs = isFresh ? firstMs : Math.min(this.delayMs * growth, maxMs);
    const delayMs = hopeless ? HOPELESS_FACTOR * maxMs : this.delayMs;
    return delayMs * (0.5 + Math.random() / 2);
  }

  reset(): void {
    this.delayMs = 0;
  }
}
