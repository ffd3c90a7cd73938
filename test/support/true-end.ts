// Node tells of a reset as of an orderly end when bytes wait in front of it: libuv makes an end of EPOLLHUP after a
// partial read. Whoever counts on the difference reads once more, and then the system says which it was.

import type { Socket } from "node:net";

interface Readable {
  readStart(): number;
}

/** From now on its `end` means a FIN, and a reset is an `error`. */
export function tellTrueEnd(socket: Socket): void {
  const push = socket.push.bind(socket);
  let hasAsked = false;
  socket.push = (chunk: unknown, encoding?: BufferEncoding) => {
    const { _handle } = socket as Socket & { _handle?: Readable | null };
    if (chunk !== null || hasAsked || !_handle) return push(chunk, encoding);
    hasAsked = true;
    // 0: it reads again, and will tell its end again, or the reset.
    return _handle.readStart() === 0 ? false : push(null);
  };
}
