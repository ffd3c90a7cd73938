// The lines of a stream of bytes, one after the other, as they are asked for: of the stream no more is read ahead than it
// holds by itself, and of a line no more is kept than it may have. Owned by the script that runs them.

import { firstBadByte, isUtf16, OTHER_ENCODINGS, strictText } from "../utf8.js";
import { LINE_BYTES_MAX, tooLong } from "./line-limits.js";

/** A line without its end, or why it is left out, with its number. */
export type InputLine = { text: string } | { problem: string };

const LF = 0x0a;
const CR = 0x0d;

/** A line that goes on for so long is told of before it ends, once: some never do (/dev/zero). */
const ENDLESS_BYTES = 64 * 1024 * 1024;

/** What ends a line is LF, CR LF or CR; the last one may lack it. A byte order mark is no part of the text. */
export async function* inputLines(
  input: AsyncIterable<Uint8Array>,
): AsyncGenerator<InputLine, void, undefined> {
  const line = new BegunLine();
  let isBehindCr = false;
  for await (const chunk of input) {
    if (line.number === 1 && line.bytes === 0 && isUtf16(chunk)) {
      yield {
        problem: "standard input is UTF-16 text; save it as UTF-8",
      };
      return;
    }
    let start: number = isBehindCr && chunk[0] === LF ? 1 : 0;
    if (chunk.length > 0) isBehindCr = false;
    const nextEnd = ends(chunk);
    for (let end; (end = nextEnd(start)) >= 0;) {
      line.extend(chunk.subarray(start, end));
      yield line.finish();
      start = end + 1;
      if (chunk[end] !== CR) continue;
      if (chunk[start] === LF) start++;
      else isBehindCr = start === chunk.length;
    }
    const problem = line.extend(chunk.subarray(start));
    if (problem !== null) yield { problem };
  }
  if (line.bytes > 0) yield line.finish();
}

/** Looks for each kind of end once only, however many lines the chunk has. */
function ends(chunk: Uint8Array): (start: number) => number {
  const next = new Map([
    [LF, -1],
    [CR, -1],
  ]);
  return (start) => {
    let first = Infinity;
    for (const [byte, at] of next) {
      const found = at < start ? chunk.indexOf(byte, start) : at;
      next.set(byte, found < 0 ? Infinity : found);
      first = Math.min(first, found < 0 ? Infinity : found);
    }
    return first === Infinity ? -1 : first;
  };
}

class BegunLine {
  number = 1;
  /** of the whole line so far, also of what is not kept */
  bytes = 0;
  private readonly kept = Buffer.allocUnsafe(LINE_BYTES_MAX);
  private isTold = false;

  /** What is to be told of it before it ends, or null. */
  extend(part: Uint8Array): string | null {
    // What does not fit is only counted.
    if (this.bytes < LINE_BYTES_MAX)
      this.kept.set(this.fitting(part), this.bytes);
    this.bytes += part.length;
    if (this.bytes < ENDLESS_BYTES || this.isTold) return null;
    this.isTold = true;
    return `${tooLong(`line ${this.number}`, this.bytes)}; its end is still to come`;
  }

  finish(): InputLine {
    const line = this.read();
    this.number++;
    this.bytes = 0;
    this.isTold = false;
    return line;
  }

  private fitting(part: Uint8Array): Uint8Array {
    return part.subarray(0, LINE_BYTES_MAX - this.bytes);
  }

  private read(): InputLine {
    const what = `line ${this.number}`;
    if (this.bytes > LINE_BYTES_MAX)
      return { problem: tooLong(what, this.bytes) };
    const bytes = this.kept.subarray(0, this.bytes);
    if (bytes.includes(0))
      return {
        problem: `${what} has a NUL (byte ${bytes.indexOf(0) + 1}): it is no text, and is left out`,
      };
    const text = strictText(bytes);
    if (text !== null) return { text };
    const at = firstBadByte(bytes);
    return {
      problem: `${what} is not text in UTF-8 (byte ${at + 1}; ${OTHER_ENCODINGS}) and is left out; save it as UTF-8`,
    };
  }
}
