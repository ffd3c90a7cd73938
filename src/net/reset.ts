// The hard way to end a connection.

import net from "node:net";
import type { Duplex } from "node:stream";

/** Its other end sees a reset (TCP's RST) instead of an orderly end, where the duplex can do that. Idempotent. */
export function reset(duplex: Duplex): void {
  if (duplex.destroyed) return;
  if (duplex instanceof net.Socket) duplex.resetAndDestroy();
  else duplex.destroy();
}
