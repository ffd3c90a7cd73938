// One side of a conversation on a real socket: carries its steps out, checks every byte that comes, and says what it saw.
// Owns its socket.

import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { tellTrueEnd } from "../../src/net/socket-handle.js";
import type { CheckedBytes } from "./checked-bytes.js";
import type { End, Step } from "./conversation.js";
import type { Random } from "./random.js";

/** The errors by which a socket tells of a reset. */
const RESETS = new Set(["ECONNRESET", "EPIPE", "ECONNABORTED"]);

/** A piece at the most, where chance cuts; one write in the longest transfers. */
const MAX_PIECE = 256 * 1024;

/** Sent so many times by chance alone, a large transfer would be nothing but tiny writes. */
const MAX_PIECES = 400;

const LOOK_AGAIN_MS = 10;

export interface Observation {
  bytes: number;
  /** of all the bytes, in their order */
  sha256: string;
  end: End | `error ${string}`;
  /** the first byte that is not what the other side sent; null: none */
  wrongAt: number | null;
  /** the step at which it hung; null: it came to its end */
  hungAt: string | null;
}

export interface SideOptions {
  /** connecting, or accepted and paused */
  socket: Socket;
  steps: readonly Step[];
  says: CheckedBytes;
  hears: CheckedBytes;
  random: Random;
}

export class Side {
  readonly #socket: Socket;
  readonly #hash = createHash("sha256");
  #end: Observation["end"] = "open";
  /** where it stands, for whoever has to say what hangs */
  #step = "connect";
  #wanted = 0;
  #slowMs = 0;
  readonly connected: Promise<void>;
  #wake: () => void = () => undefined;

  constructor(private readonly options: SideOptions) {
    const { socket } = options;
    this.#socket = socket;
    // Explicitly, so that neither Node nor a listener for data begins to read by itself.
    socket.pause();
    socket.setNoDelay();
    tellTrueEnd(socket);
    socket.on("data", (chunk: Buffer) => {
      this.#receive(chunk);
    });
    socket.on("end", () => {
      this.#end = "fin";
      this.#wake();
    });
    socket.on("error", (error: NodeJS.ErrnoException) => {
      this.#fail(error);
    });
    for (const event of ["connect", "drain", "finish", "close"])
      socket.on(event, () => this.#wake());
    this.connected = new Promise((resolve) => {
      socket.once("connect", resolve).once("close", () => resolve());
    });
  }

  /** Resolves when it is over, or at the deadline; never rejects for what the other side does. */
  async run(signal: AbortSignal): Promise<Observation> {
    let hungAt: string | null = null;
    try {
      await this.#until(() => !this.#socket.connecting, signal);
      const { steps } = this.options;
      if (steps[0]?.do !== "stopReading") this.#socket.resume();
      for (const step of steps) {
        this.#step = JSON.stringify(step);
        await this.#carryOut(step, signal);
        if (this.#isOver) break;
      }
      this.#step = "the end of both halves";
      await this.#until(() => this.#socket.closed, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
      hungAt = this.#step;
      this.#socket.destroy();
    }
    const { hears } = this.options;
    return {
      bytes: hears.done,
      sha256: this.#hash.digest("hex"),
      end: this.#end,
      wrongAt: hears.wrongAt,
      hungAt,
    };
  }

  async #carryOut(step: Step, signal: AbortSignal): Promise<void> {
    const socket = this.#socket;
    switch (step.do) {
      case "send":
        return this.#send(step, signal);
      case "sendUntilReset":
        return this.#send({ bytes: Infinity, piece: 65_536 }, signal);
      case "receive":
        this.#wanted += step.bytes;
        return this.#until(
          () => this.options.hears.done >= this.#wanted,
          signal,
        );
      case "fin":
        socket.end();
        return this.#until(() => socket.writableFinished, signal);
      case "untilFin":
        return this.#until(() => this.#end !== "open", signal);
      case "untilReset":
        return this.#until(() => false, signal);
      case "reset":
        socket.resetAndDestroy();
        return;
      case "close":
        socket.destroy();
        return;
      case "stopReading":
        socket.pause();
        return;
      case "goOnReading":
        socket.resume();
        return;
      case "readSlowly":
        this.#slowMs = step.pauseMs;
        return;
      case "untilUnread":
        while (!this.#isOver && (await unreadBytes(socket)) < step.bytes)
          await sleep(LOOK_AGAIN_MS, undefined, { signal });
        return;
      case "idle":
        await sleep(step.ms, undefined, { signal });
    }
  }

  /** Nothing more will come of it, whatever is still to be told of that. */
  get #isOver(): boolean {
    return this.#socket.destroyed;
  }

  async #send(
    {
      bytes,
      piece,
      pauseMs,
    }: { bytes: number; piece?: number; pauseMs?: number },
    signal: AbortSignal,
  ): Promise<void> {
    const { says, random } = this.options;
    const socket = this.#socket;
    const least = Math.ceil(bytes / MAX_PIECES);
    const most = Math.max(least, 1 << random.between(4, 18));
    let pending = 0;
    for (let left = bytes; left > 0 && !this.#isOver;) {
      const wanted = piece ?? random.between(least, most);
      const next = says.take(Math.min(left, wanted, MAX_PIECE));
      left -= next.length;
      pending++;
      const isRoom = socket.write(next, () => {
        pending--;
        this.#wake();
      });
      if (pauseMs !== undefined) await sleep(pauseMs, undefined, { signal });
      if (!isRoom) await this.#until(() => !socket.writableNeedDrain, signal);
    }
    await this.#until(() => pending === 0, signal);
  }

  #receive(chunk: Buffer): void {
    this.#hash.update(chunk);
    this.options.hears.check(chunk);
    if (this.#slowMs > 0) {
      this.#socket.pause();
      setTimeout(() => this.#socket.resume(), this.#slowMs);
    }
    this.#wake();
  }

  #fail({ code = "without a code" }: NodeJS.ErrnoException): void {
    if (code === "ECONNREFUSED") this.#end = "refused";
    else if (!RESETS.has(code)) this.#end = `error ${code}`;
    else this.#end = this.#end === "fin" ? "fin, then reset" : "reset";
  }

  /** Also when the connection is over; throws at the deadline. */
  async #until(isSo: () => boolean, signal: AbortSignal): Promise<void> {
    const wake = () => this.#wake();
    signal.addEventListener("abort", wake);
    try {
      while (!isSo() && !this.#socket.closed) {
        signal.throwIfAborted();
        await new Promise<void>((resolve) => (this.#wake = resolve));
      }
    } finally {
      signal.removeEventListener("abort", wake);
    }
  }
}

/** What the kernel holds for the reader of this socket; Infinity where nothing tells it. */
async function unreadBytes({ localPort, remotePort }: Socket): Promise<number> {
  const table = await socketTable();
  if (table === null) return Infinity;
  const end = (port = 0) => port.toString(16).toUpperCase().padStart(4, "0");
  const pattern = `:${end(localPort)} [0-9A-F]{8}:${end(remotePort)} .. [0-9A-F]{8}:([0-9A-F]{8}) `;
  const found = new RegExp(pattern).exec(table);
  return found === null ? 0 : parseInt(found[1]!, 16);
}

let asking: Promise<string | null> | undefined;

/** Asked once for all who ask at the same time: on a busy machine it is long. Null: a system without it. */
function socketTable(): Promise<string | null> {
  asking ??= readFile("/proc/net/tcp", "latin1")
    .catch(() => sleep(100, null))
    .finally(() => (asking = undefined));
  return asking;
}
