// A named pipe of Windows as a connection with two ends. A pipe has one end for both directions: whoever ends his own
// closes what still comes as well, and nobody can tell that from an end in good order. So ours is closed when the other
// side has closed its own, or breaks, with an error, when that says nothing any more. Owns the socket.

import type net from "node:net";
import { Duplex } from "node:stream";
import { VnetError } from "../errors.js";
import { hearOut } from "./socket-handle.js";

/**
 * So long a pipe that was told to end may be silent before it breaks. A service may think about its answer; a user that
 * reads to the end of it can be shown that end in no other way.
 */
export const PIPE_SILENCE_MS = { dialled: 5_000, accepted: 200 } as const;

type Done = (error?: Error | null) => void;

export class NamedPipe extends Duplex {
  /** its own end has come */
  private isOver = false;
  /** told to end: it is closed when it is over, or silent for so long */
  private isEnding = false;
  private silence: NodeJS.Timeout | undefined;

  /** Takes over a socket that nobody has read or listened to yet. */
  constructor(
    private readonly socket: net.Socket,
    private readonly silenceMs: number,
  ) {
    super({ allowHalfOpen: true });
    hearOut(socket);
    socket.on("data", (chunk: Buffer) => {
      if (!this.push(chunk)) socket.pause();
      this.waitOn();
    });
    socket.pause();
    socket.once("end", () => {
      this.isOver = true;
      clearTimeout(this.silence);
      this.push(null);
    });
    socket.on("error", (cause) => this.destroy(cause));
    socket.once("close", () => {
      if (this.isOver) this.destroy();
      else this.destroy(new VnetError("closed", "the pipe was closed"));
    });
  }

  override _read(): void {
    this.socket.resume();
    this.waitOn();
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: Done): void {
    this.socket.write(chunk, done);
  }

  /** All that was written is in the pipe, where the other side finds it also when ours is closed. */
  override _final(done: Done): void {
    this.isEnding = true;
    this.waitOn();
    done();
  }

  override _destroy(error: Error | null, done: Done): void {
    clearTimeout(this.silence);
    this.socket.destroy();
    done(error);
  }

  private waitOn(): void {
    clearTimeout(this.silence);
    if (!this.isEnding || this.isOver || this.destroyed) return;
    this.silence = setTimeout(() => {
      // Where nobody reads what came, it is not the pipe that is silent.
      if (this.readableLength > 0) this.waitOn();
      else this.destroy(broken(this.silenceMs));
    }, this.silenceMs);
  }
}

function broken(silenceMs: number): VnetError {
  return new VnetError(
    "closed",
    `a named pipe cannot be closed in one direction alone, and nothing came on it for ${silenceMs / 1000} s after the other one had ended`,
  );
}
