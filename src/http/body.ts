// The body of an HTTP/1 message: where it ends, in what comes, and how a body of chunks is written.
// Chunks are taken apart and put together anew, so that nobody behind us can see other bounds than we did. Pure.

import { badRequest } from "./fault.js";
import { HEAD_BYTES_MAX, parseHeaders, tooLarge, type Header } from "./head.js";

export type Framing =
  | { kind: "none" }
  | { kind: "length"; bytes: number }
  | { kind: "chunks" }
  /** to the end of the connection: of an answer only */
  | { kind: "end" };

/** The line of a chunk's size, with whatever stands behind the size. */
const SIZE_LINE_MAX = 4 * 1024;

const LF = 10;

export interface BodySink {
  onData(piece: Buffer): void;
}

export class BodyReader {
  private state: "data" | "size" | "behind" | "trailers" | "over";
  private left = 0;
  private line = "";
  private trailerLines: string[] = [];
  private trailerBytes = 0;
  trailers: Header[] = [];

  /** @param takesBareLf for the ends of chunks' lines: of a service, as nothing passes with the bounds that it gave */
  constructor(
    readonly framing: Framing,
    private readonly takesBareLf = false,
  ) {
    this.state = framing.kind === "chunks" ? "size" : "data";
    if (framing.kind === "length") this.left = framing.bytes;
    if (framing.kind === "end") this.left = Infinity;
    if (framing.kind !== "chunks" && this.left === 0) this.state = "over";
  }

  get isOver(): boolean {
    return this.state === "over";
  }

  /** What came behind it; empty: nothing. Throws HttpFault. The data goes to the sink in one piece, before this returns. */
  push(bytes: Buffer, sink: BodySink): Buffer {
    let rest = bytes;
    // Each piece has a price further on: many small chunks are passed as one.
    const pieces: Buffer[] = [];
    try {
      while (rest.length > 0 && this.state !== "over")
        rest =
          this.state === "data" ? this.data(rest, pieces) : this.text(rest);
    } finally {
      const [only] = pieces;
      if (only !== undefined)
        sink.onData(pieces.length === 1 ? only : Buffer.concat(pieces));
    }
    return rest;
  }

  private data(bytes: Buffer, pieces: Buffer[]): Buffer {
    const piece =
      bytes.length > this.left ? bytes.subarray(0, this.left) : bytes;
    this.left -= piece.length;
    if (this.left === 0)
      this.state = this.framing.kind === "chunks" ? "behind" : "over";
    pieces.push(piece);
    return bytes.subarray(piece.length);
  }

  private text(bytes: Buffer): Buffer {
    const end = bytes.indexOf(LF);
    const most = this.state === "trailers" ? HEAD_BYTES_MAX : SIZE_LINE_MAX;
    const length = end < 0 ? bytes.length : end;
    if (this.line.length + length > most) throw tooLarge();
    this.line += bytes.toString("latin1", 0, length);
    if (end < 0) return bytes.subarray(length);
    const { line } = this;
    this.line = "";
    // A bare LF here is where two programs see two bounds of a request.
    const isProper = line.endsWith("\r");
    if (!isProper && !this.takesBareLf)
      throw badRequest("a chunk's line without CR LF");
    this.readLine(isProper ? line.slice(0, -1) : line);
    return bytes.subarray(length + 1);
  }

  private readLine(line: string): void {
    if (this.state === "behind") {
      if (line !== "") throw badRequest("a chunk longer than it said");
      this.state = "size";
    } else if (this.state === "size") {
      const size = /^0*([0-9a-f]{1,12})[ \t]*(?:;[^\r]*)?$/i.exec(line)?.[1];
      if (size === undefined) throw badRequest("a chunk without a size");
      this.left = parseInt(size, 16);
      this.state = this.left === 0 ? "trailers" : "data";
    } else if (line === "") {
      this.trailers = parseHeaders(this.trailerLines, { joinsFolded: false });
      this.state = "over";
    } else {
      this.trailerBytes += line.length;
      if (this.trailerBytes > HEAD_BYTES_MAX) throw tooLarge();
      this.trailerLines.push(line);
    }
  }
}

/** A piece of a body as it is sent. */
export function writePiece(
  framing: Framing,
  piece: Buffer,
  write: (bytes: Buffer) => void,
): void {
  if (framing.kind !== "chunks") {
    write(piece);
    return;
  }
  write(Buffer.from(`${piece.length.toString(16)}\r\n`, "latin1"));
  write(piece);
  write(CRLF);
}

/** What stands behind the last chunk. */
export function lastChunk(trailers: readonly Header[]): Buffer {
  const lines = trailers.map(([, raw, value]) => `${raw}: ${value}\r\n`);
  return Buffer.from(`0\r\n${lines.join("")}\r\n`, "latin1");
}

const CRLF = Buffer.from("\r\n");
