// A listening port or Unix socket that hands out accepted sockets ready for streams: half-open allowed, Nagle off. A name
// listens on all its addresses that are here, `localhost` on both families; all of them or none.
// Owns the port, or the socket's file, and nothing else: whoever gets a socket closes it.

import net from "node:net";
import type { Duplex } from "node:stream";
import { ALL_ADDRESSES } from "../config/config.js";
import {
  isLink,
  isNamedPipe,
  parseLink,
  SOCKET_PATH_BYTES_MAX,
} from "../config/link.js";
import { VnetError } from "../errors.js";
import { formatAddress, networkError } from "./address.js";
import { KEEP_ALIVE_MS } from "./connect.js";
import { hybridListenPath } from "./hybrid-vsock.js";
import { NamedPipe, PIPE_SILENCE_MS } from "./named-pipe.js";
import { names } from "./names.js";
import { openFiles } from "./open-files.js";
import { peerOf, type Peer } from "./peer.js";
import { reset } from "./reset.js";
import { SocketFile } from "./socket-file.js";

export interface ListenerOptions {
  /** an address, a link (`unix:/path`, `hvsock:/path:port`), or ALL_ADDRESSES */
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

/** A name to listen on is to be known within this. */
const LOOKUP_TIMEOUT_MS = 10_000;

/** A port that was free at one address need not be free at the others; then another one is tried. */
const FREE_PORT_TRIES = 10;

/** The first one is for IPv4 too, where there is IPv6. */
const EVERY = [{ address: "::" }, { address: "0.0.0.0" }];

/** The address is of another machine, or of a family that is not there. */
const NOT_HERE = ["EADDRNOTAVAIL", "EAFNOSUPPORT"];

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
    /** one for each address */
    private readonly servers: readonly net.Server[],
    private readonly file: SocketFile | null,
    readonly host: string,
    /** 0 where `host` is a link */
    readonly port: number,
  ) {}

  /** Rejects with VnetError `network` that names the address and says why. */
  static async start(options: ListenerOptions): Promise<Listener> {
    const { host, port } = options;
    try {
      const path = socketPathOf(host);
      if (path !== null) {
        const isPipe = isNamedPipe(path);
        const server = createServer(options, isPipe);
        const file = await SocketFile.claim(path, () =>
          listen(server, { path, backlog: BACKLOG }),
        );
        tellErrors(server, options);
        return new Listener([server], file, host, 0);
      }
      const servers = await listenOnAll(options);
      const [server] = servers;
      const at = host === ALL_ADDRESSES ? hostOf(server) : host;
      return new Listener(servers, null, at, server ? portOf(server) : 0);
    } catch (cause) {
      const where =
        host === ALL_ADDRESSES
          ? `port ${port} of all addresses`
          : formatAddress(host, port);
      throw networkError(
        `cannot listen on ${where}${whichOf(host, cause)}`,
        cause,
      );
    }
  }

  /** Stops listening at once; accepted sockets live on. Idempotent. */
  close(): Promise<void> {
    // A callback would wait for accepted sockets too, which are not ours.
    for (const server of this.servers)
      if (this.file === null || !server.listening) server.close();
      else this.file.closeServer(server);
    return Promise.resolve();
  }
}

function createServer(options: ListenerOptions, isPipe = false): net.Server {
  return net.createServer(
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
        return;
      }
      const connection = isPipe
        ? new NamedPipe(socket, PIPE_SILENCE_MS.accepted)
        : socket;
      options.onConnection(connection, peerOf(socket));
    },
  );
}

/**
 * A server for each address of the host that is here, all with the same port. Rejects with the system's error where one
 * of them cannot be had: half of a name would lead clients of the other half to somebody else.
 */
async function listenOnAll(options: ListenerOptions): Promise<net.Server[]> {
  const { host, port } = options;
  const lookup = { timeoutMs: LOOKUP_TIMEOUT_MS };
  const isAll = host === ALL_ADDRESSES || host === EVERY[0]?.address;
  const addresses = isAll ? EVERY : await names.lookup(host, lookup);
  for (let tries = 1; ; tries++) {
    const servers: net.Server[] = [];
    let missing: unknown;
    try {
      for (const { address } of addresses) {
        const [first] = servers;
        const server = createServer(options);
        const at = { host: address, port: first ? portOf(first) : port };
        try {
          await listen(server, { ...at, backlog: BACKLOG });
          servers.push(server);
          if (isAll) break;
        } catch (error) {
          if (!NOT_HERE.includes(codeOf(error))) throw error;
          missing = error;
        }
      }
      if (servers.length === 0) throw missing;
    } catch (error) {
      for (const server of servers) server.close();
      const isTaken = codeOf(error) === "EADDRINUSE";
      if (port === 0 && isTaken && tries < FREE_PORT_TRIES) continue;
      throw error;
    }
    for (const server of servers) tellErrors(server, options);
    return servers;
  }
}

function tellErrors(server: net.Server, { onError }: ListenerOptions): void {
  server.on("error", (cause) => {
    onError(networkError("accepting a connection failed", cause));
  });
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? "";
}

function hostOf(server: net.Server | undefined): string {
  const address = server?.address();
  return typeof address === "object" ? (address?.address ?? "") : "";
}

function portOf(server: net.Server): number {
  const address = server.address();
  return typeof address === "object" ? (address?.port ?? 0) : 0;
}

/** Which address of a name it was that could not be had. */
function whichOf(host: string, cause: unknown): string {
  if (host === ALL_ADDRESSES || net.isIP(host) !== 0 || isLink(host)) return "";
  const { address, port } = cause as { address?: string; port?: number };
  if (address === undefined || port === undefined) return "";
  return ` (${formatAddress(address, port)})`;
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
