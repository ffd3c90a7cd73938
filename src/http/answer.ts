// A service's answer: what its head means, and the head that the user gets in its place. Pure.

import type { Framing } from "./body.js";
import type { HttpFault } from "./fault.js";
import { badAnswer, phraseOf } from "./fault.js";
import {
  formatHead,
  valuesOf,
  wordsOf,
  type Head,
  type Header,
} from "./head.js";
import { dropsOf, type Request } from "./request.js";

export interface Answer {
  status: number;
  phrase: string;
  head: Head;
  framing: Framing;
  /** The service's connection may carry the next request. */
  isKept: boolean;
}

/** The minor version, the status, the phrase. */
export const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: (.*))?$/;

/** Throws HttpFault 502. */
export function readAnswer(head: Head, method: string): Answer {
  const { start, headers } = head;
  const [, version, code, phrase = ""] = STATUS_LINE.exec(start) ?? [];
  if (code === undefined)
    throw badAnswer("what the service answered is not HTTP");

  if (/[\0-\x08\x0a-\x1f\x7f]/.test(phrase))
    throw badAnswer("a control character in the service's reason phrase");
  const status = Number(code);
  const framing = framingOf(head, status, method);
  const connection = wordsOf(headers, "connection");
  const isKept =
    version === "1"
      ? !connection.includes("close")
      : connection.includes("keep-alive");
  return {
    ...{ status, phrase, head, framing },
    isKept: isKept && framing.kind !== "end" && !isDoubtful(headers),
  };
}

/** Identity is none, and chunks said twice are chunks, as services do it that have a framework and a server for that. */
function codingsOf(headers: readonly Header[]): string[] {
  const codings = wordsOf(headers, "transfer-encoding");
  return [...new Set(codings)].filter((word) => word !== "identity");
}

/** Others may see another end of such an answer: nothing that comes behind it is taken for the next one. */
function isDoubtful(headers: readonly Header[]): boolean {
  const codings = wordsOf(headers, "transfer-encoding");
  const hasLength = valuesOf(headers, "content-length").length > 0;
  return codings.length > 1 || (codings.length === 1 && hasLength);
}

function framingOf({ headers }: Head, status: number, method: string): Framing {
  const codings = codingsOf(headers);
  const lengths = valuesOf(headers, "content-length")
    .flatMap((value) => value.split(","))
    .map((word) => word.trim());
  const [length] = lengths;
  // Said twice and equal is said once (RFC 9110, 8.6).
  if (lengths.some((word) => word !== length || !/^\d{1,15}$/.test(word)))
    throw badAnswer(
      "the service's answer gives more than one length, or none that is a number",
    );
  if (codings.length > 0 && codings.join() !== "chunked")
    throw badAnswer(
      "the service's answer has a transfer coding other than chunked",
    );
  if (method === "HEAD" || status < 200 || status === 204 || status === 304)
    return { kind: "none" };
  if (codings.length > 0) return { kind: "chunks" };
  if (length !== undefined) return { kind: "length", bytes: Number(length) };
  return { kind: "end" };
}

/** How the body goes to the user: what lasts to the end of a connection goes in chunks, so that its end can be trusted. */
export function userFraming({ framing }: Answer, { isOld }: Request): Framing {
  const isOpen = framing.kind === "end" || framing.kind === "chunks";
  if (!isOpen) return framing;
  return { kind: isOld ? "end" : "chunks" };
}

/** The head that the user gets. `isLast`: his connection ends behind it. */
export function userHead(
  answer: Answer,
  request: Request,
  isLast: boolean,
): string {
  const { status, phrase, head, framing } = answer;
  const drops = dropsOf(head.headers);
  const hasTrailers = framing.kind === "chunks" && !request.isOld;
  // Beside chunks a length says nothing (RFC 9112, 6.3).
  let hasLength = status === 204 || codingsOf(head.headers).length > 0;
  const passed: Header[] = [];
  for (const header of head.headers) {
    const [name, raw, value] = header;
    if (drops(name) || (name === "trailer" && !hasTrailers)) continue;
    if (name !== "content-length") passed.push(header);
    else if (!hasLength) {
      hasLength = true;
      passed.push([name, raw, value.split(",", 1).join("").trim()]);
    }
  }
  const more: string[] = [];
  if (userFraming(answer, request).kind === "chunks")
    more.push("Transfer-Encoding: chunked");
  if (isLast) more.push("Connection: close");
  else if (request.isOld) more.push("Connection: keep-alive");
  return formatHead(`HTTP/1.1 ${status} ${phrase}`, passed, ...more);
}

/** 102, 103 and the like, and 100: they pass with their headers. */
export function informationHead({ status, phrase, head }: Answer): string {
  const drops = dropsOf(head.headers);
  const passed = head.headers.filter(([name]) => !drops(name));
  return formatHead(`HTTP/1.1 ${status} ${phrase}`, passed);
}

/** 101: what both agreed on stays. */
export function switchingHead({ phrase, head }: Answer): string {
  const text = phrase === "" ? "Switching Protocols" : phrase;
  return formatHead(`HTTP/1.1 101 ${text}`, head.headers);
}

/** An answer of our own: one line of text, head and body. */
export function ownAnswer(
  { status, reason }: HttpFault,
  method: string,
  isLast: boolean,
): string {
  const text = `${status} ${phraseOf(status)}: ${reason}\n`;
  const head = [
    `HTTP/1.1 ${status} ${phraseOf(status)}`,
    "Content-Type: text/plain; charset=utf-8",
    `Content-Length: ${Buffer.byteLength(text)}`,
    ...(isLast ? ["Connection: close"] : []),
  ];
  return `${head.join("\r\n")}\r\n\r\n${method === "HEAD" ? "" : text}`;
}
