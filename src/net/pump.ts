// Copies bytes between two duplexes, both ways, and knows nothing of what it copies: the hub's whole data path.
// Flow control is the duplexes' own: a full writer pauses its reader. Each side's end ends the other side.
//
//   a ──read──→ write── b        a reset or error on either side destroys the other at once
//   a ←─write── read─── b

import type { Duplex } from "node:stream";
import { reset } from "./reset.js";

/** Takes both over; `onClose` is called once, when both are closed. */
export function pump(a: Duplex, b: Duplex, onClose: () => void): void {
  // One that is gone already would never tell of its close.
  if (a.destroyed || b.destroyed) {
    reset(a);
    reset(b);
    onClose();
    return;
  }
  let open = 2;
  const closed = () => {
    if (--open === 0) onClose();
  };
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    from.on("error", () => {
      reset(to);
    });
    from.on("close", () => {
      // A side that is gone without having ended took the other with it; after an end on both this does nothing.
      if (!from.readableEnded || !to.writableEnded) reset(to);
      closed();
    });
    from.pipe(to);
  }
}
