// A process: one hop of the simplest proxy that Node gives, `a.pipe(b)`.
//   node hop.mjs '{"pairs": [{"listen": 1, "target": 2}], "listenTls": …, "dialTls": …}'
// listenTls and dialTls: options of TLS for that side, with files of key and certificate or a key of both.

import { constants } from "node:crypto";
import { readFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import tls from "node:tls";

const { pairs, listenTls, dialTls } = JSON.parse(process.argv[2]);
const host = "127.0.0.1";
const listenOptions = listenTls && optionsOf(listenTls);
const dialOptions = dialTls && optionsOf(dialTls);
// The making of a context is slow, so it is made once.
const secureContext = dialOptions && tls.createSecureContext(dialOptions);

for (const { listen, target } of pairs) {
  const options = { allowHalfOpen: true, noDelay: true };
  const accept = (socket) => join(socket, dial(target));
  const server = listenOptions
    ? tls.createServer({ ...options, ...listenOptions }, accept)
    : createServer(options, accept);
  server.listen({ port: listen, host, backlog: 4096 });
}

function dial(port) {
  const options = { port, host, allowHalfOpen: true, noDelay: true };
  if (!dialOptions) return connect(options);
  return tls.connect({
    ...options,
    ...dialOptions,
    secureContext,
    checkServerIdentity: () => undefined,
  });
}

function join(a, b) {
  for (const [from, to] of [
    [a, b],
    [b, a],
  ]) {
    from.pipe(to);
    from.on("error", () => to.destroy());
    from.on("close", () => {
      if (!from.readableEnded) to.destroy();
    });
  }
}

/** {key, cert, requestCert}: files, and whether the other side has to show one too; {psk}: a key in hex, as vnet's channels have one. */
function optionsOf({ key, cert, requestCert, psk }) {
  const version = { minVersion: "TLSv1.3", maxVersion: "TLSv1.3" };
  if (psk) {
    const secret = Buffer.from(psk, "hex");
    return {
      ...version,
      secureOptions: constants.SSL_OP_NO_TICKET,
      ciphers: "TLS_AES_128_GCM_SHA256:PSK-AES128-GCM-SHA256",
      pskCallback: (arg) =>
        typeof arg === "object" && arg !== null && arg.setEncoding
          ? secret
          : { psk: secret, identity: "bench" },
    };
  }
  return {
    ...version,
    key: readFileSync(key),
    cert: readFileSync(cert),
    requestCert,
    rejectUnauthorized: false,
  };
}
