// What a node says first on a control link or a channel, recorded.

import { Duplex } from "node:stream";
import { secureAsClient } from "../../src/net/secure.js";

export function recordClientHello(key: {
  identity: string;
  psk: Buffer;
}): Promise<Buffer> {
  return new Promise((resolve) => {
    const wire: Duplex = new Duplex({
      read: () => undefined,
      write: (chunk: Buffer, _encoding, done) => {
        resolve(chunk);
        done();
        wire.destroy();
      },
    });
    secureAsClient(wire, key, 5_000).catch(() => undefined);
  });
}
