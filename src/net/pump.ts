// Copies bytes between two duplexes, both ways, and knows nothing of what it copies: the hub's whole data path.
// Plain sockets are read into buffers that are used again; whatever else is piped. Each side's end ends the other side.
//
//   a ──read──→ write── b        a full writer stops its reader
//   a ←─write── read─── b        a reset or error on either side destroys the other at once

import type { Duplex } from "node:stream";
import { LentWriter } from "./lent-writer.js";
import { RawReader } from "./raw-reader.js";
import { STRAIGHT } from "./read-buffers.js";
import { reset } from "./reset.js";

/** Takes both over; `onClose` is called once, when both are closed. What it returns resets both. */
export function pump(a: Duplex, b: Duplex, onClose: () => void): () => void {
  // One that is gone already would never tell of its close.
  if (a.destroyed || b.destroyed) {
    reset(a);
    reset(b);
    onClose();
    return () => undefined;
  }
  const sides = [new Side(a), new Side(b)] as const;
  let open = sides.length;
  const closed = () => {
    if (--open === 0) onClose();
  };
  sides[0].copyTo(sides[1].duplex, closed);
  sides[1].copyTo(sides[0].duplex, closed);
  return () => {
    for (const { duplex } of sides) reset(duplex);
  };
}

class Side {
  readonly duplex: Duplex;
  private readonly reader: RawReader | null;
  private writer: LentWriter | undefined;

  constructor(given: Duplex) {
    this.reader = RawReader.takeOver(given, {
      headroom: 0,
      bulk: STRAIGHT,
      onBytes: (view, lease) => {
        this.writer?.write(view, lease);
      },
      onOver: () => this.writer?.flush(),
    });
    this.duplex = this.reader?.socket ?? given;
  }

  copyTo(to: Duplex, onClose: () => void): void {
    const { duplex: from, reader } = this;
    this.writer = new LentWriter(to);
    from.on("error", () => {
      reset(to);
    });
    from.on("close", () => {
      // A side that is gone without having ended took the other with it; after an end on both this does nothing.
      if (!from.readableEnded || !to.writableEnded) reset(to);
      onClose();
    });
    if (reader === null) {
      from.pipe(to);
      return;
    }
    from.on("end", () => to.end());
    reader.resume();
  }
}
