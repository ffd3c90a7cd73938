// The key hints that came in lately. A node makes a new one for each connection, so one that comes again is somebody's
// who repeats what was recorded: without this each repetition would cost a handshake that nobody means to finish.

/** Some 100 bytes each. */
const MAX_REMEMBERED = 16_384;

export class UsedHints {
  /** oldest first */
  private readonly used = new Set<string>();

  /** False: it was used before. Of hints that prove a key only, so that nobody else can push one out. */
  use(hint: string): boolean {
    if (this.used.has(hint)) return false;
    const [oldest] = this.used;
    if (this.used.size >= MAX_REMEMBERED && oldest !== undefined)
      this.used.delete(oldest);
    this.used.add(hint);
    return true;
  }
}
