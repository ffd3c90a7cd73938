// Opens outgoing TCP connections, with a deadline, ready for streams: half-open allowed, Nagle off.
// The name is looked up each time, so that a changed DNS entry is followed.

import net from "node:net";
import { VnetError } from "../errors.js";
import { formatAddress, networkError } from "./address.js";

/**
 * A quiet stream (an SSH session overnight) must not be forgotten by a NAT on the way, and a peer that is gone without
 * a word must be noticed some time.
 */
export const KEEP_ALIVE_MS = 30_000;

export interface DialOptions {
  host: string;
  port: number;
  timeoutMs: number;
}

/** Rejects with VnetError `network` or `timeout` that names the address and says why. */
export function dial(options: DialOptions): Promise<net.Socket> {
  const { host, port, timeoutMs } = options;
  return new Promise((resolve, reject) => {
    const socket = net.connect({
      host,
      port,
      allowHalfOpen: true,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE_MS,
    });
    const fail = (error: VnetError) => {
      clearTimeout(timer);
      socket.destroy();
      reject(error);
    };
    const timer = setTimeout(() => {
      fail(
        new VnetError(
          "timeout",
          `cannot connect to ${formatAddress(host, port)}: no answer within ${timeoutMs / 1000} s`,
        ),
      );
    }, timeoutMs);
    const refuse = (cause: Error) => {
      fail(
        networkError(`cannot connect to ${formatAddress(host, port)}`, cause),
      );
    };
    socket.once("error", refuse);
    socket.once("connect", () => {
      clearTimeout(timer);
      socket.off("error", refuse);
      resolve(socket);
    });
  });
}
