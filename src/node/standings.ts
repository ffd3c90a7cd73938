// What the handshakes with other nodes have shown, by key: who has the group's secret, and who has not.
// Owned by the channels' security, which writes it; uses and lists read it.

import { EventEmitter } from "node:events";

/** `untrusted`: the handshake failed, as that node has another secret, or only one of the two has one. */
export type Standing = "trusted" | "untrusted" | "unknown";

/** As many as a hub has nodes; the oldest is forgotten first. */
const MAX_KEYS = 10_000;

/** Event: `change` when a key has another standing, or was reached for the first time. */
export class Standings extends EventEmitter<{ change: [] }> {
  /** keys with which a handshake worked, and whether that took the secret */
  private readonly reached = new Map<string, boolean>();
  /** keys with which the last handshake failed, and why */
  private readonly failed = new Map<string, string>();

  of(key: string): Standing {
    if (this.failed.has(key)) return "untrusted";
    return this.reached.get(key) === true ? "trusted" : "unknown";
  }

  /** A handshake worked, so that the node has the key that the hub says, with or without a secret. */
  isReached(key: string): boolean {
    return this.reached.has(key);
  }

  /** It has shown the secret; where nobody can show one, that it is there. */
  isMet(
    key: string,
    { secret, encrypt }: { secret: string; encrypt: boolean },
  ): boolean {
    return secret === "" || !encrypt
      ? this.isReached(key)
      : this.of(key) === "trusted";
  }

  /** Why it is untrusted; one line, or null. */
  whyNot(key: string): string | null {
    return this.failed.get(key) ?? null;
  }

  worked(key: string, underSecret: boolean): void {
    const isNews =
      this.failed.delete(key) || this.reached.get(key) !== underSecret;
    put(this.reached, key, underSecret);
    if (isNews) this.emit("change");
  }

  refused(key: string, why: string): void {
    const isNews = this.reached.delete(key) || !this.failed.has(key);
    put(this.failed, key, why);
    if (isNews) this.emit("change");
  }

  /** These nodes left: they may come back with the right secret. */
  left(keys: Iterable<string>): void {
    for (const key of keys) this.failed.delete(key);
  }

  /** All failures, as after a time without the hub. */
  forgetFailures(): void {
    this.failed.clear();
  }

  /** The secret or the keys changed: what was shown says nothing any more. */
  forget(): void {
    this.reached.clear();
    this.failed.clear();
  }
}

function put<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key);
  const [oldest] = map.keys();
  if (map.size >= MAX_KEYS && oldest !== undefined) map.delete(oldest);
  map.set(key, value);
}
