// Two duplexes in memory, each other's far end, that behave as a TCP connection does: bounded buffers, half-close,
// and a reset where one side goes without a FIN. What is written arrives in a later turn of the event loop.

import { Duplex } from "node:stream";

export interface DuplexPair {
  readonly a: PairEnd;
  readonly b: PairEnd;
}

/** @param bytes how much each side buffers before it says that it is full */
export function createDuplexPair(bytes = 16 * 1024): DuplexPair {
  const a = new PairEnd(bytes);
  const b = new PairEnd(bytes);
  a.far = b;
  b.far = a;
  return { a, b };
}

export class PairEnd extends Duplex {
  far!: PairEnd;
  /** how often something was written in one piece (one system call, were it a socket) */
  writes = 0;
  bytesWritten = 0;
  /** cuts what arrives here into reads */
  cut: (bytes: Buffer) => readonly Buffer[] = (bytes) => [bytes];
  /** the far end's write that waits until this end is read */
  private taken: (() => void) | undefined;

  constructor(highWaterMark: number) {
    super({ highWaterMark, allowHalfOpen: true });
  }

  override _write(
    chunk: Buffer,
    _encoding: BufferEncoding,
    done: (error?: Error | null) => void,
  ): void {
    this.pass(chunk, done);
  }

  override _writev(
    chunks: { chunk: Buffer }[],
    done: (error?: Error | null) => void,
  ): void {
    this.pass(Buffer.concat(chunks.map(({ chunk }) => chunk)), done);
  }

  override _read(): void {
    const { taken } = this;
    this.taken = undefined;
    taken?.();
  }

  override _final(done: () => void): void {
    setImmediate(() => {
      if (!this.far.destroyed) this.far.push(null);
      done();
    });
  }

  override _destroy(
    error: Error | null,
    done: (error?: Error | null) => void,
  ): void {
    const { far } = this;
    this._read();
    if (!this.writableFinished || !this.readableEnded)
      setImmediate(() => {
        far.destroy(broken("ECONNRESET"));
      });
    done(error);
  }

  private pass(bytes: Buffer, done: (error?: Error | null) => void): void {
    const { far } = this;
    this.writes++;
    this.bytesWritten += bytes.length;
    setImmediate(() => {
      if (far.destroyed) {
        done(broken("EPIPE"));
        return;
      }
      let hasRoom = true;
      for (const piece of far.cut(bytes)) hasRoom = far.push(piece);
      if (hasRoom) done();
      else far.taken = done;
    });
  }
}

function broken(code: "ECONNRESET" | "EPIPE"): Error {
  return Object.assign(new Error(code), { code });
}
