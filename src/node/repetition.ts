// The same news over and over: told once in a while only, however often it happens.

export class Repetition {
  private text: string | null = null;
  private toldAt = -Infinity;

  constructor(private readonly pauseMs: number) {}

  /** Whether it is to be told now. */
  isNews(text: string): boolean {
    const now = Date.now();
    if (this.text === text && now - this.toldAt <= this.pauseMs) return false;
    this.text = text;
    this.toldAt = now;
    return true;
  }

  /** What is said next is news. */
  forget(): void {
    this.text = null;
  }
}
