// Takes exactly the first bytes of a connection; what came behind them in the same read stays in the socket.

import type { Duplex } from "node:stream";
import { VnetError } from "../errors.js";

/**
 * Resolves with exactly `bytes` bytes, or rejects with VnetError `timeout` or `closed`. The duplex is left paused,
 * with whatever followed still to be read.
 */
export function readFirstBytes(
  duplex: Duplex,
  bytes: number,
  timeoutMs: number,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      duplex.off("readable", tryRead);
      duplex.off("end", ended);
      duplex.off("error", ended);
      duplex.off("close", ended);
    };
    const tryRead = () => {
      const head = duplex.read(bytes) as Buffer | null;
      if (head === null) return;
      stop();
      // Less than asked for is what read() gives at the end of the stream.
      if (head.length === bytes) resolve(head);
      else reject(new VnetError("closed", "closed before it said what it is"));
    };
    const ended = () => {
      stop();
      reject(new VnetError("closed", "closed before it said what it is"));
    };
    const timer = setTimeout(() => {
      stop();
      reject(
        new VnetError(
          "timeout",
          `did not say what it is within ${timeoutMs / 1000} s`,
        ),
      );
    }, timeoutMs);
    duplex.on("readable", tryRead);
    duplex.on("end", ended);
    duplex.on("error", ended);
    duplex.on("close", ended);
    tryRead();
  });
}
