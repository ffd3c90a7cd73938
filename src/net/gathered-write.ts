// Writes what comes in many pieces of one moment, as TLS gives bulk record by record, in one system call.
// Small pieces are never held back: somebody may wait for them.

import type { Duplex } from "node:stream";

/** As large a piece is bulk. */
const BULK_PIECE_BYTES = 8 * 1024;

/** As much leaves without waiting for the end of the turn. */
const GATHERED_MAX_BYTES = 256 * 1024;

export class GatheredWriter {
  private gathering: NodeJS.Immediate | undefined;

  /** @param onFull the system does not take all that was written; 'drain' of `to` says when it has */
  constructor(
    private readonly to: Duplex,
    private readonly onFull: () => void,
  ) {}

  write(bytes: Buffer): void {
    const { to } = this;
    const isBulk = bytes.length >= BULK_PIECE_BYTES;
    if (isBulk && this.gathering === undefined) {
      to.cork();
      this.gathering = setImmediate(() => {
        this.flush();
      });
    }
    to.write(bytes);
    if (!isBulk || to.writableLength >= GATHERED_MAX_BYTES) this.flush();
  }

  /** What is gathered leaves now. Idempotent. */
  flush(): void {
    const { to } = this;
    if (this.gathering !== undefined) {
      clearImmediate(this.gathering);
      this.gathering = undefined;
      to.uncork();
    }
    // "Full" is what Node says of any large piece; nothing waits where the system took it at once.
    if (to.writableNeedDrain && to.writableLength > 0) this.onFull();
  }
}
