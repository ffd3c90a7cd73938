// When a link beats, and when its silence has lasted too long. Owns the timers; what is said and heard is the link's.

import { performance } from "node:perf_hooks";

export interface Heartbeat {
  /** how often a ping goes out */
  intervalMs: number;
  /** after this much silence the link is given up */
  timeoutMs: number;
}

export const DEFAULT_HEARTBEAT: Heartbeat = {
  intervalMs: 4_000,
  timeoutMs: 12_000,
};

export interface HeartOptions {
  rhythm: Heartbeat;
  onBeat: () => void;
  /** The machine slept or this process was stopped: silence proves nothing yet. */
  onWake: () => void;
  onSilence: () => void;
}

export class Heart {
  private heardAt = 0;
  private beatAt = 0;
  private beatTimer: NodeJS.Timeout | undefined;
  /** set where silence would last too long before the next beat */
  private silenceTimer: NodeJS.Timeout | undefined;

  constructor(private readonly options: HeartOptions) {}

  start(): void {
    this.heard();
    this.beatAt = Date.now();
    this.beatTimer = setInterval(() => {
      this.beat();
    }, this.options.rhythm.intervalMs);
  }

  /** A sign of life, whatever was said. */
  heard(): void {
    this.heardAt = performance.now();
  }

  /** Idempotent. */
  stop(): void {
    clearInterval(this.beatTimer);
    clearTimeout(this.silenceTimer);
    this.beatTimer = undefined;
  }

  private beat(): void {
    const { rhythm, onBeat, onWake } = this.options;
    const sinceMs = Date.now() - this.beatAt;
    this.beatAt += sinceMs;
    if (sinceMs > 2 * rhythm.intervalMs) {
      clearTimeout(this.silenceTimer);
      // What the peer said meanwhile may wait in the socket unread. Wall clock, because the monotonic one stands still
      // while a machine sleeps.
      onWake();
      return;
    }
    this.awaitSilence();
    onBeat();
  }

  /** Does nothing where the next beat comes before the silence is long enough: that one asks again. */
  private awaitSilence(): void {
    clearTimeout(this.silenceTimer);
    const leftMs = this.leftMs();
    if (leftMs > this.options.rhythm.intervalMs) return;
    this.silenceTimer = setTimeout(
      () => {
        // What came while this process was busy is read first.
        setImmediate(() => {
          this.endIfSilent();
        });
      },
      Math.max(0, leftMs),
    );
  }

  private endIfSilent(): void {
    if (this.beatTimer === undefined) return;
    if (this.leftMs() <= 0) this.options.onSilence();
    // Something was heard, or the timer was early: it counts whole milliseconds, from a clock without fractions.
    else this.awaitSilence();
  }

  /** Until the silence is long enough, if nothing is heard; below 0 after that. */
  private leftMs(): number {
    return this.heardAt + this.options.rhythm.timeoutMs - performance.now();
  }
}
