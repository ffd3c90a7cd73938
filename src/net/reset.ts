// The hard way to end a connection.

import net from "node:net";
import type { Duplex } from "node:stream";

/**
 * Its other end sees a reset (TCP's RST) instead of an orderly end, where the duplex can do that: a Unix socket cannot,
 * and a program is ended. Idempotent.
 */
export function reset(duplex: Duplex): void {
  if (duplex.destroyed) return;
  if (duplex instanceof net.Socket && !isShuttingDown(duplex))
    try {
      duplex.resetAndDestroy();
      return;
    } catch (error) {
      // What Node says of a socket that is not TCP.
      const { code } = error as NodeJS.ErrnoException;
      if (code !== "ERR_INVALID_HANDLE_TYPE") throw error;
    }
  duplex.destroy();
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
