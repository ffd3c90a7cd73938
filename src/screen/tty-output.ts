// Output that holds nobody up. A terminal that is stopped (Ctrl-S), or that nobody reads, takes nothing, for hours maybe;
// Node's own write waits until it has taken all, and every stream of the program waits with it. Here a write gives what
// there is room for, and tries the rest later. The stream's own buffer fills meanwhile: those who write much ask it.

import { constants, fstatSync, openSync, writeSync } from "node:fs";
import { platform } from "node:os";
import { Writable } from "node:stream";
import { WriteStream } from "node:tty";

/** Between two tries. A stopped terminal costs next to nothing, and when it goes on, nobody sees that it waited. */
const FIRST_WAIT_MS = 1;
const LONGEST_WAIT_MS = 40;

/** Longer than any screen takes that goes on. */
const GIVE_UP_MS = 1_000;

/** Those that a program which ends does not wait for. */
const notAwaited = new Set<PatientWriter>();

type Done = (error?: Error | null) => void;

/** What Node does not document of a stream. */
interface Inside {
  fd: number;
  _handle?: { setBlocking?(isBlocking: boolean): number } | null;
  _write(chunk: Buffer | string, encoding: BufferEncoding, done: Done): void;
  _writev: unknown;
}

/**
 * Writes to this stream never wait from now on, and O_NONBLOCK is not left for others who write to the same pipe or
 * terminal, a shell or `cat` beside this program: that is this process's alone where it can be opened anew, as Linux lets
 * us. Elsewhere, and where it is another user's (after `su`), it is the others' too until this process ends, when Node
 * sets it back.
 *
 * Node makes writes to terminals wait. libuv, told that they shall not, still waits for terminals that it could not open
 * anew: that is why `writeSync` writes here. Not on Windows, where a console cannot be written without waiting.
 */
export function neverWait(stream: NodeJS.WritableStream): void {
  const inside = stream as unknown as Inside;
  const isTerminal = stream instanceof WriteStream;
  if (platform() === "win32" || !(isTerminal || isPipe(inside.fd))) return;
  const { _handle: handle } = inside;
  const own = openAnew(inside.fd);
  // libuv does well with pipes.
  if (own === null && !isTerminal) return;
  if (handle?.setBlocking?.(own !== null) !== 0) return;
  const writer =
    own === null
      ? new PatientWriter(inside.fd, () => handle.setBlocking?.(false))
      : new PatientWriter(own);
  if (isTerminal) notAwaited.add(writer);
  inside._write = (chunk, encoding, done) => {
    const isText = typeof chunk === "string";
    writer.write(isText ? Buffer.from(chunk, encoding) : chunk, done);
  };
  // One chunk at a time, so that each leaves the memory as soon as it was taken.
  inside._writev = null;
}

/**
 * A stream into a pipe, a terminal or a device that was opened with O_NONBLOCK, for a log. What cannot be written is lost.
 * @param onWritten called after each line with the error, or null
 */
export function patientOutput(
  fd: number,
  onWritten: (error: Error | null) => void,
): Writable {
  const writer = new PatientWriter(fd);
  notAwaited.add(writer);
  return new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      writer.write(chunk, (error = null) => {
        onWritten(error);
        done();
      });
    },
  });
}

function isPipe(fd: number): boolean {
  try {
    return fstatSync(fd).isFIFO();
  } catch {
    return false;
  }
}

/** What the descriptor leads to, with an O_NONBLOCK of its own; null where the system has no way, or forbids it. */
function openAnew(fd: number): number | null {
  const { O_WRONLY, O_NONBLOCK, O_NOCTTY } = constants;
  try {
    return openSync(`/proc/self/fd/${fd}`, O_WRONLY | O_NONBLOCK | O_NOCTTY);
  } catch {
    return null;
  }
}

/** The program ends: what a terminal or a log does not take in a second is lost. What was asked for (-e, --help) has no such end. */
export function giveUpOnStopped(): void {
  for (const writer of notAwaited) writer.giveUp(GIVE_UP_MS);
}

/** Writes to a descriptor with O_NONBLOCK, one chunk after the other. Opens and closes nothing. */
export class PatientWriter {
  private waitMs = FIRST_WAIT_MS;
  /** what is not taken yet; null: all is */
  private pending: { bytes: Buffer; done: Done } | null = null;
  /** since when nothing is taken; null: it takes */
  private stoppedAt: number | null = null;
  private patienceMs = Infinity;

  /** @param unblock sets O_NONBLOCK, where others who share it, a shell or a child, may set it back */
  constructor(
    private readonly fd: number,
    private readonly unblock: () => void = () => undefined,
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
