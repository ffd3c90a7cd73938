// Terminals that hold nobody up. One that is stopped (Ctrl-S), or that nobody reads, takes nothing, for hours maybe; Node's
// own write waits until it has taken all, and every stream of the program waits with it. Here a write gives what there is
// room for, and tries the rest later. The stream's own buffer fills meanwhile: those who write much ask it, as with a pipe.

import { writeSync } from "node:fs";
import { platform } from "node:os";
import { WriteStream } from "node:tty";

/** Between two tries. A stopped terminal costs next to nothing, and when it goes on, nobody sees that it waited. */
const FIRST_WAIT_MS = 1;
const LONGEST_WAIT_MS = 40;

/** Of all the streams that were given to `neverWait`, for the end of the program. */
const writers = new Set<PatientWriter>();

type Done = (error?: Error | null) => void;

/** What Node does not document of a stream. */
interface Inside {
  fd: number;
  _handle?: { setBlocking?(isBlocking: boolean): number } | null;
  _writev: unknown;
}

/**
 * Writes to this stream never wait from now on, if it is a terminal. Not so on Windows: its consoles cannot be written
 * without waiting.
 *
 * libuv opens a terminal anew by its name, and O_NONBLOCK is this process's alone then. Where it cannot (after `su` the
 * terminal is another user's; in a container it may have no name) it writes to the one that the shell has, and waits in
 * any case. That is why `writeSync` writes here, not the stream's handle. O_NONBLOCK is the shell's too then; Node sets it
 * back at its end.
 */
export function neverWait(stream: NodeJS.WritableStream): void {
  if (!(stream instanceof WriteStream) || platform() === "win32") return;
  const inside = stream as unknown as Inside;
  const unblock = () => inside._handle?.setBlocking?.(false);
  if (unblock() !== 0) return;
  const writer = new PatientWriter(inside.fd, unblock);
  writers.add(writer);
  stream._write = (chunk: Buffer | string, encoding, done) => {
    const isText = typeof chunk === "string";
    writer.write(isText ? Buffer.from(chunk, encoding) : chunk, done);
  };
  // One chunk at a time, so that each leaves the memory as soon as it was taken.
  inside._writev = null;
}

/** The program ends: what a terminal does not take in so long is lost. What was asked for (-e, --help) has no such end. */
export function giveUpOnStopped(afterMs: number): void {
  for (const writer of writers) writer.giveUp(afterMs);
}

/** Writes to a descriptor with O_NONBLOCK, one chunk after the other. Opens and closes nothing. */
export class PatientWriter {
  private waitMs = FIRST_WAIT_MS;
  /** what is not taken yet; null: all is */
  private pending: { bytes: Buffer; done: Done } | null = null;
  /** since when nothing is taken; null: it takes */
  private stoppedAt: number | null = null;
  private patienceMs = Infinity;

  /** @param unblock sets O_NONBLOCK: others who share the terminal, a shell or a child, may have set it back */
  constructor(
    private readonly fd: number,
    private readonly unblock: () => void,
  ) {}

  /** `done` comes when all is taken, or with the error; the next call after that. */
  write(bytes: Buffer, done: Done): void {
    this.pending = { bytes, done };
    this.flush();
  }

  /** What is not taken although so much time passed counts as written. */
  giveUp(afterMs: number): void {
    this.patienceMs = afterMs;
    if (this.stoppedAt !== null) this.stoppedAt = performance.now();
  }

  private flush(): void {
    const { pending } = this;
    if (pending === null) return;
    try {
      this.unblock();
      const taken = writeSync(this.fd, pending.bytes);
      pending.bytes = pending.bytes.subarray(taken);
      this.waitMs = FIRST_WAIT_MS;
      this.stoppedAt = null;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== "EAGAIN" && code !== "EINTR") {
        this.settle(error as Error);
        return;
      }
      this.stoppedAt ??= performance.now();
    }
    if (pending.bytes.length === 0 || this.isGivenUp) this.settle();
    else {
      setTimeout(() => {
        this.flush();
      }, this.waitMs);
      this.waitMs = Math.min(this.waitMs * 2, LONGEST_WAIT_MS);
    }
  }

  private get isGivenUp(): boolean {
    const { stoppedAt, patienceMs } = this;
    return stoppedAt !== null && performance.now() - stoppedAt > patienceMs;
  }

  private settle(error?: Error): void {
    const done = this.pending?.done;
    this.pending = null;
    done?.(error);
  }
}
