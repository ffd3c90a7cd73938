// A connection within this process: two duplexes, each other's far end, that behave as TCP does. Bounded buffers, half
// close, and a reset where one side goes without an end. What is written arrives in a later turn of the event loop, and
// uncopied: whoever uses a buffer again waits until the other side has read it.

import { Duplex } from "node:stream";

export interface DuplexPair<End extends PairEnd = PairEnd> {
  readonly a: End;
  readonly b: End;
}

/** How much each side holds of what the other one wrote before it says that it is full. */
const PAIR_BYTES = 64 * 1024;

export function createDuplexPair(bytes = PAIR_BYTES): DuplexPair {
  return joinEnds(new PairEnd(bytes), new PairEnd(bytes));
}

export function joinEnds<End extends PairEnd>(a: End, b: End): DuplexPair<End> {
  a.far = b;
  b.far = a;
  return { a, b };
}

type Done = (error?: Error | null) => void;

export class PairEnd extends Duplex {
  far!: PairEnd;
  /** the far end's write that waits until this end is read */
  private taken: Done | undefined;

  constructor(highWaterMark: number) {
    super({ highWaterMark, allowHalfOpen: true });
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Done): void {
    this.pass([chunk], done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: Done): void {
    this.pass(
      chunks.map(({ chunk }) => chunk),
      done,
    );
  }

  override _read(): void {
    this.letGo();
  }

  override _final(done: Done): void {
    setImmediate(() => {
      if (!this.far.destroyed) this.far.push(null);
      done();
    });
  }

  override _destroy(error: Error | null, done: Done): void {
    this.letGo(broken("EPIPE"));
    // One that wrote its end and read the other's owes nothing; anybody else breaks off.
    if (!this.writableFinished || !this.readableEnded)
      setImmediate(() => {
        this.far.destroy(broken("ECONNRESET"));
      });
    done(error);
  }

  /** Chunks of the far end have come; false: enough for now. */
  protected arrive(chunks: readonly Buffer[]): boolean {
    let hasRoom = true;
    for (const chunk of chunks) hasRoom = this.push(chunk);
    return hasRoom;
  }

  protected pass(chunks: readonly Buffer[], done: Done): void {
    const { far } = this;
    setImmediate(() => {
      if (far.destroyed) done(broken("EPIPE"));
      else if (far.arrive(chunks)) done();
      else far.taken = done;
    });
  }

  private letGo(error?: Error): void {
    const { taken } = this;
    this.taken = undefined;
    taken?.(error);
  }
}

function broken(code: "ECONNRESET" | "EPIPE"): Error {
  return Object.assign(new Error(code), { code });
}
