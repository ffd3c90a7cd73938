// A listening TCP port that hands out accepted sockets ready for streams: half-open allowed, Nagle off.
// Owns the port and nothing else: whoever gets a socket closes it.

import net from "node:net";
import type { VnetError } from "../errors.js";
import { formatAddress, networkError } from "./address.js";
import { KEEP_ALIVE_MS } from "./dial.js";

export interface ListenerOptions {
  host: string;
  /** 0: any free port, see `port` */
  port: number;
  onConnection: (socket: net.Socket) => void;
  /** After the start only, e.g. out of file descriptors; the listener goes on. */
  onError: (error: VnetError) => void;
}

export class Listener {
  private constructor(
    private readonly server: net.Server,
    readonly host: string,
    readonly port: number,
  ) {}

  /** Rejects with VnetError `network` that names the address and says why. */
  static start(options: ListenerOptions): Promise<Listener> {
    const { host, port } = options;
    const server = net.createServer(
      {
        allowHalfOpen: true,
        noDelay: true,
        keepAlive: true,
        keepAliveInitialDelay: KEEP_ALIVE_MS,
        pauseOnConnect: true,
      },
      options.onConnection,
    );
    return new Promise((resolve, reject) => {
      const refuse = (cause: NodeJS.ErrnoException) => {
        reject(
          networkError(`cannot listen on ${formatAddress(host, port)}`, cause),
        );
      };
      server.once("error", refuse);
      // The queue of connections that the kernel completed and nobody accepted yet: bursts must fit.
      server.listen({ host, port, backlog: 4096 }, () => {
        server.off("error", refuse);
        server.on("error", (cause) => {
          options.onError(networkError("accepting a connection failed", cause));
        });
        const address = server.address() as net.AddressInfo;
        resolve(new Listener(server, host, address.port));
      });
    });
  }

  /** Stops listening at once; accepted sockets live on. Idempotent. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      // The callback would wait for accepted sockets too, which are not ours.
      this.server.close();
      resolve();
    });
  }
}
