// A checked load: a service and many clients on real TCP ports, who verify every
// byte both ways and say of each stream how it ended. None waits for ever.

import { once } from "node:events";
import {
  connect,
  createServer,
  type AddressInfo,
  type Server,
  type Socket,
} from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { tellTrueEnd } from "../../src/net/socket-handle.js";
import { CheckedBytes } from "./checked-bytes.js";
import {
  decodeHeader,
  encodeHeader,
  HEADER_BYTES,
  randomPlan,
  sendAll,
  type StreamPlan,
  type Tally,
  type Verdict,
} from "./checked-stream.js";
import type { Random } from "./random.js";

/** Longer than whatever may stop a stream that still ends well. */
export const SILENCE_MS = 30_000;

export interface CheckedOptions {
  tally: Tally;
  /** a stream in which nothing moved for so long hangs */
  silenceMs?: number;
  /** was the process at the other end of this socket killed since then (performance.now)? */
  killedSince?: (beganMs: number) => boolean;
}

/** One end's view of a connection, until it is closed. */
class Watch {
  error: NodeJS.ErrnoException | null = null;
  silent = false;
  ended = false;
  longestWaitMs = 0;
  readonly beganMs = performance.now();
  readonly closed: Promise<void>;
  #movedMs = this.beganMs;

