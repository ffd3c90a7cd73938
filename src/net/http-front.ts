// An HTTP server without a port that stands in front of a service: it passes requests on with another Host header, and
// with X-Forwarded-* so that the service knows what the user asked for. Owns the connections that it hands out.

import http from "node:http";
import type { Duplex } from "node:stream";
import { createDuplexPair } from "./duplex-pair.js";
import { HEADER_BYTES_MAX } from "./http-exchange.js";
import { hasBody } from "./http-headers.js";
import { HttpVisit, type VisitLimits } from "./http-visit.js";

const LIMITS: VisitLimits = {
  idleMs: 75_000,
  lingerMs: 1_800_000,
  bodyMs: 30_000,
  waitingMax: 100,
};

export interface HttpFrontOptions {
  /** the Host header that the service gets */
  host: string;
  /** Connects to the service. Rejects with VnetError; has a deadline of its own. */
  dial: () => Promise<Duplex>;
  limits?: Partial<VisitLimits>;
}

export class HttpFront {
  private readonly server: http.Server;
  private readonly visits = new Map<unknown, HttpVisit>();

  constructor(private readonly options: HttpFrontOptions) {
    this.server = createServer();
    const take: http.RequestListener = (request, response) => {
      this.visits.get(request.socket)?.take(request, response);
    };
    this.server.on("request", take);
    // Whether the user may go on to the body is the service's to say.
    this.server.on("checkContinue", take);
    this.server.on("checkExpectation", take);
    this.server.on("upgrade", (request, socket, head) => {
      this.upgrade(request, socket, head);
    });
    this.server.on("connect", (_request, socket) => {
      this.visits
        .get(socket)
        ?.misunderstood(new Error("this is no forward proxy"));
    });
    this.server.on("clientError", (error, socket) => {
      this.visits.get(socket)?.misunderstood(error);
    });
  }

  /** A connection to the service through the front, as dial() would give one. `from`: the user's `ip:port`, or empty. */
  open(from: string): Duplex {
    const { a: near, b: user } = createDuplexPair();
    const { host, dial, limits } = this.options;
    const visit = new HttpVisit({
      user,
      route: { host, from },
      dial,
      limits: { ...LIMITS, ...limits },
      onClose: () => this.visits.delete(user),
    });
    this.visits.set(user, visit);
    this.server.emit("connection", user);
    return near;
  }

  /** Cuts off all connections. Idempotent. */
  close(): void {
    for (const visit of [...this.visits.values()]) visit.destroy();
  }

  private upgrade(
    request: http.IncomingMessage,
    user: Duplex,
    head: Buffer,
  ): void {
    if (mayUpgrade(request)) {
      const protocol = request.headers.upgrade ?? "";
      this.visits.get(user)?.upgrade(request, protocol, head);
      return;
    }
    // Node before 22.21 knows no other way to a request whose offer is not taken than to read it again without it.
    user.unshift(Buffer.concat([withoutUpgrade(request), head]));
    this.server.emit("connection", user);
  }
}

function createServer(): http.Server {
  const options = {
    maxHeaderSize: HEADER_BYTES_MAX,
    insecureHTTPParser: false,
    // Node's own refusal would let the next request pass.
    requireHostHeader: false,
    shouldUpgradeCallback: mayUpgrade,
  };
  const server = http.createServer(options);
  // Bytes are what is bounded. A bound of their number would drop the rest without a word.
  server.maxHeadersCount = 0;
  // It would be promised in a header, and works with sockets only; visits have a limit of their own.
  server.keepAliveTimeout = 0;
  // A user that has sent all it will still gets its response. Node has it, but neither documents nor types it.
  return Object.assign(server, { httpAllowHalfOpen: true });
}

/** HTTP/2 over the upgraded connection would carry requests past us; and a body would be taken for the new protocol. */
function mayUpgrade(request: http.IncomingMessage): boolean {
  const protocol = request.headers.upgrade ?? "";
  return !/\bh2c?\b/i.test(protocol) && !hasBody(request);
}

function withoutUpgrade(request: http.IncomingMessage): Buffer {
  const { method, url, httpVersion, rawHeaders } = request;
  const lines = [`${method ?? ""} ${url ?? ""} HTTP/${httpVersion}`];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const [name = "", value = ""] = [rawHeaders[at], rawHeaders[at + 1]];
    if (name.toLowerCase() !== "upgrade") lines.push(`${name}: ${value}`);
  }
  lines.push("Connection: close");
  return Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
}
