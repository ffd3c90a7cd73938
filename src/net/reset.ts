// The hard way to end a connection.

import net from "node:net";
import type { Duplex } from "node:stream";

/** Its other end sees a reset (TCP's RST) instead of an orderly end, where the duplex can do that. Idempotent. */
export function reset(duplex: Duplex): void {
  if (duplex.destroyed) return;
  if (duplex instanceof net.Socket && !isShuttingDown(duplex))
    duplex.resetAndDestroy();
  else duplex.destroy();
}

/**
 * Our FIN is on its way into the kernel. libuv refuses to reset in that moment (uv_tcp_close_reset, UV_EINVAL), and
 * Node then leaves the handle open for ever: the descriptor leaks, and the process spins at its exit.
 */
function isShuttingDown(socket: net.Socket): boolean {
  return (
    socket.writableEnded &&
    !socket.writableFinished &&
    socket.writableLength === 0
  );
}
