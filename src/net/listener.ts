// A listening port or Unix socket that hands out accepted sockets ready for streams: half-open allowed, Nagle off.
// Owns the port, or the socket's file, and nothing else: whoever gets a socket closes it.

import net from "node:net";
import type { Duplex } from "node:stream";
import { parseLink, SOCKET_PATH_BYTES_MAX } from "../config/link.js";
import { VnetError } from "../errors.js";
import { formatAddress, networkError } from "./address.js";
import { KEEP_ALIVE_MS } from "./connect.js";
import { hybridListenPath } from "./hybrid-vsock.js";
import { openFiles } from "./open-files.js";
import { peerOf, type Peer } from "./peer.js";
import { reset } from "./reset.js";
import { SocketFile } from "./socket-file.js";

export interface ListenerOptions {
  /** an address, or a link: `unix:/path`, `hvsock:/path:port` */
  host: string;
  /** 0: any free port, see `port`; 0 also where `host` is a link */
  port: number;
  onConnection: (connection: Duplex, peer: Peer) => void;
  /** It gets connections also when the process is about to run out of descriptors, and turns away whom it can. */
  usesReserve?: boolean;
  /** After the start only, e.g. out of file descriptors; the listener goes on. */
  onError: (error: VnetError) => void;
}

/** The queue of connections that the kernel completed and nobody accepted yet: bursts must fit. */
const BACKLOG = 4096;

/** What listens: a port, a socket file, or what else hands out connections. */
export interface Listening {
  readonly host: string;
  /** 0 where `host` is a link */
  readonly port: number;
  close(): Promise<void>;
}

/** Rejects with VnetError `network` that names the address and says why. */
export type Listen = (options: ListenerOptions) => Promise<Listening>;

export class Listener implements Listening {
  private constructor(
    private readonly server: net.Server,
    private readonly file: SocketFile | null,
    readonly host: string,
    /** 0 where `host` is a link */
    readonly port: number,
  ) {}

  /** Rejects with VnetError `network` that names the address and says why. */
  static async start(options: ListenerOptions): Promise<Listener> {
    const { host, port } = options;
    const server = net.createServer(
      {
        allowHalfOpen: true,
        noDelay: true,
        keepAlive: true,
        keepAliveInitialDelay: KEEP_ALIVE_MS,
        pauseOnConnect: true,
      },
      (socket) => {
        if (options.usesReserve !== true && openFiles.isShort()) {
          reset(socket);
          options.onError(new VnetError("network", openFiles.reason));
        } else options.onConnection(socket, peerOf(socket));
      },
    );
    try {
      const path = socketPathOf(host);
      const where = path === null ? { host, port } : { path };
      const listening = () => listen(server, { ...where, backlog: BACKLOG });
      const file =
        path === null
          ? await listening().then(() => null)
          : await SocketFile.claim(path, listening);
      server.on("error", (cause) => {
        options.onError(networkError("accepting a connection failed", cause));
      });
      const address = server.address();
      const bound = typeof address === "object" ? (address?.port ?? 0) : 0;
      return new Listener(server, file, host, bound);
    } catch (cause) {
      throw networkError(
        `cannot listen on ${formatAddress(host, port)}`,
        cause,
      );
    }
  }

  /** Stops listening at once; accepted sockets live on. Idempotent. */
  close(): Promise<void> {
    // A callback would wait for accepted sockets too, which are not ours.
    if (this.file === null || !this.server.listening) this.server.close();
    else this.file.closeServer(this.server);
    return Promise.resolve();
  }
}

function listen(server: net.Server, where: net.ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(where, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

/** The socket file to listen on; null: none, it is an address. Throws VnetError where nothing can listen. */
function socketPathOf(host: string): string | null {
  const link = parseLink(host);
  if (link === null) return null;
  if (link.scheme === "unix") return link.path;
  if (link.scheme !== "hvsock")
    throw new VnetError(
      "network",
      "that can be dialled only; listen on an address, unix:/PATH or hvsock:/PATH:PORT",
    );
  const path = hybridListenPath(link.path, link.port);
  if (Buffer.byteLength(path) <= SOCKET_PATH_BYTES_MAX) return path;
  throw new VnetError(
    "network",
    `the monitor's path and _${link.port} are longer than the ${SOCKET_PATH_BYTES_MAX} bytes of a socket's path`,
  );
}
