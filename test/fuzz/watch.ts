// What has to hold while a target is attacked, and after: every process lives and says no stack trace, the healthy pair
// has its echo in time, and memory and descriptors come back to about where they were.

import { eventually } from "../support/deadline.js";
import type { Stage } from "./stage.js";
import type { Sizes } from "./suspect.js";

/** How often the healthy pair is asked. */
const HEALTH_EVERY_MS = 500;
/** An echo that takes longer is waited for before more is said: a flood is another test, test/e2e/overload.test.ts. */
const LATE_MS = 1_000;
/**
 * A heap that was never full grows for a while; beyond that it would be a leak. Of what an input leaves behind, a
 * hundred bytes would show in a million of them.
 */
const GROWTH_BYTES = 96 * 1024 * 1024;
/** Channels in pools, and users that are just being asked. */
const SPARE_DESCRIPTORS = 12;
/** Where deadlines are not waited for: a pool of warm channels too, and what waits for its ticket. */
const HURRIED_SPARE_DESCRIPTORS = 200;
/** Deadlines of the processes themselves: a ticket's 10 s, a handshake's 12 s, an HTTP visit's 30 s. */
const CALM_MS = 40_000;

export interface NamedSizes extends Sizes {
  name: string;
}

export class Watch {
  /** the first thing that did not hold */
  fault: string | null = null;
  readonly first: readonly NamedSizes[];
  checks = 0;
  /** of the echoes, in ms */
  slowestMs = 0;
  private warm: readonly NamedSizes[];
  private last: Promise<void> = Promise.resolve();
  private askedAt = 0;
  private isAsking = false;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly stage: Stage,
    private readonly isHurried = false,
  ) {
    this.first = this.warm = this.sizes();
    this.timer = setInterval(() => {
      this.look();
    }, HEALTH_EVERY_MS);
  }

  /** Buffers are grown and code is compiled: what memory is measured against. */
  setWarm(): void {
    this.warm = this.sizes();
  }

  sizes(): NamedSizes[] {
    return this.stage.suspects.flatMap((suspect) => {
      try {
        return [{ name: suspect.name, ...suspect.sizes }];
      } catch {
        // It is gone, which is told as its fault.
        return [];
      }
    });
  }

  /** Resolves when the healthy pair is not behind: it has its echo, or has waited for it for a moment only. */
  async untilInTime(): Promise<void> {
    while (this.isAsking && performance.now() - this.askedAt > LATE_MS)
      await this.last;
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** After the last input. Resolves with the sizes, once it is calm or will not be. */
  async finish(): Promise<readonly NamedSizes[]> {
    this.stop();
    await this.last;
    this.look();
    await this.last;
    if (this.fault === null)
      await eventually("calm", () => this.isCalm(), CALM_MS).catch(() => {
        this.fault ??= `descriptors did not come back: ${describe(this.first)} → ${describe(this.sizes())}`;
      });
    const sizes = this.sizes();
    for (const [index, { name, residentBytes }] of sizes.entries()) {
      const before = this.warm[index]?.residentBytes ?? residentBytes;
      const allowed = this.isHurried ? 3 * GROWTH_BYTES : GROWTH_BYTES;
      if (residentBytes - before > allowed)
        this.fault ??= `${name} grew: ${describe(this.warm)} → ${describe(sizes)}`;
    }
    return sizes;
  }

  private isCalm(): boolean {
    const spare = this.isHurried
      ? HURRIED_SPARE_DESCRIPTORS
      : SPARE_DESCRIPTORS;
    return this.sizes().every(({ descriptors }, index) => {
      const before = this.first[index]?.descriptors ?? 0;
      return descriptors <= before + spare;
    });
  }

  private look(): void {
    for (const { fault } of this.stage.suspects) this.fault ??= fault;
    if (this.isAsking || this.fault !== null) return;
    this.isAsking = true;
    this.askedAt = performance.now();
    this.last = this.stage
      .checkHealth()
      .then(
        () => {
          this.checks++;
          const tookMs = performance.now() - this.askedAt;
          this.slowestMs = Math.max(this.slowestMs, tookMs);
        },
        (error: unknown) => {
          this.fault ??= `the healthy pair: ${String(error)}`;
        },
      )
      .finally(() => {
        this.isAsking = false;
      });
  }
}

export function describe(sizes: readonly NamedSizes[]): string {
  return sizes
    .map(
      ({ name, residentBytes, descriptors }) =>
        `${name} ${Math.round(residentBytes / 1024 / 1024)} MiB ${descriptors} fds`,
    )
    .join(", ");
}
