// Writes views of read buffers to a duplex, and keeps each one's lease for as long as the view is needed.
// Whoever reads into those buffers waits for that, and so never goes ahead of a slow writer.

import net from "node:net";
import type { Duplex } from "node:stream";
import type { Lease } from "./lent-buffer.js";

export class LentWriter {
  /** of what was written and not flushed */
  private releases: (() => void)[] = [];

  constructor(private readonly to: Duplex) {}

  /** Leaves with flush(), in one piece with everything else that was written meanwhile. What has ended takes nothing. */
  write(view: Buffer, lease: Lease): void {
    const { to } = this;
    if (to.writableEnded || to.destroyed) return;
    lease.hold();
    let isHeld = true;
    const release = () => {
      if (!isHeld) return;
      isHeld = false;
      lease.release();
    };
    if (this.releases.length === 0) to.cork();
    this.releases.push(release);
    // What is no socket is read in this process, by somebody who may keep it for longer than the write takes.
    to.write(to instanceof net.Socket ? view : Buffer.from(view), release);
  }

  flush(): void {
    const { to, releases } = this;
    if (releases.length === 0) return;
    this.releases = [];
    to.uncork();
    // The system took all of it at once; the callbacks would come a turn later.
    if (to.writableLength === 0) for (const release of releases) release();
  }
}
