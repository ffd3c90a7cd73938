// What a key of the configuration is, as data: kind of value, default, meaning.

import type { ValueKind } from "./value.js";

export interface KeySpec<T> {
  readonly kind: ValueKind<T>;
  /** what counts when the key is absent; where it must not be, a placeholder */
  readonly fallback: T;
  /** the default in words: `7749`, `the host name`, `required` */
  readonly defaultText: string;
  readonly doc: string;
  /** the key to write instead of this one */
  readonly deprecatedFor?: string;
}

export type KeySpecs = Readonly<Record<string, KeySpec<unknown>>>;

export function optional<T>(
  kind: ValueKind<T>,
  fallback: T,
  doc: string,
  defaultText = String(fallback),
) {
  return { kind, fallback, defaultText, doc };
}
