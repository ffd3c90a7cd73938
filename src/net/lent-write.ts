// Writes a view of a read buffer, and keeps its lease for as long as the view is needed.

import net from "node:net";
import type { Duplex } from "node:stream";
import type { Lease } from "./raw-reader.js";

/** Whoever reads into that buffer waits until this is written, and so never goes ahead of a slow writer. */
export function writeLent(to: Duplex, view: Buffer, lease: Lease): void {
  lease.hold();
  let isHeld = true;
  const release = () => {
    if (!isHeld) return;
    isHeld = false;
    lease.release();
  };
  if (!(to instanceof net.Socket)) {
    // Its reader, in this process, may keep what it is given for longer than the write takes.
    to.write(Buffer.from(view), release);
    return;
  }
  to.write(view, release);
  // The system took all of it at once; the callback would come a turn later.
  if (to.writableLength === 0) release();
}
