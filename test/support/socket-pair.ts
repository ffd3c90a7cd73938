// Two TCP sockets connected to each other over loopback, half-open allowed, nobody reading yet.

import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

export interface SocketPair {
  readonly a: Socket;
  readonly b: Socket;
}

const made = new Set<Socket>();

export async function createSocketPair(): Promise<SocketPair> {
  const server = createServer({ allowHalfOpen: true });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const accepted = once(server, "connection") as Promise<[Socket]>;
  const a = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  const [[b]] = await Promise.all([accepted, once(a, "connect")]);
  server.close();
  for (const socket of [a, b]) {
    socket.setNoDelay();
    made.add(socket);
    socket.once("close", () => made.delete(socket));
  }
  return { a, b };
}

/** For afterEach: destroys all that are still open. */
export function destroySocketPairs(): void {
  for (const socket of made) {
    socket.on("error", () => undefined);
    socket.destroy();
  }
}
