// The keys with which nodes may come in: the hub's own, and those of groups that have one.
// Finds the key that a client means; says which groups it opens.

import { createLinkKey, isHintFor, type LinkKey } from "../keys/psk.js";

export interface KeyRingEntry {
  key: LinkKey;
  /** the one group that it opens; null: every group without a key of its own */
  group: string | null;
}

export class KeyRing {
  private constructor(
    private readonly entries: readonly KeyRingEntry[],
    /** the hub has an authkey of its own */
    readonly hasOwn: boolean,
  ) {}

  /** @param authkey null: none is set, whoever comes is let in */
  static async make(
    authkey: string | null,
    groups: readonly { name: string; authkey: string }[] = [],
  ): Promise<KeyRing> {
    const own = { key: await createLinkKey(authkey), group: null };
    // A group that has only a secret is opened by the hub's own key; no key is made of an empty text, which all know.
    const keyed = groups.filter((group) => group.authkey !== "");
    const others = keyed.map(async ({ name, authkey: text }) => ({
      key: await createLinkKey(text),
      group: name,
    }));
    return new KeyRing([own, ...(await Promise.all(others))], authkey !== null);
  }

  /** @param hint what the client sent, see createKeyHint; undefined: it has none of our keys */
  find(hint: string): KeyRingEntry | undefined {
    return this.entries.find((entry) => isHintFor(hint, entry.key));
  }

  /** What marks each of the keys: the group that it opens, empty for the hub's own. */
  get credentials(): string[] {
    return this.entries.map(({ group }) => group ?? "");
  }

  /** Whether who came in with that key may join that group. */
  opens(entry: KeyRingEntry, group: string): boolean {
    if (entry.group !== null) return entry.group === group;
    return !this.entries.some((other) => other.group === group);
  }
}
