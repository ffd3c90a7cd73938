// The "hybrid" sockets of virtual machine monitors (Firecracker, Cloud Hypervisor): a Unix socket of the host stands for
// all ports of the guest. Host to guest: a line asks for the port. Guest to host: the monitor connects to `PATH_PORT`.

import type { Duplex } from "node:stream";
import { performance } from "node:perf_hooks";
import { VnetError } from "../errors.js";
import { connectFile } from "./connect.js";
import { encodeConnectLine, parseConnectAnswer } from "../wire/connect-line.js";
import { readFirst } from "./first-bytes.js";

/** Where a listener for what the guest dials must be: the monitor looks for this file. */
export function hybridListenPath(path: string, port: number): string {
  return `${path}_${port}`;
}

/** A connection to the guest's port. Rejects with VnetError, or with the system's error about the socket file. */
export async function connectGuest(
  path: string,
  port: number,
  timeoutMs: number,
): Promise<Duplex> {
  const end = performance.now() + timeoutMs;
  const socket = await connectFile(path, timeoutMs);
  // Nobody listens to it between the steps; what breaks it is seen by the next one.
  const ignore = () => undefined;
  socket.on("error", ignore);
  try {
    socket.write(encodeConnectLine(port));
    const leftMs = Math.max(1, Math.round(end - performance.now()));
    await readFirst(socket, parseConnectAnswer, leftMs);
    socket.off("error", ignore);
    return socket;
  } catch (cause) {
    socket.destroy();
    throw wordsFor(cause, port);
  }
}

function wordsFor(cause: unknown, port: number): unknown {
  const code = cause instanceof VnetError ? cause.code : "";
  if (code === "closed")
    return new VnetError(
      "network",
      `nothing listens on port ${port} of the guest (the monitor closed the connection)`,
      { cause },
    );
  if (code === "timeout")
    return new VnetError(
      "timeout",
      `the virtual machine monitor did not answer CONNECT ${port} in time`,
      { cause },
    );
  return cause;
}
