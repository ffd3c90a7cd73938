// The local addresses that one imported file listens on: each of them once.

import type { Mapping } from "./mapping.js";

export class Listeners {
  readonly #seen = new Set<string>();

  /** Complains at `key` of the mapping about an address that was there already; port 0 is none. */
  add(mapping: Mapping, key: string, ip: string, port: number): void {
    const place = `${ip.toLowerCase()} port ${port}`;
    if (port !== 0 && this.#seen.has(place))
      mapping.complain(
        key,
        `found ${place} a second time, allowed: each address and port once`,
      );
    this.#seen.add(place);
  }
}
