// Small TCP services for tests, on port 0, that remember what each side saw:
// the bytes, and whether the other side ended with a FIN or with a reset.
// Everything here is closed by close() or by its with… helper.

import { once } from "node:events";
import {
  connect,
  createServer,
  type AddressInfo,
  type Server,
  type Socket,
} from "node:net";
import type { Duplex } from "node:stream";

/** One connection, of TCP unless said otherwise, as one side of it saw it. */
export class Observed<Side extends Duplex = Socket> {
  /** how many bytes came */
  bytes = 0;
  /** how the other side ended its half; open: not yet */
  state: "open" | "fin" | "reset" = "open";
  /** resolves with the first end of the other side's half */
  readonly ended: Promise<"fin" | "reset">;
  /** resolves when both halves are over */
  readonly closed: Promise<void>;
  readonly #chunks: Buffer[] = [];

  /** @param keep false: counts only, for bulk */
  constructor(
    readonly socket: Side,
    keep = true,
  ) {
    socket.on("data", (chunk: Buffer) => {
      this.bytes += chunk.length;
      if (keep) this.#chunks.push(chunk);
    });
    this.ended = new Promise((resolve) => {
      const end = (state: "fin" | "reset") => {
        if (this.state === "open") this.state = state;
        resolve(this.state === "fin" ? "fin" : "reset");
      };
      socket.once("end", () => end("fin"));
      socket.on("error", () => {
        // A reset after the FIN still counts as one.
        this.state = "reset";
        end("reset");
      });
    });
    this.closed = new Promise((resolve) => {
      socket.once("close", () => resolve());
    });
  }

  /** Everything that came so far, unless it was told not to keep it. */
  get received(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  get text(): string {
    return this.received.toString("utf8");
  }

  /** Resolves when at least that many bytes came; rejects when it ends before. */
  async untilBytes(count: number): Promise<void> {
    while (this.bytes < count) {
      if (this.socket.readableEnded || this.socket.destroyed)
        throw new Error(`ended after ${this.bytes} of ${count} bytes`);
      await Promise.race([
        new Promise((resolve) => this.socket.once("data", resolve)),
        this.ended,
      ]);
    }
  }
}

/** A listening service with the connections that it got, oldest first. */
export class TestServer {
  readonly connections: Observed[] = [];
  readonly #waiting: ((connection: Observed) => void)[] = [];

  private constructor(
    readonly port: number,
    readonly server: Server,
  ) {}

  /**
   * @param serve what to do with each connection, half-open allowed
   * @param keep false: received bytes are counted, not kept
   */
  static async start(
    serve: (connection: Observed) => void,
    { keep = true, port = 0 }: { keep?: boolean; port?: number } = {},
  ): Promise<TestServer> {
    const server = createServer({ allowHalfOpen: true });
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    const made = new TestServer((server.address() as AddressInfo).port, server);
    server.on("connection", (socket) => {
      const connection = new Observed(socket, keep);
      serve(connection);
      made.connections.push(connection);
      made.#waiting.shift()?.(connection);
    });
    return made;
  }

  /** The next connection that is not there yet. */
  nextConnection(): Promise<Observed> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Stops listening and destroys what is open. Idempotent. */
  async close(): Promise<void> {
    for (const { socket } of this.connections) socket.destroy();
    if (!this.server.listening) return;
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }
}

/** Sends back what comes, and its FIN. */
export function startEcho(port = 0): Promise<TestServer> {
  return TestServer.start(({ socket }) => socket.pipe(socket), { port });
}

/** Counts what comes; answers a FIN with a FIN and says nothing else. */
export function startSink(): Promise<TestServer> {
  const serve = ({ socket }: Observed) =>
    socket.once("end", () => socket.end()).resume();
  return TestServer.start(serve, { keep: false });
}

/** Speaks first, as SSH and SMTP do, and echoes afterwards. */
export function startSpeakFirst(greeting = "hello\r\n"): Promise<TestServer> {
  return TestServer.start(({ socket }) => {
    socket.write(greeting);
    socket.pipe(socket);
  });
}

/** `await withServer(startEcho, async (echo) => …)`: closed whatever happens. */
export async function withServer<T>(
  start: () => Promise<TestServer>,
  body: (server: TestServer) => Promise<T>,
): Promise<T> {
  const server = await start();
  try {
    return await body(server);
  } finally {
    await server.close();
  }
}

/** Connects to 127.0.0.1:port, half-open allowed; rejects when refused. */
/** @param localAddress another one of 127.0.0.0/8, where the test is to come from elsewhere; Linux only */
export async function connectTo(
  port: number,
  keep = true,
  localAddress?: string,
): Promise<Observed> {
  const socket = connect({
    ...{ port, host: "127.0.0.1", allowHalfOpen: true },
    ...(localAddress !== undefined && { localAddress }),
  });
  await once(socket, "connect");
  return new Observed(socket, keep);
}

/** Connects, passes the connection on and destroys it whatever happens. */
export async function withConnection<T>(
  port: number,
  body: (connection: Observed) => Promise<T>,
): Promise<T> {
  const connection = await connectTo(port);
  try {
    return await body(connection);
  } finally {
    connection.socket.destroy();
  }
}
