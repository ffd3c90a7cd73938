// A way from a client's port to a service, for one conversation at a time: straight, or with a LAN between them.
// Owns the service's listener.

import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { CheckedBytes } from "./checked-bytes.js";
import type { Conversation, Role, Sight } from "./conversation.js";
import { Side, type Observation } from "./conversation-side.js";
import { reservePort } from "./ports.js";
import { Random } from "./random.js";

export type Way = "direct" | "lan";

export interface Held {
  observed: Record<Role, Observation | null>;
  /** what is not as the table says; empty: all is well */
  faults: string[];
  ms: number;
}

export class Lane {
  #server: Server | null = null;
  #isTaken = false;
  #arrived: ((socket: Socket) => void) | null = null;
  /** connections that came when nobody waited for one */
  #strays = 0;

  private constructor(
    /** where the service listens */
    readonly servicePort: number,
    /** where clients connect */
    readonly clientPort: number,
    readonly way: Way,
  ) {}

  /** @param clientPort that of a use that reaches the service; none: clients connect straight */
  static async open(clientPort?: number): Promise<Lane> {
    const servicePort = await reservePort();
    const lane = new Lane(
      servicePort,
      clientPort ?? servicePort,
      clientPort === undefined ? "direct" : "lan",
    );
    await lane.#listen();
    return lane;
  }

  async close(): Promise<void> {
    await this.#stopListening();
  }

  /**
   * Holds one conversation to its end, or until its deadline. The bytes that are said, and how they are cut, are chance;
   * the same `random` makes the same.
   */
  async hold(conversation: Conversation, random: Random): Promise<Held> {
    if (this.#isTaken) throw new Error("one conversation at a time");
    this.#isTaken = true;
    const begin = performance.now();
    this.#strays = 0;
    try {
      const signal = AbortSignal.timeout(conversation.withinMs);
      const observed = await this.#bringTogether(conversation, random, signal);
      const faults = faultsOf(conversation, this.way, observed);
      if (this.#strays > 0)
        faults.push(`${this.#strays} connections that nobody had made`);
      return { observed, faults, ms: performance.now() - begin };
    } finally {
      this.#isTaken = false;
    }
  }

  async #bringTogether(
    { client, service }: Conversation,
    random: Random,
    signal: AbortSignal,
  ): Promise<Held["observed"]> {
    const seed = random.between(0, 0xffff_ffff);
    const bytes = (direction: "up" | "down") =>
      new CheckedBytes(seed, direction, Infinity);
    if (service === null) await this.#stopListening();
    const arrived = new Promise<Socket | null>((resolve) => {
      this.#arrived = service === null ? null : resolve;
      signal.addEventListener("abort", () => resolve(null), { once: true });
    });
    const options = { host: "127.0.0.1", port: this.clientPort };
    const caller = new Side({
      socket: connect({ ...options, allowHalfOpen: true }),
      ...{ steps: client, says: bytes("up"), hears: bytes("down") },
      random: new Random(seed),
    });
    const called = async (): Promise<Observation | null> => {
      const socket = service === null ? null : await arrived;
      if (socket === null || service === null) return null;
      const side = new Side({
        ...{ socket, steps: service },
        ...{ says: bytes("down"), hears: bytes("up") },
        random: new Random(seed + 1),
      });
      // As to a process of its own: the client knows that it is connected before anything else comes.
      await caller.connected;
      return side.run(signal);
    };
    const [first, second] = await Promise.all([caller.run(signal), called()]);
    this.#arrived = null;
    if (service === null) await this.#listen();
    return { client: first, service: second };
  }

  async #listen(): Promise<void> {
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
    server.on("connection", (socket) => {
      const arrived = this.#arrived;
      this.#arrived = null;
      if (arrived !== null) return arrived(socket);
      this.#strays++;
      socket.destroy();
    });
    server.listen(this.servicePort, "127.0.0.1");
    await once(server, "listening");
    this.#server = server;
  }

  async #stopListening(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    if (server === null) return;
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }
}

/** What the two sides saw that the table does not allow. */
function faultsOf(
  { service, sees, inLan }: Conversation,
  way: Way,
  observed: Held["observed"],
): string[] {
  const clientSees =
    way === "lan" ? (inLan?.client ?? sees.client) : sees.client;
  return [
    ...differences("client", clientSees, observed.client),
    ...(service === null
      ? []
      : differences("service", sees.service, observed.service)),
  ];
}

function differences(
  role: Role,
  { bytes, ends }: Sight,
  seen: Observation | null,
): string[] {
  if (seen === null) return [`the ${role} never saw a connection`];
  const [least, most] = typeof bytes === "number" ? [bytes, bytes] : bytes;
  const faults: string[] = [];
  if (seen.hungAt !== null) faults.push(`the ${role} hung at ${seen.hungAt}`);
  if (seen.wrongAt !== null)
    faults.push(`the ${role} got a wrong byte at ${seen.wrongAt}`);
  if (seen.bytes < least || seen.bytes > most)
    faults.push(`the ${role} got ${seen.bytes} bytes, not ${String(bytes)}`);
  if (!ends.some((end) => end === seen.end))
    faults.push(`the ${role} saw ${seen.end}, not ${ends.join(" or ")}`);
  return faults;
}