  constructor(
    readonly socket: Socket,
    { silenceMs = SILENCE_MS }: CheckedOptions,
  ) {
    tellTrueEnd(socket);
    socket.setNoDelay(true);
    socket.setTimeout(silenceMs, () => {
      this.silent = true;
      socket.resetAndDestroy();
    });
    socket.on("data", () => this.#moved());
    socket.on("drain", () => this.#moved());
    socket.once("end", () => (this.ended = true));
    socket.on("error", (error) => (this.error ??= error));
    this.closed = new Promise((resolve) => socket.once("close", resolve));
  }

  /** How it ended; `got` is what was to come. */
  verdict(got: CheckedBytes | null, options: CheckedOptions): Verdict {
    this.#moved();
    if (got !== null && got.wrongAt !== null) return "wrong";
    if (this.silent) return "hung";
    const short = got === null || got.left > 0;
    if (this.ended && short)
      return options.killedSince?.(this.beganMs) ? "torn" : "lost";
    if (this.error !== null || short || !this.ended) return "reset";
    return "whole";
  }

  #moved(): void {
    const now = performance.now();
    this.longestWaitMs = Math.max(this.longestWaitMs, now - this.#movedMs);
    this.#movedMs = now;
  }
}

/** Answers checked streams on one port. */
export class CheckedService {
  readonly #open = new Set<Socket>();

  private constructor(
    readonly port: number,
    readonly server: Server,
  ) {}

  static async start(
    options: CheckedOptions & { port?: number },
  ): Promise<CheckedService> {
    const server = createServer({ allowHalfOpen: true });
    server.listen(options.port ?? 0, "127.0.0.1", 4096);
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const service = new CheckedService(port, server);
    server.on("connection", (socket) => {
      service.#open.add(socket);
      void answer(socket, options).then(() => service.#open.delete(socket));
    });
    return service;
  }

  /** Streams that are not over yet. */
  get open(): number {
    return this.#open.size;
  }

  /** Resolves when none is open; each has its deadline. */
  async idle(): Promise<void> {
    while (this.#open.size > 0) await sleep(2);
  }

  async close(): Promise<void> {
    for (const socket of this.#open) socket.resetAndDestroy();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }
}

async function answer(socket: Socket, options: CheckedOptions): Promise<void> {
  const { tally } = options;
  const watch = new Watch(socket, options);
  let head = Buffer.alloc(0);
  let plan: StreamPlan | null = null;
  let got: CheckedBytes | null = null;
  let foreign = false;
  const reply = () => {
    if (plan === null || socket.destroyed) return;
    sendAll(socket, new CheckedBytes(plan.seed, "down", plan.down));
  };
  socket.on("data", (chunk: Buffer) => {
    let rest = chunk;
    if (got === null) {
      const missing = HEADER_BYTES - head.length;
      head = Buffer.concat([head, chunk.subarray(0, missing)]);
      rest = chunk.subarray(missing);
      if (head.length < HEADER_BYTES) return;
      plan = decodeHeader(head);
      foreign = plan === null;
      if (plan === null) {
        socket.resetAndDestroy();
        return;
      }
      got = new CheckedBytes(plan.seed, "up", plan.up);
      if (plan.order !== "answer") reply();
    }
    if (!got.check(rest)) socket.resetAndDestroy();
  });
  socket.once("end", () => {
    if (got === null || got.left > 0) {
      // A connection that said nothing at all asked only whether somebody listens.
      socket.resetAndDestroy();
    } else if (plan?.order === "answer") reply();
  });
  await watch.closed;
  const bytes = got as CheckedBytes | null;
  if (head.length === 0 && !watch.silent) return;
  const verdict = foreign ? "wrong" : watch.verdict(bytes, options);
  tally.service[verdict]++;
  tally.bytes.up += bytes?.done ?? 0;
  if (verdict === "whole") tally.wholeBytes.up += bytes?.done ?? 0;
  if (["wrong", "lost", "hung"].includes(verdict))
    tally.complain(
      `service :${socket.localPort ?? 0}: ${verdict} after ${bytes?.done ?? 0}: ${JSON.stringify(plan)} ${watch.error?.code ?? ""}`,
    );
}

/** One stream through `port`, to its end. Never rejects. */
export async function runStream(
  port: number,
  plan: StreamPlan,
  options: CheckedOptions,
): Promise<Verdict> {
  const { tally } = options;
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  const watch = new Watch(socket, options);
  const got = new CheckedBytes(plan.seed, "down", plan.down);
  const sent = new CheckedBytes(plan.seed, "up", plan.up);
  let connected = false;
  socket.once("connect", () => {
    connected = true;
    socket.write(encodeHeader(plan));
    if (plan.order !== "greeting") sendAll(socket, sent);
  });
  socket.on("data", (chunk) => {
    if (!got.check(chunk)) socket.resetAndDestroy();
  });
  socket.once("end", () => {
    if (got.left > 0) socket.resetAndDestroy();
    else if (plan.order === "greeting") sendAll(socket, sent);
  });
  await watch.closed;
  let verdict = connected ? watch.verdict(got, options) : "refused";
  if (watch.silent && !connected) verdict = "hung";
  tally.client[verdict]++;
  tally.bytes.down += got.done;
  if (verdict === "whole") {
    tally.wholeBytes.down += got.done;
    tally.longestWaitMs = Math.max(tally.longestWaitMs, watch.longestWaitMs);
  }
  if (["wrong", "lost", "hung"].includes(verdict))
    tally.complain(
      `client to :${port}: ${verdict} after ${got.done} down, ${sent.done} up: ${JSON.stringify(plan)} ${watch.error?.code ?? ""}`,
    );
  return verdict;
}

/** One way from clients to a service: the port of a use. */
export interface Lane {
  port: number;
  killedSince?: (beganMs: number) => boolean;
}

export interface LoadOptions {
  lanes: readonly Lane[];
  random: Random;
  tally: Tally;
  /** streams at the same time */
  concurrency?: number;
  /** Each client stays with one lane, as an application does; else each stream takes any. */
  isSettled?: boolean;
  /** between two streams of one client */
  pauseMs?: number;
  maxBytes?: number;
  silenceMs?: number;
}

/** Keeps streams running over its lanes until it is stopped. */
export class CheckedLoad {
  #stopping = false;
  readonly #clients: Promise<void>[] = [];

  constructor(private readonly options: LoadOptions) {
    const { concurrency = 16 } = options;
    for (let count = 0; count < concurrency; count++)
      this.#clients.push(this.#client(count));
  }

  /** Begins no more and resolves when the running ones are over. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#clients);
  }

  async #client(number: number): Promise<void> {
    const { lanes, random, tally, pauseMs = 0, maxBytes } = this.options;
    const { isSettled = false } = this.options;
    while (!this.#stopping) {
      const any = random.between(0, lanes.length - 1);
      const lane = lanes[isSettled ? number % lanes.length : any];
      if (lane === undefined) throw new Error("a load needs a lane");
      const verdict = await runStream(lane.port, randomPlan(random, maxBytes), {
        tally,
        silenceMs: this.options.silenceMs ?? SILENCE_MS,
        ...(lane.killedSince && { killedSince: lane.killedSince }),
      });
      // Who is refused comes again as people do, not as fast as a machine can.
      const rest = verdict === "whole" ? pauseMs : Math.max(pauseMs, 100);
      if (rest > 0) await sleep(rest);
    }
  }
}
