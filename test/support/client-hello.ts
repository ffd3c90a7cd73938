// What a client of TLS says first, recorded.

import { Duplex } from "node:stream";
import tls from "node:tls";
import { secureAsClient } from "../../src/net/secure.js";

/** A node's, on a control link or a channel. */
export function recordClientHello(key: {
  identity: string;
  psk: Buffer;
}): Promise<Buffer> {
  return firstWrite((wire) => {
    secureAsClient(wire, key, 5_000).catch(() => undefined);
  });
}

/** A browser's, or any other's. */
export function recordTlsHello(
  options: tls.ConnectionOptions,
): Promise<Buffer> {
  return firstWrite((socket) => {
    tls.connect({ socket, ...options }).on("error", () => undefined);
  });
}

function firstWrite(connect: (wire: Duplex) => void): Promise<Buffer> {
  return new Promise((resolve) => {
    const wire: Duplex = new Duplex({
      read: () => undefined,
      write: (chunk: Buffer, _encoding, done) => {
        resolve(chunk);
        done();
        wire.destroy();
      },
    });
    connect(wire);
  });
}
