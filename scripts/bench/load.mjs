// Connections of our own making, in this process: opened, counted, timed. A
// load owns its connections; close() ends them all.

import { once } from "node:events";
import { connect } from "node:net";
import { performance } from "node:perf_hooks";
import { pause } from "./ports.mjs";

/** So many connections are being opened at a time where many are wanted. */
const OPENING = 64;
const LOOK_MS = 50;

/** Where what nobody looks at is read into. */
const bin = Buffer.alloc(256 * 1024);

export class Load {
  #sockets = new Set();
  #signal;

  /** @param signal ends everything when it is too late */
  constructor(signal) {
    this.#signal = signal;
    signal.addEventListener("abort", () => this.close(), { once: true });
  }

  get size() {
    return this.#sockets.size;
  }

  /** Resolves once connected. */
  async open(port, options = {}) {
    const socket = this.#connect(port, options);
    await once(socket, "connect");
    return socket;
  }

  /** Milliseconds from the call to the first byte; asks for one first when `ask` is set. Closes at once. */
  async firstByte(port, ask) {
    const from = performance.now();
    const socket = this.#connect(port);
    if (ask) socket.write("e");
    await dataOf(socket);
    const took = performance.now() - from;
    socket.destroy();
    return took;
  }

  /** `count` connections that stay open; `first(socket)` is awaited for each. */
  async openMany(count, port, first, options = {}) {
    let left = count;
    const opener = async () => {
      while (left-- > 0) await first(await this.open(port, options));
    };
    await all(Array.from({ length: Math.min(OPENING, count) }, opener));
  }

  /** Reads and drops whatever `count` connections get; bytes() is the sum so far. */
  async drain(count, port) {
    let bytes = 0;
    const onread = {
      buffer: bin,
      callback: (length) => {
        bytes += length;
        return true;
      },
    };
    await this.openMany(count, port, (socket) => socket.write("p"), { onread });
    return { bytes: () => bytes };
  }

  close() {
    for (const socket of this.#sockets) socket.destroy();
  }

  #connect(port, options = {}) {
    this.#signal.throwIfAborted();
    const socket = connect({ port, host: "127.0.0.1", ...options });
    socket.setNoDelay(true);
    this.#sockets.add(socket);
    socket.on("error", () => undefined);
    socket.once("close", () => this.#sockets.delete(socket));
    return socket;
  }
}

/** Resolves with the next piece; rejects when the connection ends instead. */
export function dataOf(socket) {
  return new Promise((resolve, reject) => {
    const data = (piece) => {
      socket.off("close", close);
      resolve(piece);
    };
    const close = () => {
      socket.off("data", data);
      reject(new Error("the connection was closed before an answer came"));
    };
    socket.once("data", data).once("close", close);
  });
}

/** One byte there and back on an open connection. */
export async function echo(socket) {
  socket.write("e");
  await dataOf(socket);
}

/** Asks for a megabyte on an open connection and waits for all of it. */
export async function fetchMegabyte(socket) {
  let missing = 1_000_000;
  await new Promise((resolve, reject) => {
    const close = () => reject(new Error("closed in the middle of a megabyte"));
    const data = ({ length }) => {
      missing -= length;
      if (missing > 0) return;
      socket.off("data", data).off("close", close);
      resolve();
    };
    socket.on("data", data).once("close", close).write("m");
  });
}

/**
 * Waits until the service has at least (or, with `atMost`, at most) so many
 * connections; `port` is the service's own.
 */
export async function untilConnections(count, port, signal, atMost = false) {
  const load = new Load(signal);
  try {
    const socket = await load.open(port);
    for (;;) {
      socket.write("n");
      const now = Number(await dataOf(socket));
      if (atMost ? now <= count : now >= count) return;
      await pause(LOOK_MS);
    }
  } finally {
    load.close();
  }
}

/** As Promise.all, but leaves nothing running behind that could reject unheard. */
async function all(works) {
  const results = await Promise.allSettled(works);
  const failed = results.find(({ status }) => status === "rejected");
  if (failed) throw failed.reason;
}
