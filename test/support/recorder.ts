// Somebody on the way who writes everything down: a TCP relay that keeps, for
// each connection, the bytes of both directions as they went over the wire.

import { once } from "node:events";
import {
  connect,
  createServer,
  type AddressInfo,
  type Server,
  type Socket,
} from "node:net";

/** One connection, as it was overheard. */
export class Recorded {
  readonly #toHub: Buffer[] = [];
  readonly #toNode: Buffer[] = [];

  constructor(from: Socket, to: Socket) {
    this.#forward(from, to, this.#toHub);
    this.#forward(to, from, this.#toNode);
  }

  get toHub(): Buffer {
    return Buffer.concat(this.#toHub);
  }

  get toNode(): Buffer {
    return Buffer.concat(this.#toNode);
  }

  get isLeg(): boolean {
    return this.toHub.subarray(0, 8).toString("latin1") === "vnet-leg";
  }

  #forward(from: Socket, to: Socket, kept: Buffer[]): void {
    from.on("data", (chunk: Buffer) => kept.push(chunk));
    from.on("error", () => to.resetAndDestroy());
    from.pipe(to);
  }
}

export class Recorder {
  readonly connections: Recorded[] = [];
  readonly #sockets = new Set<Socket>();

  private constructor(
    readonly port: number,
    private readonly server: Server,
  ) {}

  /** @param target the port of 127.0.0.1 to which it passes everything on */
  static async start(target: number): Promise<Recorder> {
    const server = createServer({ allowHalfOpen: true });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const recorder = new Recorder(port, server);
    server.on("connection", (socket) => {
      const options = { port: target, host: "127.0.0.1", allowHalfOpen: true };
      const onward = connect(options);
      for (const each of [socket, onward]) recorder.#keep(each);
      recorder.connections.push(new Recorded(socket, onward));
    });
    return recorder;
  }

  get legs(): Recorded[] {
    return this.connections.filter(({ isLeg }) => isLeg);
  }

  get controls(): Recorded[] {
    return this.connections.filter(({ isLeg }) => !isLeg);
  }

  /** Which of the words stand anywhere in what was overheard: as they are, in hex or in base64. */
  overheard(
    words: readonly string[],
    among: readonly Recorded[] = this.connections,
  ): string[] {
    const texts = among.flatMap(({ toHub, toNode }) => [
      toHub.toString("latin1"),
      toNode.toString("latin1"),
    ]);
    return words.filter((word) => {
      const bytes = Buffer.from(word);
      const shapes = [
        bytes.toString("latin1"),
        bytes.toString("hex"),
        bytes.toString("base64").replace(/=+$/, "").slice(0, -1),
      ];
      return texts.some((text) => shapes.some((shape) => text.includes(shape)));
    });
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
  }
}
