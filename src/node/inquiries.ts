// Asks nodes for a channel, only so that its handshake shows whether they have the group's secret.
// One attempt at a time for each node, a few at a time in all, and after failures a pause that grows.

import type { ChannelPool } from "../channel/pool.js";
import { NO_USER } from "../channel/waiting-line.js";
import { VnetError } from "../errors.js";
import type { DirectoryNode } from "../wire/fields.js";

const FIRST_PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 60_000;

/** Nodes that come and go by the dozen would have all users ask them at once; those that wait and leave cost nothing. */
const MAX_AT_ONCE = 16;
/** Of those that were not asked before, and of those that failed: neither are in the way of the others. */
const MAX_OF_A_KIND = 12;

interface Inquiry {
  vnetid: number;
  /** `waiting`: for its turn */
  state: "calm" | "waiting" | "asking";
  failures: number;
  /** why the last attempt failed */
  error: string | null;
  pause: NodeJS.Timeout | undefined;
}

export interface InquiriesOptions {
  pool: (vnetid: number) => Pick<ChannelPool, "acquire" | "release">;
  /** one was answered, or may be asked again: whoever wants to know looks again */
  onAnswer: () => void;
}

export class Inquiries {
  private readonly byKey = new Map<string, Inquiry>();
  /** attempts under way */
  private readonly attempts = new Set<Promise<void>>();
  private readonly asking = { new: 0, failed: 0 };
  private state: "open" | "closed" = "open";

  constructor(private readonly options: InquiriesOptions) {}

  /** Begins, unless it is under way or failed a moment ago. */
  ask({ vnetid, key }: Pick<DirectoryNode, "vnetid" | "key">): void {
    if (this.state === "closed") return;
    let inquiry = this.byKey.get(key);
    if (inquiry === undefined) {
      inquiry = {
        ...{ vnetid, state: "calm", failures: 0 },
        ...{ error: null, pause: undefined },
      };
      this.byKey.set(key, inquiry);
    }
    inquiry.vnetid = vnetid;
    if (inquiry.state !== "calm" || inquiry.pause !== undefined) return;
    inquiry.state = "waiting";
    this.begin();
  }

  /** Resolves when all that are being asked have answered, at the latest after that time. */
  async settled(timeoutMs: number): Promise<void> {
    let isLate = false;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(() => {
        isLate = true;
        resolve();
      }, timeoutMs);
    });
    // Others begin when these end.
    while (this.attempts.size > 0 && !isLate)
      await Promise.race([Promise.all(this.attempts), late]);
    clearTimeout(timer);
  }

  /** Why the last attempt failed, while another is to come. */
  errorOf(key: string): string | null {
    return this.byKey.get(key)?.error ?? null;
  }

  /** That node left. */
  forget(key: string): void {
    clearTimeout(this.byKey.get(key)?.pause);
    this.byKey.delete(key);
  }

  /** All are asked anew: the secret changed, say. */
  forgetAll(): void {
    for (const key of [...this.byKey.keys()]) this.forget(key);
  }

  /** Idempotent. */
  close(): void {
    this.state = "closed";
    this.forgetAll();
  }

  /** Whoever is known longest comes first, of each kind. */
  private begin(): void {
    for (const [key, inquiry] of this.byKey) {
      if (this.attempts.size >= MAX_AT_ONCE) return;
      if (inquiry.state !== "waiting") continue;
      const kind = inquiry.failures > 0 ? "failed" : "new";
      if (this.asking[kind] >= MAX_OF_A_KIND) continue;
      inquiry.state = "asking";
      this.asking[kind]++;
      const attempt = this.attempt(key, inquiry).finally(() => {
        this.attempts.delete(attempt);
        this.asking[kind]--;
        this.begin();
      });
      this.attempts.add(attempt);
    }
  }

  private async attempt(key: string, inquiry: Inquiry): Promise<void> {
    const pool = this.options.pool(inquiry.vnetid);
    try {
      pool.release(await pool.acquire(NO_USER));
      inquiry.error = null;
      inquiry.failures = 0;
    } catch (error) {
      if (!(error instanceof VnetError)) throw error;
      inquiry.error = error.message;
      inquiry.failures++;
    }
    inquiry.state = "calm";
    this.pause(key, inquiry);
    if (this.state === "open") this.options.onAnswer();
  }

  private pause(key: string, inquiry: Inquiry): void {
    // Its node left meanwhile, and perhaps came back.
    if (this.byKey.get(key) !== inquiry) return;
    const pauseMs = FIRST_PAUSE_MS * 2 ** Math.max(0, inquiry.failures - 1);
    inquiry.pause = setTimeout(
      () => {
        inquiry.pause = undefined;
        if (inquiry.error === null) this.byKey.delete(key);
        else this.options.onAnswer();
      },
      Math.min(pauseMs, MAX_PAUSE_MS),
    );
  }
}
