// One end of a lease's stream: lines out, lines in, signs of life both ways. Owns its duplex. A line that is too long or
// malformed, and a silence, break it: whoever is at the other end may be gone and nobody says so.

import { EventEmitter } from "node:events";
import type { Duplex } from "node:stream";
import { VnetError } from "../errors.js";
import {
  decodeLeaseWord,
  encodeLeaseWord,
  MAX_LEASE_LINE_BYTES,
  type LeaseWord,
} from "../wire/lease.js";

export interface LeasePace {
  /** a sign of life this often, and one of the other side within the other */
  beatMs: number;
  silenceMs: number;
}

const LEASE_PACE: LeasePace = { beatMs: 20_000, silenceMs: 60_000 };

/** Far more than anybody has to say between two beats. */
const MAX_WORDS = 100;

/** The other side has this long to end its half, too. */
const LAST_WORDS_MS = 5_000;

/** Events: `word` for each line; then once: `end` when the other side ended in good order, or `lost`. */
export class LeaseTalk extends EventEmitter<{
  word: [LeaseWord];
  end: [];
  lost: [];
}> {
  /** Resolves when nothing of it is on its way any more. */
  readonly closed: Promise<void>;
  private state: "open" | "ending" | "over" = "open";
  private begun: Buffer = Buffer.alloc(0);
  /** since the last beat */
  private words = 0;
  private readonly beat: NodeJS.Timeout;
  private readonly silence: NodeJS.Timeout;
  private lastWords: NodeJS.Timeout | undefined;

  constructor(
    private readonly duplex: Duplex,
    { beatMs, silenceMs } = LEASE_PACE,
  ) {
    super();
    this.beat = setInterval(() => {
      this.words = 0;
      this.say({});
    }, beatMs);
    this.silence = setTimeout(() => {
      duplex.destroy();
    }, silenceMs);
    duplex.on("data", (chunk: Buffer) => {
      this.read(chunk);
    });
    duplex.on("end", () => {
      this.over("end");
      this.finish();
    });
    duplex.on("error", () => undefined);
    this.closed = new Promise((resolve) => {
      duplex.on("close", () => {
        clearTimeout(this.lastWords);
        this.over("lost");
        resolve();
      });
    });
  }

  /** Nothing once it is ending: the other side may not read, and only so many words wait. */
  say(word: LeaseWord): void {
    if (this.state !== "open" || this.duplex.writableNeedDrain) return;
    this.duplex.write(encodeLeaseWord(word));
  }

  /** In good order; no event comes any more. Idempotent. */
  end(): void {
    if (this.state !== "open") return;
    this.state = "ending";
    this.stopClocks();
    this.finish();
  }

  /** Without a word; no event comes any more. Idempotent. */
  destroy(): void {
    this.state = "over";
    this.stopClocks();
    this.duplex.destroy();
  }

  private finish(): void {
    this.duplex.end();
    this.duplex.resume();
    this.lastWords ??= setTimeout(() => {
      this.duplex.destroy();
    }, LAST_WORDS_MS);
  }

  private over(how: "end" | "lost"): void {
    if (this.state === "over") return;
    const isNews = this.state === "open";
    this.state = "over";
    this.stopClocks();
    if (isNews) this.emit(how);
  }

  private stopClocks(): void {
    clearInterval(this.beat);
    clearTimeout(this.silence);
  }

  private read(chunk: Buffer): void {
    if (this.state !== "open") return;
    let rest = chunk;
    for (let at = rest.indexOf(10); at >= 0; at = rest.indexOf(10)) {
      const line = Buffer.concat([this.begun, rest.subarray(0, at)]);
      this.begun = Buffer.alloc(0);
      rest = rest.subarray(at + 1);
      if (!this.hear(line)) return;
    }
    // The chunk is the stream's, which may read over it.
    this.begun = Buffer.concat([this.begun, rest]);
    if (this.begun.length > MAX_LEASE_LINE_BYTES) this.duplex.destroy();
  }

  /** False: nothing more is heard. */
  private hear(line: Buffer): boolean {
    try {
      if (line.length > MAX_LEASE_LINE_BYTES || ++this.words > MAX_WORDS)
        throw new VnetError("protocol", "too much is said on a lease");
      const word = decodeLeaseWord(line);
      // Only whole lines are signs of life.
      this.silence.refresh();
      this.emit("word", word);
    } catch (error) {
      if (!(error instanceof VnetError) || error.code !== "protocol")
        throw error;
      this.duplex.destroy();
    }
    return (this.state as string) === "open" && !this.duplex.destroyed;
  }
}
