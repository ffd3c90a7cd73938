// Two sockets, plain or TLS, connected to each other over loopback, half-open allowed, nobody reading yet.

import { once } from "node:events";
import { connect, createServer, Socket, type AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import {
  secureAsClient,
  secureAsServer,
  type SecureDuplex,
} from "../../src/net/secure.js";

interface Ends<End> {
  readonly a: End;
  readonly b: End;
}

export interface SocketPair extends Ends<Socket> {
  /** Side `a` goes without a word. */
  reset(): void;
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
  return { a, b, reset: () => a.resetAndDestroy() };
}

/** With a key that both have. */
export async function createSecurePair(
  below: Ends<Duplex>,
): Promise<SocketPair> {
  const psk = Buffer.alloc(32, 1);
  const [a, b] = await Promise.all([
    secureAsClient(below.a, { identity: "a hint", psk }, 8_000),
    secureAsServer(below.b, () => psk, 8_000),
  ]);
  return {
    a: socketOf(a),
    b: socketOf(b),
    reset: () => {
      below.a.destroy();
    },
  };
}

function socketOf({ duplex }: SecureDuplex): Socket {
  if (!(duplex instanceof Socket)) throw new Error("TLS without a socket");
  return duplex;
}

/** For afterEach: destroys all that are still open. */
export function destroySocketPairs(): void {
  for (const socket of made) {
    socket.on("error", () => undefined);
    socket.destroy();
  }
}
