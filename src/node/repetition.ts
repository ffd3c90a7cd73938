// The same news over and over, perhaps of several kinds in turn: each told once in a while only, however often it happens.

import { performance } from "node:perf_hooks";

const MAX_TEXTS = 20;

export class Repetition {
  /** when each was told last */
  private readonly toldAt = new Map<string, number>();

  /**
   * @param pauseMs between two times of the same text; a tenth of it when all was well in between
   * @param maxTexts different ones within one pause; more than that are not told
   */
  constructor(
    private readonly pauseMs: number,
    private readonly maxTexts = MAX_TEXTS,
  ) {}

  /** Whether it is to be told now. */
  isNews(text: string): boolean {
    this.drop(this.pauseMs);
    if (this.toldAt.has(text) || this.toldAt.size >= this.maxTexts)
      return false;
    this.toldAt.set(text, performance.now());
    return true;
  }

  /** All is well: what is said next is news again, but for what was told a moment ago. */
  forget(): void {
    this.drop(this.pauseMs / 10);
  }

  private drop(ageMs: number): void {
    const now = performance.now();
    for (const [text, at] of this.toldAt)
      if (now - at > ageMs) this.toldAt.delete(text);
  }
}
