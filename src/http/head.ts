// The head of an HTTP/1 message: its first line and its headers, read from bytes as they come and written again.
// Text is one character a byte (latin1), so that bytes beyond ASCII come out as they went in. Pure.

import { badRequest, HttpFault } from "./fault.js";

/** As a message has it: the name in lower case, the name as it was written, and the value. */
export type Header = readonly [name: string, raw: string, value: string];

export interface Head {
  /** the first line */
  start: string;
  headers: Header[];
}

/** Of a head, or of trailers; as much as any server takes. */
export const HEAD_BYTES_MAX = 64 * 1024;
const HEADERS_MAX = 1_000;

const LF = 10;
const CR = 13;

export interface HeadReaderOptions {
  /** what the first line looks like; nobody waits for the rest of what looks otherwise */
  starts: RegExp;
  /** a line that begins with a blank goes on with the one before (RFC 9112, 5.2: what only a service may still do) */
  joinsFolded: boolean;
}

/** Bytes → heads, one after the other. Throws HttpFault (400, 431) for what is none. */
export class HeadReader {
  private kept: Buffer | null = null;
  /** lines before it were looked at already */
  private from = 0;

  constructor(private readonly options: HeadReaderOptions) {}

  /** Something came, and it is no whole head yet. */
  get isWithin(): boolean {
    return this.kept !== null;
  }

  /** `rest`: what came behind it. Null: more is needed. */
  push(chunk: Buffer): { head: Head; rest: Buffer } | null {
    let bytes = this.kept === null ? chunk : Buffer.concat([this.kept, chunk]);
    this.kept = null;
    if (this.from === 0) {
      bytes = withoutEmptyLines(bytes);
      if (bytes.length === 0) return null;
      // No need to wait for the end of a line of what is TLS, say.
      if (!/[\w!#$%&'*+.^`|~-]/.test(String.fromCharCode(bytes[0] ?? 0)))
        throw badRequest("this is not HTTP");
    }
    const isFirst = this.from === 0;
    const end = this.endOf(bytes);
    if (isFirst) this.checkStart(bytes);
    if ((end ?? bytes.length) > HEAD_BYTES_MAX) throw tooLarge();
    if (end === null) {
      this.kept = bytes;
      return null;
    }
    this.from = 0;
    const lines = linesOf(bytes.toString("latin1", 0, end));
    const [start = "", ...rest] = lines;
    return {
      head: { start, headers: parseHeaders(rest, this.options) },
      rest: bytes.subarray(end),
    };
  }

  private checkStart(bytes: Buffer): void {
    const end = bytes.indexOf(LF);
    if (end < 0 || end > HEAD_BYTES_MAX) return;
    const line = bytes.toString("latin1", 0, end).replace(/\r$/, "");
    if (!this.options.starts.test(line)) throw badRequest("this is not HTTP");
  }

  /** Behind the empty line. */
  private endOf(bytes: Buffer): number | null {
    for (;;) {
      const end = bytes.indexOf(LF, this.from);
      if (end < 0) return null;
      const isEmpty =
        end === this.from || (end === this.from + 1 && bytes[this.from] === CR);
      this.from = end + 1;
      if (isEmpty) return end + 1;
    }
  }
}

/** Lines as they are written, without their ends. Throws HttpFault. */
export function parseHeaders(
  lines: readonly string[],
  { joinsFolded }: Pick<HeadReaderOptions, "joinsFolded">,
): Header[] {
  if (lines.length > HEADERS_MAX)
    throw new HttpFault(431, `more than ${HEADERS_MAX} headers`);
  const headers: Header[] = [];
  for (const line of lines) {
    const last = headers.at(-1);
    if (/^[ \t]/.test(line)) {
      if (!joinsFolded || last === undefined)
        throw badRequest("a header that goes on in a second line");
      const [name, raw, value] = last;
      headers[headers.length - 1] = [
        ...[name, raw],
        checked(`${value} ${line.trim()}`.trim()),
      ] as unknown as Header;
      continue;
    }
    const colon = line.indexOf(":");
    const raw = line.slice(0, Math.max(colon, 0));
    if (!isToken(raw)) throw badRequest("a header without a proper name");
    headers.push([raw.toLowerCase(), raw, checked(trim(line, colon + 1))]);
  }
  return headers;
}

export function isToken(text: string): boolean {
  return /^[\w!#$%&'*+.^`|~-]+$/.test(text);
}

/** A head as it is sent, with the empty line behind it. */
export function formatHead(
  start: string,
  headers: readonly Header[],
  ...more: readonly string[]
): string {
  let text = `${start}\r\n`;
  for (const [, raw, value] of headers) text += `${raw}: ${value}\r\n`;
  for (const line of more) text += `${line}\r\n`;
  return `${text}\r\n`;
}

/** All values of that name. */
export function valuesOf(headers: readonly Header[], wanted: string): string[] {
  const values: string[] = [];
  for (const [name, , value] of headers)
    if (name === wanted) values.push(value);
  return values;
}

/** The words of a list, of all headers of that name, in lower case. */
export function wordsOf(headers: readonly Header[], wanted: string): string[] {
  return valuesOf(headers, wanted)
    .flatMap((value) => value.toLowerCase().split(","))
    .map((word) => word.trim())
    .filter((word) => word !== "");
}

export function tooLarge(): HttpFault {
  return new HttpFault(
    431,
    `the headers are larger than ${HEAD_BYTES_MAX / 1024} KiB`,
  );
}

function withoutEmptyLines(bytes: Buffer): Buffer {
  let at = 0;
  while (bytes[at] === CR || bytes[at] === LF) at++;
  return at === 0 ? bytes : bytes.subarray(at);
}

function linesOf(text: string): string[] {
  const lines = text.split("\n");
  // The empty line, and what is behind its end.
  lines.length -= 2;
  return lines.map((line) => (line.endsWith("\r") ? line.slice(0, -1) : line));
}

/** By hand: a pattern for the blanks at the end tries each blank within the line, again and again. */
function trim(line: string, from: number): string {
  let start = from;
  let end = line.length;
  while (start < end && isBlank(line.charCodeAt(start))) start++;
  while (end > start && isBlank(line.charCodeAt(end - 1))) end--;
  return line.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === 32 || code === 9;
}

/** Two programs could understand it in two ways. */

const CONTROL = /[\0-\x08\x0a-\x1f\x7f]/;

function checked(value: string): string {
  if (CONTROL.test(value)) throw badRequest("a control character in a header");
  return value;
}
